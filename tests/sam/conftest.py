import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
# `local` is started as for the tests of the contract, and templates are read as for those of the deployment.
sys.path += [str(TESTS / "contract"), str(TESTS / "deployment")]


@pytest.fixture(scope="session")
def running():
    from running import Running

    system = Running()
    yield system
    system.stop()
