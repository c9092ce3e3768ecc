"""What Schemathesis is told while it drives the API: by whom, how fast, and to write down each answer.

It runs in the process of Schemathesis, and learns from CONTRACT (JSON) what it needs.
"""

import datetime
import json
import os
import time

import schemathesis
from hypothesis import strategies

from system import create_token

DRIVE = json.loads(os.environ["CONTRACT"])
# Whatever may have ended the token that drives; another is made then.
MAY_END_TOKENS = {"revokeToken", "revokeAllTokens", "revokeLeakedTokens"}
# Below the rate that the route is limited to.
THROTTLED_PAUSE_SECONDS = 0.25


# A past `expiresAt` is refused, so most of them lie ahead. (Tests of the handler have those that do not.)
LATER = strategies.datetimes(datetime.datetime(2040, 1, 1), datetime.datetime(2090, 1, 1))
schemathesis.openapi.format("date-time", LATER.map(lambda time: time.isoformat(timespec="milliseconds") + "Z"))


class Driver:
    """The credential in use, and where answers are written down."""

    def __init__(self):
        self.credential = DRIVE["session"]
        self.is_spent = DRIVE["with_token"]
        self.seen = open(DRIVE["seen"], "w", encoding="utf-8")
        self.throttled_at = {}

    def current(self):
        if self.is_spent:
            self.credential = create_token(DRIVE["api"], DRIVE["session"], "drives the contract's test")["token"]
            self.is_spent = False
        return self.credential

    def answered(self, operation, status):
        if DRIVE["with_token"] and operation in MAY_END_TOKENS and status < 300:
            self.is_spent = True
        self.seen.write(json.dumps([operation, status]) + "\n")
        self.seen.flush()


DRIVER = Driver()


def operation_id(case):
    return case.operation.definition.raw["operationId"]


# A 401 is no reason to try again with another credential: it is to be seen.
@schemathesis.auth(refresh_interval=None, retry_on=[])
class Credential:
    def get(self, case, context):
        return DRIVER.current()

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Goes as fast as it may: once a route has answered 429, no faster than its limit."""
    operation = operation_id(case)
    if operation in DRIVER.throttled_at:
        time.sleep(max(0.0, DRIVER.throttled_at[operation] + THROTTLED_PAUSE_SECONDS - time.monotonic()))
        DRIVER.throttled_at[operation] = time.monotonic()


@schemathesis.hook
def after_call(context, case, response):
    operation = operation_id(case)
    if response.status_code == 429:
        DRIVER.throttled_at[operation] = time.monotonic()
    DRIVER.answered(operation, response.status_code)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops the refusals of what the description's words forbid, and no schema can."""
    is_refusal = type(failure).__name__ == "RejectedPositiveData" and response.status_code == 400
    return not (is_refusal and any(forbids(case) for forbids in ONLY_IN_WORDS))


def fields(container):
    return container if isinstance(container, dict) else {}


def asks_for_everybody_and_somebody(case):
    query = fields(case.query)
    return operation_id(case) == "listTokens" and "userId" in query and query.get("allUsers") in (True, "true")


def names_a_user_in_more_than_255_bytes(case):
    query, path = fields(case.query), fields(case.path_parameters)
    ids = [query.get("userId"), query.get("cursor"), path.get("id")]
    return any(isinstance(text, str) and len(text.encode(errors="replace")) > 255 for text in ids)


def reports_more_than_100_tokens(case):
    body = fields(case.body)
    return operation_id(case) == "revokeLeakedTokens" and len(body.get("tokens", [])) + len(body.get("hashes", [])) > 100


def sends_more_than_16_kb(case):
    return len(json.dumps(case.body, ensure_ascii=False)) > 16 * 1024 if fields(case.body) else False


def creates_a_token_that_has_expired(case):
    expires_at = fields(case.body).get("expiresAt") or ""
    return operation_id(case) == "createToken" and expires_at < datetime.datetime.now(datetime.timezone.utc).isoformat()


ONLY_IN_WORDS = (
    asks_for_everybody_and_somebody,
    names_a_user_in_more_than_255_bytes,
    reports_more_than_100_tokens,
    sends_more_than_16_kb,
    creates_a_token_that_has_expired,
)
