#!/usr/bin/env python3
"""Writes the page's config.json (web/README.md says what is in it) to standard output, from
ISSUER, CLIENT_ID, LOGOUT_URL, PAGE_URL and PAGE_EXTRA_PARAMS."""

import json
import os
import sys

config = {
    "issuer": os.environ["ISSUER"],
    "clientId": os.environ["CLIENT_ID"],
    "scope": "openid profile email",
    "extraParams": json.loads(os.environ.get("PAGE_EXTRA_PARAMS") or "{}"),
    "logoutUrl": os.environ.get("LOGOUT_URL", ""),
    # The page and the API are under one origin.
    "apiBaseUrl": "",
    "curlUrl": f"{os.environ['PAGE_URL']}/api/me",
}
json.dump(config, sys.stdout, indent=2)
