#!/usr/bin/env python3
"""Reads all that the systems of a whole end-to-end run printed.

    run_logs.py <folder with records>

No token, hash, session or e-mail address that the run used is in it, in any of the
forms that a log might give it. Each audit event fits docs/audit-event.schema.json, and
each kind of event is there.
"""

import base64
import collections
import hashlib
import json
import pathlib
import sys
import urllib.parse

import jsonschema

SCHEMA = pathlib.Path(__file__).parents[2] / "docs" / "audit-event.schema.json"
# Every form of a secret has this many characters that nothing else has; they are looked up
# first, since there are thousands of secrets and megabytes of logs.
KEY_LENGTH = 12


def secrets(folder):
    """What must not be logged: what was used, and what is stored of it."""
    used = set()
    for file in folder.glob("*.secrets"):
        used |= {json.loads(line) for line in file.read_text().splitlines()}
    assert used, "the run has used no secrets"
    whole = {secret for secret in used if secret.count(".") != 2 or "@" in secret}
    # All sessions begin alike; what tells them apart are their claims and signatures.
    parts = {part for session in used - whole for part in session.split(".")[1:]}
    hashes = {hashlib.sha256(secret.encode()).hexdigest() for secret in whole if "@" not in secret}
    return {secret for secret in whole | parts | hashes if len(secret) >= KEY_LENGTH}


def forms(secret):
    """A text as it is, percent-encoded, in hexadecimal and in base64, wherever that begins."""
    raw = secret.encode()
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield "".join(f"%{byte:02X}" for byte in raw)
    yield "".join(f"%{byte:02x}" for byte in raw)
    yield raw.hex()
    for offset in range(3):
        # The first and last characters also depend on what stands around the secret.
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = encoded[(offset * 8 + 5) // 6 : -1]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


def leaks(log, wanted):
    """Where a form of a secret stands in a log: the line, without telling the secret."""
    by_key = collections.defaultdict(set)
    for secret in wanted:
        for form in forms(secret):
            by_key[form[:KEY_LENGTH]].add(form)
    for number, line in enumerate(log.splitlines(), 1):
        for start in range(len(line) - KEY_LENGTH + 1):
            candidates = by_key.get(line[start : start + KEY_LENGTH])
            if candidates and any(line.startswith(form, start) for form in candidates):
                yield f"line {number}, column {start + 1}: {line[:start]}…"


def check_that_leaks_are_found(wanted):
    """A search that finds nothing must be able to find something."""
    for secret in sorted(wanted)[:: max(1, len(wanted) // 50)]:
        for form in forms(secret):
            assert list(leaks(f'{{"field":"before {form} after"}}', {secret})), form
        embedded = base64.b64encode(f"user:{secret}\n".encode()).decode()
        assert list(leaks(embedded, {secret})), embedded


def audit_events(log):
    for line in log.splitlines():
        _, _, rest = line.partition("] ")
        if rest.startswith("{") and '"audit":' in rest:
            yield json.loads(rest)


def main():
    folder = pathlib.Path(sys.argv[1])
    logs = {file.name: file.read_text() for file in sorted(folder.glob("*.log"))}
    assert logs, f"no logs in {folder}"
    wanted = secrets(folder)
    check_that_leaks_are_found(wanted)
    found = [f"{name}: {leak}" for name, log in logs.items() for leak in leaks(log, wanted)]

    schema = json.loads(SCHEMA.read_text())
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    kinds = collections.Counter()
    for log in logs.values():
        for event in audit_events(log):
            kinds[event["audit"]] += 1
            found += [f"{event}: {error.message}" for error in checker.iter_errors(event)]
    missing = set(schema["properties"]["audit"]["enum"]) - kinds.keys()
    found += [f"no event `{kind}` in the whole run" for kind in sorted(missing)]

    size = sum(len(log) for log in logs.values())
    print(f"{size / 1e6:.1f} MB of logs, {len(wanted)} secrets in {len(list(forms('x' * 20)))} forms each, none is there"
          if not found else "\n".join(found[:50]))
    print(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
