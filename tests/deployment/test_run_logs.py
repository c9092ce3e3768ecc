"""Reads everything that the systems of a whole end-to-end run printed.

The logs contain no token, hash, session or e-mail address that the run used, in any form that a log
might give it. Every audit event matches docs/audit-event.schema.json, and each kind occurs.
"""

import base64
import collections
import hashlib
import json
import urllib.parse

import jsonschema
import pytest

from documents import names_in
from templates import ROOT

pytestmark = pytest.mark.records

# The search looks up this many leading characters of each form first, because it compares thousands
# of secrets with megabytes of logs.
KEY_LENGTH = 12


@pytest.fixture(scope="module")
def logs(records):
    return {file.name: file.read_text() for file in sorted(records.glob("*.log"))}


@pytest.fixture(scope="module")
def secrets(records):
    """What must not be logged: the secrets that the run used, and what is stored of them."""
    used = set()
    for file in records.glob("*.secrets"):
        used |= {json.loads(line) for line in file.read_text().splitlines()}
    assert used, "the run used no secrets"
    whole = {secret for secret in used if secret.count(".") != 2 or "@" in secret}
    # All sessions start alike; their claims and signatures distinguish them.
    parts = {part for session in used - whole for part in session.split(".")[1:]}
    hashes = {hashlib.sha256(secret.encode()).hexdigest() for secret in whole if "@" not in secret}
    return {secret for secret in whole | parts | hashes if len(secret) >= KEY_LENGTH}


@pytest.fixture(scope="module")
def schema():
    return json.loads((ROOT / "docs" / "audit-event.schema.json").read_text())


@pytest.fixture(scope="module")
def logged_events(logs):
    """All audit events, each with the name of the function that logged it."""
    events = []
    for log in logs.values():
        for line in log.splitlines():
            function, _, rest = line.removeprefix("[").partition("] ")
            if rest.startswith("{") and '"audit":' in rest:
                events.append((function, json.loads(rest)))
    return events


@pytest.fixture(scope="module")
def audit_events(logged_events):
    return [event for _, event in logged_events]


def forms(secret):
    """A text as it is, percent-encoded, in hexadecimal, and in base64 at any offset."""
    raw = secret.encode()
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield "".join(f"%{byte:02X}" for byte in raw)
    yield "".join(f"%{byte:02x}" for byte in raw)
    yield raw.hex()
    for offset in range(3):
        # The first and last characters also depend on what surrounds the secret.
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = encoded[(offset * 8 + 5) // 6 : -1]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def leaks(log, secrets):
    """Where a log contains a form of a secret: the text before it, without the secret."""
    by_key = collections.defaultdict(set)
    for secret in secrets:
        for form in forms(secret):
            by_key[form[:KEY_LENGTH]].add(form)
    for number, line in enumerate(log.splitlines(), 1):
        for start in range(len(line) - KEY_LENGTH + 1):
            candidates = by_key.get(line[start : start + KEY_LENGTH])
            if candidates and any(line.startswith(form, start) for form in candidates):
                yield f"line {number}, column {start + 1}: {line[:start]}…"


def test_search_finds_every_form_of_a_secret(secrets):
    for secret in sorted(secrets)[:: max(1, len(secrets) // 50)]:
        for form in forms(secret):
            assert list(leaks(f'{{"field":"before {form} after"}}', {secret})), form
        embedded = base64.b64encode(f"user:{secret}\n".encode()).decode()
        assert list(leaks(embedded, {secret})), embedded


def test_no_secret_of_the_run_is_in_the_logs(logs, secrets):
    found = [f"{name}: {leak}" for name, log in logs.items() for leak in leaks(log, secrets)]
    assert found[:50] == []


def test_every_audit_event_matches_its_schema(audit_events, schema):
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    errors = [f"{event}: {error.message}" for event in audit_events for error in checker.iter_errors(event)]
    assert errors[:50] == []


def test_every_kind_of_audit_event_occurs(audit_events, schema):
    kinds = {event["audit"] for event in audit_events}
    assert set(schema["properties"]["audit"]["enum"]) - kinds == set()


def test_each_kind_of_audit_event_comes_from_the_function_that_the_document_names(logged_events, tables, core):
    documented = set()
    (rows,) = [rows for head, *rows in tables("docs/audit.md") if head[0].content == "`audit`"]
    for kind, reasons, function, _ in rows:
        for reason in names_in(reasons) or [None]:
            documented.add((*names_in(kind), reason, *names_in(function)))
    assert {(event["audit"], event.get("reason"), function) for function, event in logged_events} == documented

    groups = core["Outputs"]["AuditLogGroups"]["Value"]["Fn::Sub"].split()
    assert sorted(groups) == sorted({f"${{{function}Logs}}" for _, _, function in documented})


def test_each_denial_and_fault_is_a_line_that_the_filters_of_the_alarms_count(logs, monitoring):
    filters = {name: monitoring["Resources"][name]["Properties"] for name in ("DenialsFilter", "ReturnedErrorsFilter")}
    assert filters["DenialsFilter"]["FilterPattern"] == '{ $.outcome = "denied" }'
    assert filters["ReturnedErrorsFilter"]["FilterPattern"] == "{ $.invocation_failed IS TRUE }"

    lines, failed, metrics = collections.Counter(), collections.Counter(), collections.Counter()
    for log in logs.values():
        for line in log.splitlines():
            function, _, rest = line.removeprefix("[").partition("] ")
            if function == "Authorizer" and rest.startswith("{"):
                entry = json.loads(rest)
                lines[entry.get("outcome")] += 1
                failed[entry.get("outcome")] += entry.get("invocation_failed") is True
                metrics["denied"] += entry.get("Denied", 0)
                metrics["fault"] += entry.get("Faults", 0)
    assert lines.keys() - {None} == {"denied", "fault"}
    # An instance loses the counts of its last minute, and no line.
    assert all(lines[outcome] >= metrics[outcome] > 0 for outcome in ("denied", "fault")), (lines, metrics)
    # The run has systems with each RefusalStatus.
    assert failed["fault"] == lines["fault"]
    assert 0 < failed["denied"] < lines["denied"]
    assert failed[None] == 0
