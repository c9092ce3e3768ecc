"""The check of npm's advisories tells a finding from an unavailable registry."""

import gzip
import http.server
import json
import os
import pathlib
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry that only serves audits, all with the response in `server.response`."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.requests.append(json.loads(body))

        status, response = self.server.response
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(response).encode())

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def check(tmp_path):
    """Runs the check. Returns its exit code, its output, and the requests to the registry."""

    def run(status, body):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
            server.response, server.requests = (status, body), []
            threading.Thread(target=server.serve_forever, daemon=True).start()
            # npm caches advisories.
            npm = {"npm_config_registry": f"http://127.0.0.1:{server.server_port}", "npm_config_cache": str(tmp_path)}
            command = [ROOT / "scripts/check-npm-advisories", "web"]
            done = subprocess.run(command, cwd=ROOT, env=os.environ | npm, capture_output=True, text=True)
            server.shutdown()
        return done.returncode, done.stdout, server.requests

    return run


def test_only_packages_that_ship_are_checked(check):
    code, output, (request,) = check(200, {})

    assert (code, output) == (0, "npm advisories ok\n")
    assert "lit" in request
    assert "vite" not in request


def test_finding_fails(check):
    advisory = {"id": 1, "url": "https://advisory.example/1", "title": "audit endpoint", "severity": "low"}
    advisory |= {"vulnerable_versions": "<99", "cwe": [], "cvss": {"score": 1}}

    code, output, _ = check(200, {"lit": [advisory]})

    assert code == 1, output
    assert "https://advisory.example/1" in output


@pytest.mark.parametrize("status", [405, 503])
def test_unavailable_registry_is_reported_and_is_not_a_finding(check, status):
    code, output, _ = check(status, {})

    assert code == 0, output
    assert "NOT CHECKED" in output
