"""The scripts that bring the tools say what to install when a tool is missing, and `make test` leaves nothing out silently."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(script, **variables):
    environment = os.environ | variables
    return subprocess.run([ROOT / "scripts" / script], env=environment, capture_output=True, text=True)


def test_unknown_part_in_skip_is_an_error_that_lists_the_parts():
    done = run("test", SKIP="web,deploymnt")

    assert done.returncode == 1
    assert "`deploymnt`" in done.stderr
    assert "rust deployment contract documents repository web" in done.stderr


def test_skip_of_every_part_is_an_error():
    done = run("test", SKIP="rust,deployment,contract,documents,repository,web")

    assert done.returncode == 1
    assert done.stdout == ""


def test_chromium_that_does_not_start_is_an_error_of_one_line():
    done = run("bring-chromium", CHROMIUM="/nowhere/chromium")

    assert done.returncode == 1
    assert done.stderr == "CHROMIUM=/nowhere/chromium does not start.\n"


def test_chromium_of_the_user_is_preferred(tmp_path):
    chromium = tmp_path / "my-chromium"
    chromium.write_text("#!/bin/sh\n")
    chromium.chmod(0o755)

    assert run("bring-chromium", CHROMIUM=str(chromium)).stdout == f"{chromium}\n"


def test_node_that_is_new_enough_is_left_as_it_is(tmp_path):
    for program in ("node", "npm"):
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    before = sorted((ROOT / ".tools/bin").iterdir())

    done = run("bring-node", PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert (done.returncode, done.stdout) == (0, "")
    assert sorted((ROOT / ".tools/bin").iterdir()) == before
