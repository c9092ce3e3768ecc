"""`scripts/check-account` with a stand-in for `aws`."""

import os
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-account"


@pytest.fixture
def check(tmp_path):
    """Runs the script in an account with these limits."""

    def run(stand_in):
        (tmp_path / "aws").write_text(f"#!/usr/bin/env bash\n{stand_in}\n")
        (tmp_path / "aws").chmod(0o755)
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run([SCRIPT], env={"PATH": path}, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("limits", "numbers"),
    [
        pytest.param("10\t10", ["10 of 10 units", "at most 100 invocations"], id="a new account"),
        pytest.param("1000\t150", ["150 of 1000 units", "at most 1500 invocations"], id="most is reserved"),
    ],
)
def test_low_concurrency_is_a_warning_with_the_rate_that_it_allows(check, limits, numbers):
    done = check(f"""[ "$1 $2" = "lambda get-account-settings" ] && printf '{limits}\\n'""")

    assert done.returncode == 0
    assert done.stdout.startswith("WARNING: ")
    assert all(number in done.stdout for number in numbers), done.stdout
    assert "--quota-code L-B99A9384" in done.stdout


def test_account_with_the_usual_limits_gets_no_warning(check):
    done = check("printf '1000\\t900\\n'")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("stand_in", "reason"),
    [
        (
            "echo; echo 'An error occurred (AccessDeniedException)' >&2; exit 254",
            "An error occurred (AccessDeniedException)",
        ),
        ("echo None None", "None None"),
        ("true", ""),
    ],
    ids=["not permitted", "no numbers", "nothing"],
)
def test_limits_that_cannot_be_read_do_not_prevent_a_deployment(check, stand_in, reason):
    done = check(stand_in)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"NOTE: cannot read Lambda's limits of this account: {reason}\n"
