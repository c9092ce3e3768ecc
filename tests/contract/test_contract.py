#!/usr/bin/env python3
"""Holds every endpoint to docs/openapi.yaml: Schemathesis makes up requests, good and bad, as a user with a
session, as a user with a token, and as an administrator, each against a system of its own.

    SEED      draws other requests; the same seed draws the same again (1)
    EXAMPLES  how many of each kind for each operation (25)
    ROLE      only one of `session`, `token`, `administrator`
    LOCAL     another `local` than the one in target/debug

What was answered must be as documented, and each operation must have succeeded for whoever may use it:
a run that only ever saw refusals has tested nothing.
"""

import collections
import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

import yaml

from system import ROOT, System, create_token, request

DESCRIPTION = ROOT / "docs/openapi.yaml"
SEED = os.environ.get("SEED", "1")
EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
TIMEOUT_SECONDS = 300
METHODS = ("get", "post", "put", "patch", "delete")
DESCRIBED = {
    operation["operationId"]: operation | {"label": f"{method.upper()} {path}"}
    for path, item in yaml.safe_load(DESCRIPTION.read_text())["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
OPERATIONS = {
    name: (operation["label"], {int(status) for status in operation["responses"]})
    for name, operation in DESCRIBED.items()
}
# What API Gateway, or Lambda behind it, may answer to anything.
OF_THE_GATEWAY = {401, 413, 429, 431, 500, 503}

# What each of them may not do, and what that is answered with. All else must succeed.
FOR_ADMINISTRATORS = {"listUsers": 403, "showUser": 403, "updateUser": 403}
REFUSED = {
    "session": {"showCurrentToken": 404, **FOR_ADMINISTRATORS},
    "token": {"createToken": 403, **FOR_ADMINISTRATORS},
    "administrator": {"showCurrentToken": 404},
}
CREW = [f"crew-{number}" for number in range(1, 7)]


class Drive:
    """One role's run."""

    def __init__(self, role, folder):
        self.role, self.folder = role, folder
        folder.mkdir()
        # An administrator changes roles too, which needs the table `Users` to be where they are.
        self.system = System(*(["RolesClaim="] if role == "administrator" else []))
        try:
            self.begin()
        except BaseException:
            self.system.stop()
            raise

    def begin(self):
        user = "admin" if self.role == "administrator" else "alice"
        session = self.system.sign_in(user)
        if self.role == "administrator":
            self.system.make_administrator(user)
        (self.folder / "schemathesis.toml").write_text(self.configuration(user, session))
        self.seen = self.folder / "seen.jsonl"
        drive = {
            "api": self.system.api,
            "session": session,
            "with_token": self.role == "token",
            "seen": str(self.seen),
        }
        here = pathlib.Path(__file__).parent
        environment = {"CONTRACT": json.dumps(drive), "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(here)}
        command = [pathlib.Path(sys.executable).parent / "st", "--config-file", "schemathesis.toml"]
        command += ["run", DESCRIPTION, "--url", self.system.api, "--seed", SEED, "--continue-on-failure", "--no-color"]
        self.output = self.folder / "output.txt"
        with self.output.open("w") as output:
            self.child = subprocess.Popen(
                command, cwd=self.folder, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
            )

    def configuration(self, user, session):
        """Ids of users and tokens that exist, among those that are made up."""
        people = [user, "alice", "bob"] + (CREW if self.role == "administrator" else [])
        sessions = {person: session if person == user else self.system.sign_in(person) for person in people}
        api = self.system.api
        own = [create_token(api, session, f"token {number}") for number in range(4)]
        # Soon enough to be over while it runs, and late enough to be created on a busy machine.
        soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=5)).isoformat()
        own += [create_token(api, session, "expires soon", expiresAt=soon)]
        others = [create_token(api, other, f"of {person}") for person, other in sessions.items() if other != session]
        request("DELETE", f"{api}/api/tokens/{own[0]['id']}", session)
        leaked = [create_token(api, session, f"leaks {number}")["token"] for number in range(6)]
        lists = {
            "tokens": [token["id"] for token in own + others],
            "users": people + [user] * 2,
            "leaked": leaked[:3] + ["fdp_junk"],
            "hashes": [hashlib.sha256(token.encode()).hexdigest() for token in leaked[3:]] + ["abc"],
            "later": [f"20{year}-01-31T23:59:59Z" for year in range(30, 60)],
        }
        values = "".join(f"[dictionaries.{name}]\nvalues = {json.dumps(given)}\n" for name, given in lists.items())
        return CONFIGURATION.format(examples=EXAMPLES) + values

    def end(self):
        """How Schemathesis ended, and what it saw: operations, statuses, how often."""
        try:
            code = self.child.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
            with self.output.open("a") as output:
                output.write(f"\nIt took longer than {TIMEOUT_SECONDS} s.\n")
        finally:
            self.system.stop()
        seen = collections.defaultdict(collections.Counter)
        for line in self.seen.read_text().splitlines() if self.seen.exists() else []:
            operation, status = json.loads(line)
            seen[operation][status] += 1
        return code, seen


CONFIGURATION = """
[generation]
max-examples = {examples}
database = "none"
with-security-parameters = false

# API Gateway answers 404 to methods that are not described, which tests/e2e checks.
[phases.coverage]
unexpected-methods = []

# A token that was revoked stays on record: it can still be shown, and revoked again.
[checks.use_after_free]
enabled = false

# Of credentials that are good for nothing any more, only the long ones are left out.
[output.sanitization]
keys-to-sanitize = ["Authorization"]

[[operations]]
include-operation-id = ["showToken", "revokeToken"]
parameters = {{ "path.id" = {{ dictionary = "tokens", probability = 0.7 }} }}

[[operations]]
include-operation-id = ["showUser", "updateUser", "revokeAllTokens"]
parameters = {{ "path.id" = {{ dictionary = "users", probability = 0.7 }} }}

[[operations]]
include-operation-id = "listTokens"
parameters = {{ "query.cursor" = {{ dictionary = "tokens" }} }}

[[operations]]
include-operation-id = "createToken"
parameters = {{ "body.expiresAt" = {{ dictionary = "later" }} }}

[[operations]]
include-operation-id = "revokeLeakedTokens"
parameters = {{ "body.tokens[*]" = {{ dictionary = "leaked", probability = 0.5 }}, "body.hashes[*]" = {{ dictionary = "hashes", probability = 0.5 }} }}

"""


def undocumented():
    """What the gateway may answer and the description leaves out."""
    for name, (_, documented) in OPERATIONS.items():
        is_open = DESCRIBED[name].get("security") == []
        has_body = "requestBody" in DESCRIBED[name]
        missing = OF_THE_GATEWAY - ({401} if is_open else set()) - (set() if has_body else {413}) - documented
        yield from (f"{name} does not document {status}, which the gateway may answer" for status in sorted(missing))


def never_met(seen_by):
    """Refusals of the endpoints' own that nobody met."""
    for name, (_, documented) in OPERATIONS.items():
        met = {status for seen in seen_by.values() for status in seen[name]}
        yield from (f"{name} never answered {status}" for status in sorted(documented - OF_THE_GATEWAY - met))


def faults(role, seen):
    """What this role's answers lack, or should not have."""
    for operation, (_, documented) in OPERATIONS.items():
        statuses = seen[operation]
        (success,) = [status for status in documented if status < 300]
        refused = REFUSED[role].get(operation)
        if refused is None and not statuses[success]:
            yield f"{operation} never succeeded ({success})"
        if refused is not None and not statuses[refused]:
            yield f"{operation} was never refused ({refused})"
        if refused is not None and statuses[success]:
            yield f"{operation} succeeded, though it is not for this role"
        if statuses[401]:
            yield f"{operation}: {statuses[401]} answers 401 to a good credential"
        yield from (f"{operation}: {status} is not documented" for status in sorted(statuses.keys() - documented))


def table(seen_by):
    width = max(len(label) for label, _ in OPERATIONS.values())
    columns = [max(len(role), *(len(counts(seen[operation])) for operation in OPERATIONS)) for role, seen in seen_by.items()]
    yield "  ".join([" " * width, *(role.ljust(column) for role, column in zip(seen_by, columns))]).rstrip()
    for operation, (label, _) in OPERATIONS.items():
        cells = [counts(seen[operation]).ljust(column) for seen, column in zip(seen_by.values(), columns)]
        yield "  ".join([label.ljust(width), *cells]).rstrip()


def counts(statuses):
    return " ".join(f"{status}×{count}" for status, count in sorted(statuses.items()))


def main():
    roles = [os.environ["ROLE"]] if "ROLE" in os.environ else list(REFUSED)
    started = time.monotonic()
    failed, seen_by = False, {}
    with tempfile.TemporaryDirectory() as name:
        drives = []
        try:
            for role in roles:
                drives.append(Drive(role, pathlib.Path(name) / role))
        finally:
            ended = [(drive, *drive.end()) for drive in drives]
        for drive, code, seen in ended:
            seen_by[drive.role] = seen
            wrong = list(faults(drive.role, seen))
            if code != 0 or wrong:
                failed = True
                print(drive.output.read_text())
                print("The last that the system said:\n", *drive.system.said)
                print("\n".join(f"FAILED as {drive.role}: {fault}" for fault in wrong))
                print(f"Again: ROLE={drive.role} SEED={SEED} EXAMPLES={EXAMPLES} make test-contract\n")
    print("Answers, by operation and role:")
    print("\n".join(table(seen_by)))
    for fault in [*undocumented(), *(never_met(seen_by) if len(roles) == len(REFUSED) else [])]:
        failed = True
        print(f"FAILED {fault}")
    total = sum(sum(statuses.values()) for seen in seen_by.values() for statuses in seen.values())
    took = f"{total} requests as {len(roles)} roles to {len(OPERATIONS)} operations in {time.monotonic() - started:.0f} s, seed {SEED}"
    if failed:
        sys.exit(f"The API and docs/openapi.yaml do not agree: {took}")
    print(f"Every answer was as docs/openapi.yaml says: {took}")


if __name__ == "__main__":
    main()
