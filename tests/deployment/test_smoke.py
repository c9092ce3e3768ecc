"""`scripts/smoke` against a stand-in for Patgate and an attached API."""

import http.server
import json
import os
import pathlib
import subprocess
import threading

import pytest

SMOKE = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "smoke"

SESSION, TOKEN = "session", "fdp_token0"


class Gateway(http.server.BaseHTTPRequestHandler):
    """The core at `/api`, and at `/attached` an API with this authorizer."""

    revoked = False
    # Whether the authorizer has cached that the token is allowed.
    has_cache = False
    # Whether every other request is throttled, and whether the next one is.
    is_busy = False
    throttles_next = False

    def do_GET(self):
        token = {"id": "1", "status": "revoked" if Gateway.revoked else "active"}
        bodies = {"/api/me": {"id": "alice", "roles": []}, "/api/tokens/1": token}
        bodies |= {"/api/tokens?limit=100": [token | {"id": "id-1"}], "/attached": {}}
        self.respond(200 if self.allowed() else 401, bodies[self.path])

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        created = {"id": "1", "token": TOKEN, "expiresAt": "2026-11-25T12:00:00Z"}
        self.respond(201 if self.credential() == SESSION else 403, created)

    def do_DELETE(self):
        Gateway.revoked = True
        self.respond(204, None)

    def credential(self):
        return (self.headers["Authorization"] or "").removeprefix("Bearer ")

    def allowed(self):
        cached = self.path == "/attached" and Gateway.has_cache
        return self.credential() == SESSION or (self.credential() == TOKEN and (cached or not Gateway.revoked))

    def respond(self, status, body):
        Gateway.throttles_next = Gateway.is_busy and not Gateway.throttles_next
        if Gateway.throttles_next:
            status, body = 429, {"message": "Too Many Requests"}
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def gateway():
    Gateway.revoked = Gateway.has_cache = Gateway.is_busy = Gateway.throttles_next = False
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def smoke(gateway):
    environment = {"URL": gateway, "ATTACHED_URL": f"{gateway}/attached", "SESSION": SESSION}
    return subprocess.run([SMOKE], env=os.environ | environment, capture_output=True, text=True, check=False)


def test_smoke_test_passes_although_every_other_request_is_throttled(gateway):
    Gateway.is_busy = True
    done = smoke(gateway)

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("All checks passed.\n")


def test_smoke_test_names_the_cache_of_an_attached_api_and_the_settings_that_cause_it(gateway):
    Gateway.has_cache = True
    done = smoke(gateway)

    assert done.returncode == 1
    assert "ok    endpoints deny the revoked token at the next request: 401" in done.stdout, done.stderr
    assert done.stderr.startswith("FAILED attached API still accepts the revoked token: its authorizer has a cache.")
    for setting in ("authorizer_result_ttl_in_seconds", "resultsCacheTtl", "300 seconds"):
        assert setting in done.stderr
