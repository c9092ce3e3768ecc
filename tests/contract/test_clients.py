"""Clients that public generators make from docs/openapi.yaml compile, and live through the life of a token."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from system import ROOT, System

HERE = pathlib.Path(__file__).parent
CLIENTS = HERE / "clients"
DESCRIPTION = ROOT / "docs/openapi.yaml"
NODE_PACKAGES = HERE / "node_modules"


@pytest.fixture(scope="module")
def environment():
    """A system, and a session to use it with."""
    system = System()
    try:
        yield os.environ | {"API": system.api, "SESSION": system.sign_in("alice")}
    finally:
        system.stop()


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_generated_typescript_client_compiles_and_lives_through_the_life_of_a_token(tmp_path, environment):
    run(NODE_PACKAGES / ".bin/openapi-typescript", DESCRIPTION, "--output", tmp_path / "schema.d.ts")
    (tmp_path / "lifecycle.ts").write_text((CLIENTS / "lifecycle.ts").read_text())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(NODE_PACKAGES)
    options = {"module": "nodenext", "target": "es2022", "strict": True, "exactOptionalPropertyTypes": True}
    settings = {"compilerOptions": options | {"types": ["node"]}, "files": ["lifecycle.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))

    run(NODE_PACKAGES / ".bin/tsc", "--project", tmp_path)
    run("node", tmp_path / "lifecycle.js", env=environment)


def test_generated_python_client_lives_through_the_life_of_a_token(tmp_path, environment):
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    generator = pathlib.Path(sys.executable).parent / "openapi-python-client"
    client = tmp_path / "patgate_client"
    settings = ["--config", tmp_path / "config.yaml", "--meta", "none", "--fail-on-warning"]
    run(generator, "generate", "--path", DESCRIPTION, "--output-path", client, *settings)

    run(sys.executable, "-W", "error", CLIENTS / "lifecycle.py", env=environment | {"PYTHONPATH": str(tmp_path)})
