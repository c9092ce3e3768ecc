#!/usr/bin/env python3
"""Checks a running Patgate, and an API attached to it, from outside. `make smoke` calls it.

    URL           where the management endpoints are: ApiUrl of the stack
    ATTACHED_URL  a GET of an API attached to the authorizer, which a session may make
    SESSION       a session's access token, or
    SIGN_IN_URL   where `make run` signs somebody in, as SIGN_IN_USER (default: alice)

It creates a token that expires within the hour, uses it, and revokes it, whatever happens; if
that is not to be done, it names the token. It ends within a minute, whatever answers or does
not. The token's record stays until its retention is over. Needs nothing but Python 3.8.
"""

import datetime
import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# All checks together; then so much more to revoke the token. Less than a minute.
CHECKS_SECONDS = float(os.environ.get("CHECKS_SECONDS", 40))
REVOKE_SECONDS = 15
# One call.
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
    return fetch(request)


def fetch(request):
    where = f"{request.get_method()} {request.full_url}"
    try:
        try:
            answer = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            return answer.status, answer.read().decode(errors="replace")
    # Whatever happens on the way: no connection, an end in the midst, an answer that does not come.
    except urllib.error.URLError as error:
        raise Failed(f"{where}: {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"{where}: {error}") from error


def give_up_after(seconds, what):
    """From now on. Each call has a timeout of its own, but there are many of them."""

    def give_up(_signal, _frame):
        raise Failed(f"{what} took more than {seconds:g} seconds")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)


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
    answer = fetch(urllib.request.Request(sign_in, data=data, method="POST"))
    return json.loads(expect("sign-in", 200, answer))["access_token"]


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
        revoked = revoke(path, signed_in, created)
    expect("token is revoked", 204, revoked)
    expect("endpoints refuse it at the next request", 401, call("GET", f"{api}/api/me", token))
    expect("attached API refuses it at the next request", 401, call("GET", attached, token))
    shown = json.loads(expect("its record is there", 200, call("GET", path, signed_in)))
    if shown["status"] != "revoked":
        raise Failed(f"it shows as {shown['status']}")


def revoke(path, signed_in, created):
    """Whatever the checks have come to. What cannot be revoked is named, for a person to do it."""
    give_up_after(REVOKE_SECONDS, "the end of the token")
    try:
        revoked = call("DELETE", path, signed_in)
    except Failed as failure:
        revoked = (0, str(failure))
    if revoked[0] != 204:
        until = f"it works until {created['expiresAt']}"
        print(f"The token {created['id']} (\"smoke test\") could not be revoked; {until}. Revoke it.", file=sys.stderr)
    return revoked


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
        give_up_after(CHECKS_SECONDS, "the checks")
        check(api, attached)
    except Failed as failure:
        sys.exit(f"FAILED {failure}")
    print("All is well.")


if __name__ == "__main__":
    main()
