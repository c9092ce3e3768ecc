"""The example for backends without API Gateway, against `local` and against a Patgate that fails."""

import http.server
import json
import runpy
import threading
import urllib.parse
import urllib.request

import pytest

from templates import EXAMPLES


@pytest.fixture
def backend(monkeypatch):
    """Calls a backend with this middleware and this Patgate, and returns its status and the caller that it saw."""

    def call(patgate, credential=None):
        monkeypatch.setenv("PATGATE_URL", patgate)
        authenticate = runpy.run_path(EXAMPLES / "introspection/authenticate.py")["authenticate"]
        seen = []

        @authenticate
        def app(environ, start_response):
            seen.append(environ["patgate.caller"])
            start_response("200 OK", [])
            return [b"hello"]

        statuses = []
        environ = {} if credential is None else {"HTTP_AUTHORIZATION": f"Bearer {credential}"}
        app(environ, lambda status, headers: statuses.append(int(status.split()[0])))
        (status,) = statuses
        return status, seen[0] if seen else None

    return call


def send(method, url, data=None, credential=None):
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read() or "null")


@pytest.fixture
def session(local):
    data = urllib.parse.urlencode({"user": "alice"}).encode()
    return send("POST", f"{local.issuer}/sign-in", data)["access_token"]


def test_backend_sees_the_caller_of_a_session_and_of_a_token_until_it_is_revoked(local, session, backend):
    created = send("POST", f"{local.api}/api/tokens", b'{"name": "introspected"}', session)

    status, by_session = backend(local.api, session)
    assert (status, by_session["id"], by_session["authMethod"]) == (200, "alice", "session")
    status, by_token = backend(local.api, created["token"])
    assert (status, by_token["authMethod"], by_token["token"]["id"]) == (200, "pat", created["id"])
    assert by_token["roles"] == by_session["roles"]

    send("DELETE", f"{local.api}/api/tokens/{created['id']}", credential=session)
    assert backend(local.api, created["token"]) == (401, None)


@pytest.mark.parametrize("credential", [None, "", "junk", "fdp_0123456789ABCDEFGHIJKLMNOPQRSTUV0eO3Xw", "a, Bearer b"])
def test_backend_denies_a_missing_or_bad_credential(local, backend, credential):
    assert backend(local.api, credential) == (401, None)


@pytest.fixture
def failing():
    """Starts a Patgate that answers every request like this, and records the credentials that it receives."""
    servers = []

    def start(status, body=b"", headers=()):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                received.append(self.headers["Authorization"])
                self.send_response(status)
                for header in [*headers, ("Content-Length", str(len(body)))]:
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        received = []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", received

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(403, b"{}", 401, id="denied by RefusalStatus 403"),
        pytest.param(429, b"{}", 503, id="throttled"),
        pytest.param(500, b"{}", 503, id="fault"),
        pytest.param(503, b"{}", 503, id="unavailable"),
        pytest.param(200, b"{", 503, id="no JSON"),
        pytest.param(204, b"", 503, id="no caller"),
    ],
)
def test_fault_of_patgate_is_503_and_neither_allows_nor_denies(failing, backend, status, body, expected):
    url, _ = failing(status, body)
    assert backend(url, "fdp_token") == (expected, None)


def test_unreachable_patgate_is_503(failing, backend):
    # A port on which no server listens.
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.server_close()
    assert backend(f"http://127.0.0.1:{server.server_port}", "fdp_token") == (503, None)


def test_credential_is_not_sent_to_the_target_of_a_redirect(failing, backend):
    other, received = failing(200, b'{"id": "mallory", "roles": []}')
    url, _ = failing(302, headers=[("Location", f"{other}/api/me")])
    assert backend(url, "fdp_token") == (503, None)
    assert received == []
