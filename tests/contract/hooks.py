"""Hooks that Schemathesis calls while it drives the API: they set the credential, limit the rate and record every response.

They run in the process of Schemathesis, which gets its settings in the environment variable CONTRACT (JSON).
"""

import base64
import datetime
import json
import os
import time
import unicodedata

import schemathesis
from hypothesis import strategies

from system import CHANGEABLE, create_token

DRIVE = json.loads(os.environ["CONTRACT"])
# These operations may revoke the token that Schemathesis uses. The hook then creates a new token.
MAY_REVOKE_TOKENS = {"revokeToken", "revokeCurrentToken", "revokeAllTokens", "revokeLeakedTokens"}
# Slower than the throttling limits of the routes: 5 reports, 20 lists and 50 creations a second.
REPORT_PAUSE_SECONDS = 0.25
THROTTLED_PAUSE_SECONDS = 0.06

# Another version than in `If-Match`, and a key that was used for another body.
REFUSED_IN_THIS_STATE = {412, 422}

# Most generated times are in the future, because the API rejects a past `expiresAt`. Tests of the handler cover past times.
LATER = strategies.datetimes(datetime.datetime(2040, 1, 1), datetime.datetime(2090, 1, 1))
schemathesis.openapi.format("date-time", LATER.map(lambda time: time.isoformat(timespec="milliseconds") + "Z"))


class Driver:
    """The credential in use, and the file that records the responses."""

    def __init__(self):
        self.credential = DRIVE["session"]
        self.is_spent = DRIVE["with_token"]
        # The process keeps the file open until it ends.
        self.seen = open(DRIVE["seen"], "w", encoding="utf-8")  # noqa: SIM115
        self.throttled_at = {}
        self.changeable = None

    def current(self):
        if self.is_spent:
            self.credential = create_token(DRIVE["api"], DRIVE["session"], "drives the contract test")["token"]
            self.is_spent = False
        return self.credential

    def token_to_change(self):
        """The ID of a token that no request has revoked. Other operations revoke the tokens that they know."""
        if self.changeable is None:
            self.changeable = create_token(DRIVE["api"], DRIVE["session"], "is changed")["id"]
        return self.changeable

    def record(self, operation, status):
        if DRIVE["with_token"] and operation in MAY_REVOKE_TOKENS and status < 300:
            self.is_spent = True
        if operation in MAY_REVOKE_TOKENS and status < 300:
            self.changeable = None
        self.seen.write(json.dumps([operation, status]) + "\n")
        self.seen.flush()


DRIVER = Driver()


def operation_id(case):
    return case.operation.definition.raw["operationId"]


# A 401 must not be retried with another credential, because the test has to see it.
@schemathesis.auth(refresh_interval=None, retry_on=[])
class Credential:
    def get(self, case, context):
        return DRIVER.current()

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Replaces a revoked token. Sends requests without a pause until a route responds with 429, and at most at the
    route's limit from then on."""
    # Several requests can be prepared with one token, and the first of them may revoke it.
    if DRIVER.is_spent and case.headers.get("Authorization") == f"Bearer {DRIVER.credential}":
        case.headers["Authorization"] = f"Bearer {DRIVER.current()}"

    operation = operation_id(case)
    if operation == "updateToken" and fields(case.path_parameters).get("id") == CHANGEABLE:
        case.path_parameters["id"] = DRIVER.token_to_change()
    if operation in DRIVER.throttled_at:
        pause = REPORT_PAUSE_SECONDS if operation in ("revokeLeakedTokens", "checkToken") else THROTTLED_PAUSE_SECONDS
        time.sleep(max(0.0, DRIVER.throttled_at[operation] + pause - time.monotonic()))
        DRIVER.throttled_at[operation] = time.monotonic()


@schemathesis.hook
def after_call(context, case, response):
    operation = operation_id(case)
    if response.status_code == 429:
        DRIVER.throttled_at[operation] = time.monotonic()
    DRIVER.record(operation, response.status_code)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Ignores a 400 to a request that only the prose of the description forbids, because no schema can, and the refusals
    that depend on the state of a token or user."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    is_forbidden = response.status_code == 400 and any(forbids(case) for forbids in FORBIDDEN_IN_PROSE)
    return not (is_forbidden or response.status_code in REFUSED_IN_THIS_STATE)


def fields(container):
    return container if isinstance(container, dict) else {}


def lists_all_users_and_one_user(case):
    query = fields(case.query)
    return operation_id(case) == "listTokens" and "userId" in query and query.get("allUsers") in (True, "true")


def searches_for_nothing(case):
    """Whether only spaces and accents are searched for."""
    text = fields(case.query).get("q")
    if not isinstance(text, str):
        return False
    folded = [
        char for char in unicodedata.normalize("NFKD", text).lower() if not unicodedata.category(char).startswith("M")
    ]
    return not "".join(folded).strip()


def has_a_user_id_of_more_than_255_bytes(case):
    query = fields(case.query)
    ids = [query.get("userId"), query.get("cursor")]
    return any(isinstance(text, str) and len(text.encode(errors="replace")) > 255 for text in ids)


def has_a_path_id_of_no_user_id(case):
    """Whether the text after `u_` is not canonical base64url, or not that of a user ID."""
    encoded = fields(case.path_parameters).get("pathId")
    if not isinstance(encoded, str) or not encoded.startswith("u_"):
        return False
    encoded = encoded.removeprefix("u_")
    try:
        user_id = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return True
    canonical = base64.urlsafe_b64encode(user_id.encode()).decode().rstrip("=")
    controls = any(unicodedata.category(character) == "Cc" for character in user_id)
    return canonical != encoded or controls or not 1 <= len(user_id.encode()) <= 255


def reports_no_token_or_more_than_100(case):
    body = fields(case.body)
    count = len(body.get("tokens", [])) + len(body.get("hashes", []))
    return operation_id(case) == "revokeLeakedTokens" and not 1 <= count <= 100


def sends_more_than_16_kb(case):
    return len(json.dumps(case.body, ensure_ascii=False)) > 16 * 1024 if fields(case.body) else False


def creates_a_token_that_has_expired(case):
    expires_at = fields(case.body).get("expiresAt") or ""
    return operation_id(case) == "createToken" and expires_at < datetime.datetime.now(datetime.UTC).isoformat()


def may_put_off_an_expiry(case):
    return operation_id(case) == "updateToken" and "expiresAt" in fields(case.body)


def describes_a_token_invisibly(case):
    """Whether the name or the description has no visible character. The categories are those of shared/rules/src/display_name.rs."""
    invisible = {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp", "Mn", "Me"}
    blanks = "\u115f\u1160\u2800\u3164\uffa0"
    if operation_id(case) not in ("createToken", "updateToken"):
        return False
    texts = [fields(case.body).get(field) for field in ("name", "description")]
    return any(
        isinstance(text, str)
        and all(unicodedata.category(character) in invisible or character in blanks for character in text)
        for text in texts
    )


FORBIDDEN_IN_PROSE = (
    lists_all_users_and_one_user,
    has_a_user_id_of_more_than_255_bytes,
    has_a_path_id_of_no_user_id,
    reports_no_token_or_more_than_100,
    sends_more_than_16_kb,
    searches_for_nothing,
    creates_a_token_that_has_expired,
    may_put_off_an_expiry,
    describes_a_token_invisibly,
)
