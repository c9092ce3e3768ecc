"""A separate Patgate on this machine for each role, and requests to it."""

import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

# An ID that stands for that of a token which can be changed.
CHANGEABLE = "01900000-0000-7000-8000-000000000000"
ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCAL = pathlib.Path(os.environ.get("LOCAL", ROOT / "target/debug/local"))
TIMEOUT_SECONDS = 20


class Throttled(Exception):
    """The API throttles the request."""


def request(method, url, credential=None, body=None, headers=()):
    """The JSON of a successful response; any other response raises an error."""
    data = None if body is None else json.dumps(body).encode()
    made = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
    if credential is not None:
        made.add_header("Authorization", f"Bearer {credential}")

    try:
        with urllib.request.urlopen(made, timeout=TIMEOUT_SECONDS) as response:
            text = response.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        if error.code == 429:
            raise Throttled(f"{method} {url}") from error
        raise RuntimeError(f"{method} {url}: {error.code} {error.read()[:300]}") from error


def sign_in(issuer, user):
    data = urllib.parse.urlencode({"user": user}).encode()
    with urllib.request.urlopen(f"{issuer}/sign-in", data=data, timeout=TIMEOUT_SECONDS) as response:
        return json.loads(response.read())["access_token"]


def create_token(api, session, name, **fields):
    """Creates a token, as soon as the throttle of the route admits the request."""
    while True:
        try:
            return request("POST", f"{api}/api/tokens", session, {"name": name, **fields})
        except Throttled:
            time.sleep(0.05)


class System:
    """A running `local`, which loses its data when it stops."""

    def __init__(self, *parameters):
        arguments = [argument for parameter in parameters for argument in ("--parameter", parameter)]
        free_ports = dict.fromkeys(("PORT", "ISSUER_PORT", "DYNAMODB_PORT"), "0")
        self.child = subprocess.Popen(
            [LOCAL, "--memory", *arguments],
            cwd=ROOT,
            env=os.environ | free_ports,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

        found = {}
        for line in self.child.stdout:
            if match := re.match(r"  (API|Sign-in|DynamoDB)\s+(http://\S+)", line):
                found[match[1]] = match[2]
            if len(found) == 3:
                break
        else:
            raise RuntimeError(f"`{LOCAL}` did not start")
        self.api, self.issuer, self.dynamodb = found["API"], found["Sign-in"], found["DynamoDB"]

        # `local` blocks if nothing reads its output.
        self.last_output = collections.deque(maxlen=20)
        self.reader = threading.Thread(target=self.last_output.extend, args=[self.child.stdout], daemon=True)
        self.reader.start()

    def sign_in(self, user):
        """A session of a user. The first request with it creates the user's record."""
        session = sign_in(self.issuer, user)
        request("GET", f"{self.api}/api/me", session)
        return session

    def make_administrator(self, user):
        """Does what scripts/first-administrator does, for a system that keeps roles in the table `Users`."""
        update = {
            "TableName": "Users",
            "Key": {"user_id": {"S": user}},
            "UpdateExpression": "SET #roles = :roles",
            "ExpressionAttributeNames": {"#roles": "roles"},
            "ExpressionAttributeValues": {":roles": {"L": [{"S": "administrator"}]}},
        }
        credential = "TESTS/20260101/us-east-1/dynamodb/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "DynamoDB_20120810.UpdateItem",
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature=0",
        }
        request("POST", self.dynamodb, body=update, headers=headers)

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.reader.join(TIMEOUT_SECONDS)
