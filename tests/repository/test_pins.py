"""Everything that builds, checks and deploys Patgate is pinned, including its indirect dependencies."""

import json
import os
import pathlib
import re
import subprocess
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYPI = {"registry": "https://pypi.org/simple"}
NPM_FOLDERS = ("web", "tests/contract", "tests/deployment", "examples/cdk", "bench/subjects/node")
SCRIPTS = [ROOT / "Makefile", ROOT / ".ci/run", *sorted((ROOT / "scripts").glob("bring-*"))]


def dependency_groups():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]


def test_python_tools_are_pinned_to_one_version():
    for group, requirements in dependency_groups().items():
        for requirement in requirements:
            assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+", requirement), f"{group}: {requirement}"


def test_python_tools_and_their_dependencies_are_locked_with_hashes():
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    downloaded = [package for package in packages if package["name"] != "patgate-tools"]

    assert len(downloaded) > 100
    for package in downloaded:
        files = package.get("wheels", []) + ([package["sdist"]] if "sdist" in package else [])
        assert package["source"] == PYPI, package["name"]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]


def test_python_tools_are_installed_as_locked():
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": ".tools/aws"}
    check = [".tools/bin/uv", "sync", "--check", "--locked", "--offline", "--only-group", "aws"]
    done = subprocess.run(check, cwd=ROOT, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", NPM_FOLDERS)
def test_npm_packages_and_their_dependencies_are_pinned(folder):
    package = json.loads((ROOT / folder / "package.json").read_text())
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]

    kinds = ("dependencies", "devDependencies", "optionalDependencies")
    for name, version in [item for kind in kinds for item in package.get(kind, {}).items()]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
    for path, locked in packages.items():
        if path and not locked.get("inBundle"):
            assert "integrity" in locked, path


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_commands_that_install_something_use_pinned_versions(script):
    text = script.read_text().replace("\\\n", " ")

    for command in re.findall(r"cargo install .*", text):
        assert "--locked" in command
        assert "--version" in command
    for command in re.findall(r"\buv sync .*", text):
        assert "--locked" in command
    assert not re.findall(r"\b(?:pip|npm) install\b.*", text)


def test_download_of_uv_with_an_unexpected_hash_is_refused(tmp_path):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "bring-uv").write_text((ROOT / "scripts/bring-uv").read_text())
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/bash\nwhile [ "$1" != --output ]; do shift; done\necho "another program" > "$2"\n')
    curl.chmod(0o755)

    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", scripts / "bring-uv"], env=environment, capture_output=True, text=True)

    assert done.returncode != 0
    assert "SHA-256" in done.stderr
    assert not (tmp_path / ".tools/bin/uv").exists()
