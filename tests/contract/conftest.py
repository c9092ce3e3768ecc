import time

import pytest

from description import OPERATIONS
from drive import CHOSEN_ROLES, SEED, Drive

DRIVES = pytest.StashKey[dict]()
SECONDS = pytest.StashKey[float]()


@pytest.fixture(scope="session")
def drives(request, tmp_path_factory):
    """The finished run of each role. All roles run at the same time."""
    started = time.monotonic()
    folder = tmp_path_factory.mktemp("contract")
    running = {}
    try:
        for role in CHOSEN_ROLES:
            running[role] = Drive(role, folder / role)
    finally:
        for drive in running.values():
            drive.finish()

    request.config.stash[DRIVES] = running
    request.config.stash[SECONDS] = time.monotonic() - started
    return running


def pytest_generate_tests(metafunc):
    if "role" in metafunc.fixturenames:
        metafunc.parametrize("role", CHOSEN_ROLES)


def pytest_terminal_summary(terminalreporter, config):
    """Shows which responses each operation returned to each role."""
    if DRIVES not in config.stash:
        return
    seen_by = {role: drive.seen for role, drive in config.stash[DRIVES].items()}
    total = sum(sum(statuses.values()) for seen in seen_by.values() for statuses in seen.values())

    terminalreporter.section("Responses by operation and role")
    for line in table(seen_by):
        terminalreporter.write_line(line)
    terminalreporter.write_line(
        f"{total} requests in {len(seen_by)} roles to {len(OPERATIONS)} operations"
        f" in {config.stash[SECONDS]:.0f} s, seed {SEED}"
    )


def table(seen_by):
    def counts(statuses):
        return " ".join(f"{status}×{count}" for status, count in sorted(statuses.items()))

    rows = [["", *seen_by]]
    rows += [[label, *(counts(seen[name]) for seen in seen_by.values())] for name, (label, _) in OPERATIONS.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
