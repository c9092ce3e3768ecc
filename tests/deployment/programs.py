"""Programs that a test needs and that may be missing."""

import shutil

import pytest


def require(program, install):
    """Fails with one line that says what to install."""
    if not shutil.which(program):
        pytest.fail(f"`{program}` is missing: {install}", pytrace=False)
