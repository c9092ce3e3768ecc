#!/usr/bin/env python3
"""Checks a running Patgate, and an API attached to it, from outside. `make smoke` calls it.

    URL           where the management endpoints are: ApiUrl of the stack
    ATTACHED_URL  a GET of an API attached to the authorizer, which a session may make
    SESSION       a session's access token, or
    SIGN_IN_URL   where `make run` signs somebody in, as SIGN_IN_USER (default: alice)

It creates a token that expires within the hour, uses it, and revokes it, whatever happens.
Needs nothing but Python 3.8.
"""

import datetime
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT_SECONDS = 15
# A well-formed token that nobody was ever given; its checksum is right.
UNKNOWN = "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw"


class Failed(Exception):
    pass


def call(method, url, credential=None, body=None):
    """Status and text of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    if credential is not None:
        request.add_header("Authorization", f"Bearer {credential}")
    if body is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except urllib.error.URLError as error:
        raise Failed(f"{method} {url}: {error.reason}") from error


def expect(what, status, answer):
    got, text = answer
    if got != status:
        raise Failed(f"{what}: expected {status}, got {got} {text[:300]}")
    print(f"ok    {what}: {status}")
    return text


def session():
    if os.environ.get("SESSION"):
        return os.environ["SESSION"]
    sign_in = os.environ.get("SIGN_IN_URL")
    if not sign_in:
        raise Failed("set SESSION to a session's access token, or SIGN_IN_URL on one machine")
    user = os.environ.get("SIGN_IN_USER", "alice")
    data = urllib.parse.urlencode({"user": user}).encode()
    with urllib.request.urlopen(sign_in, data=data, timeout=TIMEOUT_SECONDS) as answer:
        return json.loads(answer.read())["access_token"]


def check(api, attached):
    signed_in = session()
    me = json.loads(expect("session is accepted", 200, call("GET", f"{api}/api/me", signed_in)))
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    new = {"name": "smoke test", "expiresAt": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
    created = json.loads(expect("token is created", 201, call("POST", f"{api}/api/tokens", signed_in, new)))
    token, path = created["token"], f"{api}/api/tokens/{created['id']}"
    try:
        by_token = json.loads(expect("token is accepted", 200, call("GET", f"{api}/api/me", token)))
        for field in ("id", "roles"):
            if by_token[field] != me[field]:
                raise Failed(f"a token has other `{field}` than its owner: {by_token[field]}")
        expect("token cannot create a token", 403, call("POST", f"{api}/api/tokens", token, new))
        await_listed(api, signed_in, created["id"])
        expect("attached API accepts the token", 200, call("GET", attached, token))
        expect("attached API refuses a request without a credential", 401, call("GET", attached))
        for name, bad in (("junk", "junk"), ("a wrong checksum", token[:-1] + ("0" if token[-1] != "0" else "1")), ("an unknown token", UNKNOWN)):
            for where, url in (("the endpoints", f"{api}/api/me"), ("the attached API", attached)):
                expect(f"{where} refuse {name}", 401, call("GET", url, bad))
    finally:
        revoked = call("DELETE", path, signed_in)
    expect("token is revoked", 204, revoked)
    expect("endpoints refuse it at the next request", 401, call("GET", f"{api}/api/me", token))
    expect("attached API refuses it at the next request", 401, call("GET", attached, token))
    shown = json.loads(expect("its record is there", 200, call("GET", path, signed_in)))
    if shown["status"] != "revoked":
        raise Failed(f"it shows as {shown['status']}")


def await_listed(api, signed_in, token_id):
    """An index may lag by a moment."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        status, text = call("GET", f"{api}/api/tokens?limit=100", signed_in)
        if status == 200 and token_id in text:
            print("ok    token is in the list")
            return
        time.sleep(0.5)
    raise Failed("the token does not come into the list")


def main():
    api = os.environ.get("URL", "").rstrip("/")
    attached = os.environ.get("ATTACHED_URL", "")
    try:
        if not api or not attached:
            raise Failed("set URL to the endpoints, and ATTACHED_URL to a GET of an attached API")
        check(api, attached)
    except Failed as failure:
        sys.exit(f"FAILED {failure}")
    print("All is well.")


if __name__ == "__main__":
    main()
