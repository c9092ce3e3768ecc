"""What differs between `local` and `sam local start-api`. docs/local.md says which side is right about AWS, and why."""

import os
import re
import subprocess
import urllib.error
import urllib.request

import pytest

from templates import ROOT

# A container of SAM serves one request at a time.
SUITE = ["cargo", "test", "--package", "patgate-tests", "--test", "e2e", "--", "--test-threads=1"]

# The tests of the suite that SAM's gateway fails.
FAILED_BY_SAM = {
    # It has no limit for the headers of a request.
    "gateway::oversized_headers_are_refused_with_431",
    # It serves `/api/tokens/` as `/api/tokens`.
    "gateway::unknown_route_is_404_with_and_without_a_credential",
    # It has no limit for the event.
    "packages::upload_of_4_mb_succeeds_and_one_beyond_lambdas_limit_is_refused",
}

# Requests with a session, and the status of their responses.
REQUESTS = [
    # method, path, with `local`, with SAM
    ("GET", "/api/me", 200, 200),
    ("GET", "/api/me/", 404, 200),
    ("GET", "//api/me", 404, 200),
    ("HEAD", "/api/me", 404, 500),
    ("POST", "/api/me", 404, 404),
    ("GET", "/api/unknown", 404, 404),
]


def test_suite_fails_only_where_sam_differs_from_aws(running):
    ran = run_against(running, SUITE, BASE_URL=running.api, PACKAGES_URL=running.packages)

    outcomes = dict(re.findall(r"^test (\S+) \.\.\. (ok|FAILED)$", ran.stdout, re.MULTILINE))
    assert outcomes.keys() >= FAILED_BY_SAM, ran.stdout + ran.stderr
    failed = {name for name, outcome in outcomes.items() if outcome == "FAILED"}
    assert failed == FAILED_BY_SAM, ran.stdout


def test_rest_api_accepts_a_token_and_denies_it_at_the_request_after_its_revocation(running):
    ran = run_against(running, ["scripts/smoke"], URL=running.api, ATTACHED_URL=f"{running.hello}/hello")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(("method", "path", "with_local", "with_sam"), REQUESTS)
def test_gateways_differ_only_as_known(running, method, path, with_local, with_sam):
    session = running.local.sign_in("alice")
    statuses = [status(method, api + path, session) for api in (running.local.api, running.api)]
    assert statuses == [with_local, with_sam]


def run_against(running, command, **variables):
    variables["SIGN_IN_URL"] = f"{running.local.issuer}/sign-in"
    return subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True)


def status(method, url, session):
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {session}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
