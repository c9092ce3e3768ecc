"""The check of npm's advisories tells a finding from no answer."""

import gzip
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from templates import ROOT

NPM = shutil.which("npm") or "CI" in os.environ


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers audits, and nothing else."""

    answer = (200, {})

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            asked = gzip.decompress(asked)
        self.server.asked.append(json.loads(asked))
        status, body = self.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *arguments):
        pass


@unittest.skipUnless(NPM, "npm is not here")
class NpmAdvisories(unittest.TestCase):
    def check(self, status, body):
        """How the check ends, what it says, and what it asked about."""
        handler = type("Answering", (Registry,), {"answer": (status, body)})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            server.asked = []
            threading.Thread(target=server.serve_forever, daemon=True).start()
            # npm keeps what it once learned of an advisory.
            with tempfile.TemporaryDirectory() as cache:
                registry = f"http://127.0.0.1:{server.server_port}"
                environment = os.environ | {"npm_config_registry": registry, "npm_config_cache": cache}
                command = [ROOT / ".ci/npm-advisories", "web"]
                done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
            server.shutdown()
        return done.returncode, done.stdout, server.asked

    def test_what_ships_is_asked_about(self):
        code, said, (asked,) = self.check(200, {})
        self.assertEqual((code, said), (0, "npm advisories ok\n"))
        self.assertIn("lit", asked)
        self.assertNotIn("vite", asked)

    def test_finding_fails(self):
        advisory = {"id": 1, "url": "https://advisory.example/1", "title": "audit endpoint", "severity": "low"}
        code, said, _ = self.check(200, {"lit": [advisory | {"vulnerable_versions": "<99", "cwe": [], "cvss": {"score": 1}}]})
        self.assertEqual(code, 1, said)
        self.assertIn("https://advisory.example/1", said)

    def test_no_answer_is_said_and_is_no_finding(self):
        for status in (405, 503):
            code, said, _ = self.check(status, {})
            self.assertEqual(code, 0, said)
            self.assertIn("NOT CHECKED", said)


if __name__ == "__main__":
    unittest.main()
