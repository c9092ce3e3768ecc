"""Programs that a test runs."""

import contextlib
import shutil
import socket
import time

import pytest

from templates import ROOT

# A program that takes longer to start, to respond or to end has failed.
TIMEOUT_SECONDS = 30
# The binaries of `make build-debug`.
BINARIES = ROOT / "target" / "debug"


def require(program, install):
    """Fails with one line that says what to install."""
    if not shutil.which(program):
        pytest.fail(f"`{program}` is missing: {install}", pytrace=False)


def free_addresses(count):
    """Addresses on which programs can listen."""
    # The sockets are open until all ports are known, so that the ports differ.
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]


def is_open(address):
    host, port = address.split(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.002)
