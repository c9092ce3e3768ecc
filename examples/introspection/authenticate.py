"""WSGI middleware for a backend that has no API Gateway in front of it. It asks Patgate who the caller is."""

import http.client
import json
import os
import urllib.parse

# The core's output ApiUrl.
PATGATE = urllib.parse.urlsplit(os.environ["PATGATE_URL"])
TIMEOUT_SECONDS = 3


def authenticate(app):
    def middleware(environ, start_response):
        status, caller = ask_patgate(environ.get("HTTP_AUTHORIZATION", ""))
        if status == 200:
            return app(environ | {"patgate.caller": caller}, start_response)
        # Anything but a denial is a fault, so that clients try again and keep their tokens.
        denied = status in (401, 403)
        start_response("401 Unauthorized" if denied else "503 Service Unavailable", [("Content-Length", "0")])
        return [b""]

    return middleware


def ask_patgate(credential):
    """The status of `GET /api/me` and, if it is 200, the caller. It follows no redirect, and caches nothing."""
    if not credential:
        return 401, None
    kind = http.client.HTTPSConnection if PATGATE.scheme == "https" else http.client.HTTPConnection
    connection = kind(PATGATE.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/api/me", headers={"Authorization": credential})
        response = connection.getresponse()
        return response.status, json.load(response) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return 503, None
    finally:
        connection.close()
