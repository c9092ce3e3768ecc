"""Each function on Amazon's Runtime Interface Emulator: its events, its faults, its work after the response, and its end.

The harness and `local` have Runtime APIs of our own. The emulator is Amazon's, and needs no Docker.
"""

import json
import threading
import urllib.parse
import urllib.request

import pytest

import emulator
from emulator import RECORDED, UNAUTHORIZED, authorizer_event
from programs import TIMEOUT_SECONDS, wait_until

FUNCTIONS = emulator.functions()
# All but `GetCaller`, which uses no table.
USE_DYNAMODB = FUNCTIONS.keys() - {"GetCaller"}
# AppSync's Event APIs are not supported (docs/decisions/0031-websocket-and-appsync-requests-are-authorized.md).
UNKNOWN_EVENT = "appsync-event-api"
IS_AUTHORIZED = {"http-api-2.0", "appsync-graphql"}

ADMIN_ROLE = FUNCTIONS["UpdateUser"].variables["ADMIN_ROLE"]
ALICE = "u_YWxpY2U"
PACKAGE = (
    '--x\r\nContent-Disposition: form-data; name="OverWriteExisting"\r\n\r\ntrue\r\n'
    '--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\nabc\r\n--x--\r\n'
)
# A request to each route, with its path parameters, its body, and the status of its response.
REQUESTS = {
    "GET /api/me": ({}, None, 200),
    "GET /api/tokens": ({}, None, 200),
    "GET /api/tokens/{id}": ({"id": "TOKEN_ID"}, None, 200),
    "POST /api/tokens": ({}, '{"name": "emulator"}', 201),
    "PATCH /api/tokens/{id}": ({"id": "TOKEN_ID"}, '{"name": "emulator"}', 200),
    "DELETE /api/tokens/{id}": ({"id": "TOKEN_ID"}, None, 204),
    "POST /api/tokens/check": ({}, '{"token": "TOKEN_SECRET"}', 200),
    "POST /api/tokens/revoke": ({}, '{"tokens": ["TOKEN_SECRET"]}', 202),
    "GET /api/users": ({}, None, 200),
    "GET /api/users/{pathId}": ({"pathId": ALICE}, None, 200),
    "PATCH /api/users/{pathId}": ({"pathId": ALICE}, '{"disabled": false}', 200),
    "POST /api/users/{pathId}/revoke-all-tokens": ({"pathId": ALICE}, None, 204),
    "GET /api/Package": ({}, None, 200),
    "POST /api/Package": ({}, PACKAGE, 201),
}


class NewToken:
    """A token of alice's that no other test uses."""

    def __init__(self, local):
        created = create_token(local, "alice")
        self.id, self.secret = created["id"], created["token"]


def create_token(local, user):
    session = post(f"{local.issuer}/sign-in", f"user={user}".encode())["access_token"]
    headers = {"Authorization": f"Bearer {session}", "Content-Type": "application/json"}
    return post(f"{local.api}/api/tokens", b'{"name": "emulator"}', **headers)


def post(url, body, **headers):
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        return json.load(response)


@pytest.fixture
def token(local):
    return NewToken(local)


@pytest.fixture(scope="module", autouse=True)
def administrator(local):
    """The user in the events of the endpoints, who exists from the first request on."""
    create_token(local, "admin")


def events(name, token):
    """An event for each route of the function, with the expected status."""
    if name == "Authorizer":
        return [(authorizer_event("http-api-2.0", token.secret), None)]
    routes = [f"{event['Method']} {event['Path']}" for event in FUNCTIONS[name].events]
    return [(endpoint_event(route, token), REQUESTS[route][2]) for route in routes]


def endpoint_event(route, token):
    """The event of an administrator's request."""
    parameters, body, _ = REQUESTS[route]
    event = authorizer_event("http-api-2.0", "x")
    for only_of_an_authorizer in ("type", "routeArn", "identitySource"):
        del event[only_of_an_authorizer]

    method, path = route.split()
    event |= {"routeKey": route, "rawPath": path, "isBase64Encoded": False}
    event["body"] = body and body.replace("TOKEN_SECRET", token.secret)
    event["pathParameters"] = {name: value.replace("TOKEN_ID", token.id) for name, value in parameters.items()} or None
    event["headers"]["content-type"] = "multipart/form-data; boundary=x" if body == PACKAGE else "application/json"
    event["requestContext"]["http"] |= {"method": method, "path": path}
    event["requestContext"]["authorizer"] = {
        "lambda": {
            "userId": "admin",
            "userName": "Ada",
            "roles": ADMIN_ROLE,
            "authMethod": "session",
            "tokenId": "",
            "tokenName": "",
        }
    }
    return event


def check_usual(function, name, token):
    """Checks that the function responds to each of its events as it should, twice."""
    for event, status in events(name, token) * 2:
        response = function.send(event)
        if name == "Authorizer":
            check_allowed("http-api-2.0", response)
        else:
            assert response["statusCode"] == status, response


def check_allowed(kind, response):
    if kind in IS_AUTHORIZED:
        assert response["isAuthorized"] is True, response
    else:
        assert response["policyDocument"]["Statement"][0]["Effect"] == "Allow", response


def is_fault(name, response):
    """Whether this is how a function says that the system has failed."""
    if name == "Authorizer":
        return response == {"errorType": "Fault", "errorMessage": "Fault"}
    return response.get("statusCode") == 503


def test_every_route_of_the_templates_has_a_request():
    routes = {f"{event['Method']} {event['Path']}" for one in FUNCTIONS.values() for event in one.events}
    assert routes == REQUESTS.keys()


@pytest.mark.parametrize("kind", sorted(RECORDED.keys() - {UNKNOWN_EVENT}))
def test_authorizer_answers_each_recorded_event_in_its_form(kind, start_function, token):
    authorizer = start_function("Authorizer")
    allowed = authorizer_event(kind, token.secret)
    check_allowed(kind, authorizer.send(allowed))
    check_allowed(kind, authorizer.send(allowed))

    pid = authorizer.function_pid()
    denied = authorizer.send(authorizer_event(kind, "fdp_unknown"))
    if kind == "appsync-graphql":
        assert denied["isAuthorized"] is False
    else:
        assert denied == UNAUTHORIZED

    # A denial ends no instance.
    check_allowed(kind, authorizer.send(allowed))
    assert authorizer.function_pid() == pid


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_survives_events_faults_and_sigterm(name, start_function, token):
    """One instance takes all of it, so each part shows that the part before has broken nothing."""
    function = start_function(name)
    check_usual(function, name, token)
    pid = function.function_pid()

    response = function.send(authorizer_event(UNKNOWN_EVENT, token.secret))
    assert is_fault(name, response) if name == "Authorizer" else response["statusCode"] == 400, response
    check_usual(function, name, token)

    if name in USE_DYNAMODB:
        error = {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "injected"}
        with function.dynamodb.answering(500, error):
            for event, _ in events(name, token):
                response = function.send(event)
                assert is_fault(name, response), response
        check_usual(function, name, token)
    assert function.function_pid() == pid

    function.terminate_function()
    assert function.send({})["errorType"] == "Runtime.ExitError"
    check_usual(function, name, token)
    assert function.function_pid() != pid


def test_authorizer_gives_up_a_read_that_hangs(start_function, token):
    authorizer = start_function("Authorizer")
    event = authorizer_event("http-api-2.0", token.secret)
    check_allowed("http-api-2.0", authorizer.send(event))
    pid = authorizer.function_pid()

    with authorizer.dynamodb.hold("BatchGetItem"):
        response = authorizer.send(event)
    # Lambda's own timeout would be another error, and would end the instance.
    assert is_fault("Authorizer", response), response
    check_allowed("http-api-2.0", authorizer.send(event))
    assert authorizer.function_pid() == pid


def test_use_is_recorded_after_the_response_and_before_the_next_event(start_function, token):
    authorizer = start_function("Authorizer")
    with authorizer.dynamodb.hold("UpdateItem", seconds=0.2):
        # The emulator hands on the response when the function asks for the next event.
        check_allowed("http-api-2.0", authorizer.send(authorizer_event("http-api-2.0", token.secret)))

    # Lambda may freeze an instance once it asks for the next event.
    after_reads = authorizer.log[authorizer.log.index("response") :]
    assert after_reads == ["response", "response answered", "UpdateItem", "UpdateItem answered", "next"]


def test_use_is_recorded_later_if_sigterm_ends_the_authorizer_meanwhile(start_function, token):
    authorizer = start_function("Authorizer")
    event = authorizer_event("http-api-2.0", token.secret)

    with authorizer.dynamodb.hold("UpdateItem"):
        client = threading.Thread(target=authorizer.send, args=(event,), daemon=True)
        client.start()
        wait_until(lambda: "UpdateItem" in authorizer.log)
        authorizer.terminate_function()
        client.join(TIMEOUT_SECONDS)
        assert not client.is_alive()
    assert "UpdateItem answered" not in authorizer.log

    check_allowed("http-api-2.0", authorizer.send(event))
    assert "UpdateItem answered" in authorizer.log
