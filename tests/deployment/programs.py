"""Programs that a test runs."""

import shutil

import pytest

from templates import ROOT

# The binaries of `make build-debug`.
BINARIES = ROOT / "target" / "debug"


def require(program, install):
    """Fails with one line that says what to install."""
    if not shutil.which(program):
        pytest.fail(f"`{program}` is missing: {install}", pytrace=False)
