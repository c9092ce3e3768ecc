"""What can be tested without Docker: that SAM finds the authorizer of each route, and that the other tests are skipped."""

import json
import os
import subprocess

import pytest
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

from layout import REST_API, attached
from templates import CORE, PACKAGE_API, ROOT


def authorizers(path):
    """The name of the function that authorizes each route, as `sam local start-api` reads the template."""
    stacks, _ = SamLocalStackProvider.get_stacks(str(path))
    routes = ApiProvider(stacks).api.routes
    return {
        f"{method} {route.path}": route.authorizer_object and route.authorizer_object.lambda_name
        for route in routes
        for method in route.methods
        if method != "OPTIONS"
    }


def test_every_route_of_the_core_that_needs_a_credential_has_the_authorizer():
    found = authorizers(CORE)
    assert [found.pop(f"POST /api/tokens/{act}") for act in ("check", "revoke")] == [None, None]
    assert len(found) == 10
    assert set(found.values()) == {"Authorizer"}


@pytest.mark.parametrize("path", [PACKAGE_API, REST_API])
def test_every_route_of_an_example_has_the_authorizer_of_the_core(path, tmp_path):
    template = tmp_path / "template.json"
    template.write_text(json.dumps(attached(path)))
    assert set(authorizers(template).values()) == {"Authorizer"}


@pytest.mark.parametrize("path", [PACKAGE_API, REST_API])
def test_sam_local_runs_an_example_as_it_is_without_any_authorizer(path):
    """docs/attach.md warns of this. If it fails, SAM has changed, and the warning can go."""
    assert set(authorizers(path).values()) == {None}


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="the script then gives another reason")
def test_without_a_docker_daemon_the_tests_are_skipped_in_one_line(tmp_path):
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)

    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ran = subprocess.run([ROOT / "scripts" / "test-sam"], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0
    assert ran.stdout == "Skipped the tests under `sam local`: no Docker daemon responds.\n"
