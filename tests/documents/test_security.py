"""docs/security.md: every test that it names exists, and every promise names a test."""

import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECURITY = ROOT / "docs" / "security.md"

# Four words or more, with underscores in Rust and Python, with spaces in the tests of the page.
TEST_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+){3,}|[A-Za-z][\w',:]*( [\w',:-]+){3,}")
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def tests_named_in(text):
    return {name for name in CODE.findall(text) if TEST_NAME.fullmatch(name)}


def output_of(*command, folder=ROOT):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rust_tests():
    """Names of test functions, without their modules."""
    list_tests = [
        "cargo",
        "test",
        "--quiet",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--",
        "--list",
        "--format",
        "terse",
    ]
    return {line.removesuffix(": test").split("::")[-1] for line in output_of(*list_tests).splitlines()}


def python_tests():
    """Names of test functions, without their parameters. Each folder is listed alone, in the environment that runs it."""
    environments = {"deployment": "aws", "documents": "aws", "repository": "aws", "contract": "contract"}
    names = set()
    for folder, environment in environments.items():
        listed = output_of(f".tools/{environment}/bin/pytest", "--collect-only", "--quiet", f"tests/{folder}")
        names |= set(re.findall(r"::(test_\w+)(?:\[.*\])?$", listed, re.MULTILINE))
    return names


def page_tests():
    """Titles of the tests of the page."""

    def titles(suite):
        yield from (spec["title"] for spec in suite.get("specs", []))
        for inner in suite.get("suites", []):
            yield from titles(inner)

    listed = output_of("npx", "playwright", "test", "--list", "--reporter", "json", folder=ROOT / "web")
    return set(titles(json.loads(listed)))


def test_every_test_that_it_names_exists():
    named = tests_named_in(FENCED.sub("", SECURITY.read_text()))

    assert len(named) > 100, "the pattern no longer finds the names"
    missing = named - rust_tests() - python_tests() - page_tests() - {"like_this_one_for_example"}
    assert not missing, "\n".join(sorted(missing))


def test_names_of_tests_are_told_from_other_code():
    text = "`r8_a_token_is_dead`, `page's list, sorted: by name`, `token_generation`, `kid`, `make test-web`, `a/b_c_d_e.rs`"

    assert tests_named_in(text) == {"r8_a_token_is_dead", "page's list, sorted: by name"}


def test_every_row_of_a_table_with_tests_names_a_test_or_says_that_none_exists():
    tables = re.findall(r"^\|.*shown by \|\n\|[- |]+\n((?:\|.*\n)+)", SECURITY.read_text(), re.MULTILINE)

    assert tables, "the pattern no longer finds the tables"
    for table in tables:
        for row in table.splitlines():
            shown_by = row.rstrip("| ").rpartition("|")[2]
            assert re.search(r"`|\*not prevented\*|above|\.py", shown_by), row
