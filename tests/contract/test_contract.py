"""Every endpoint conforms to docs/openapi.yaml. Schemathesis generates valid and invalid requests, in three roles: a user
with a session, a user with a token, and an administrator. Each role has a system of its own.

    SEED      generates other requests; the same seed generates the same requests again (1)
    EXAMPLES  the number of requests of each kind for each operation (25)
    ROLE      runs only one of `session`, `token`, `administrator`
    LOCAL     another `local` than target/debug/local

Each operation must also succeed for every role that may use it: a run that only saw denials would have tested nothing.
"""

import pytest

from description import DESCRIBED, OPERATIONS
from drive import CHOSEN_ROLES, ROLES

# API Gateway, or Lambda behind it, may return these to any request.
FROM_THE_GATEWAY = {401, 403, 413, 429, 431, 500, 503}

# The operations that a role may not use, with the status that it gets. Every other operation must succeed.
FOR_ADMINISTRATORS = {"listUsers": 403, "showUser": 403, "updateUser": 403}
DENIED = {
    "session": {"showCurrentToken": 404, "revokeCurrentToken": 404, **FOR_ADMINISTRATORS},
    "token": {"createToken": 403, "updateToken": 403, **FOR_ADMINISTRATORS},
    "administrator": {"showCurrentToken": 404, "revokeCurrentToken": 404},
}


def success_of(operation):
    (success,) = [status for status in OPERATIONS[operation][1] if status < 300]
    return success


def test_every_response_conforms_to_the_description(drives, role):
    assert drives[role].exit_code == 0, drives[role].report()


def test_every_status_is_documented(drives, role):
    seen = drives[role].seen
    undocumented = {name: seen[name].keys() - documented for name, (_, documented) in OPERATIONS.items()}

    assert {name: statuses for name, statuses in undocumented.items() if statuses} == {}


def test_every_allowed_operation_succeeds(drives, role):
    seen = drives[role].seen
    failed = {name for name in OPERATIONS.keys() - DENIED[role].keys() if not seen[name][success_of(name)]}

    assert failed == set(), drives[role].report()


def test_every_operation_of_another_role_is_denied(drives, role):
    seen = drives[role].seen

    for name, status in DENIED[role].items():
        assert seen[name][status], f"{name} never returned {status}"
        assert not seen[name][success_of(name)], f"{name} succeeded"


def test_valid_credential_never_gets_401(drives, role):
    seen = drives[role].seen

    assert {name: seen[name][401] for name in OPERATIONS if seen[name][401]} == {}


@pytest.mark.parametrize("name", OPERATIONS)
def test_responses_of_the_gateway_are_documented(name):
    needs_credential = DESCRIBED[name].get("security") != []
    has_body = "requestBody" in DESCRIBED[name]
    impossible = (set() if needs_credential else {401, 403}) | (set() if has_body else {413})

    assert FROM_THE_GATEWAY - impossible - OPERATIONS[name][1] == set()


@pytest.mark.skipif(len(CHOSEN_ROLES) < len(ROLES), reason="ROLE selects one role, and some responses need another")
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_documented_response_of_an_endpoint_occurs(drives, name):
    seen = {status for drive in drives.values() for status in drive.seen[name]}

    assert OPERATIONS[name][1] - FROM_THE_GATEWAY - seen == set()
