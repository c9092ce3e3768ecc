"""Schemathesis drives a system in one role: as a user with a session, as a user with a token, or as an administrator."""

import base64
import collections
import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys

from description import closed
from system import CHANGEABLE, System, create_token, request

ROLES = ("session", "token", "administrator")
CHOSEN_ROLES = [os.environ["ROLE"]] if "ROLE" in os.environ else list(ROLES)
SEED = os.environ.get("SEED", "1")
EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
TIMEOUT_SECONDS = 300
# A token ID that no token has.
UNKNOWN = "01900000-0000-7000-8000-000000000001"
# Further users, of whom the administrator changes and disables some.
FURTHER_USERS = [f"crew-{number}" for number in range(1, 7)]

PARAMETERS = {
    # Roles can be changed only where the table `Users` keeps them.
    "administrator": ["RolesClaim="],
    # So few that a creation is also refused because the user has too many.
    "session": ["MaxTokensPerUser=45"],
}

CONFIGURATION = """
[generation]
max-examples = {examples}
database = "none"
with-security-parameters = false

# API Gateway responds with 404 to methods that are not described. The end-to-end suite tests that.
[phases.coverage]
unexpected-methods = []

# The record of a revoked token remains: the token can still be shown, and revoked again.
[checks.use_after_free]
enabled = false

# The system and its credentials are gone after the test. The header is only removed because it is long.
[output.sanitization]
keys-to-sanitize = ["Authorization"]

[[operations]]
include-operation-id = ["showToken", "revokeToken"]
parameters = {{ "path.id" = {{ dictionary = "tokens", probability = 0.7 }} }}

[[operations]]
include-operation-id = ["showUser", "updateUser", "revokeAllTokens"]
parameters = {{ "path.pathId" = {{ dictionary = "users", probability = 0.7 }} }}

[[operations]]
include-operation-id = "listTokens"
parameters = {{ "query.cursor" = {{ dictionary = "tokens" }} }}

[[operations]]
include-operation-id = "createToken"
parameters = {{ "body.expiresAt" = {{ dictionary = "later" }}, "header.Idempotency-Key" = {{ dictionary = "keys", probability = 0.3 }} }}

[[operations]]
include-operation-id = "updateToken"
parameters = {{ "path.id" = {{ dictionary = "changed" }}, "header.If-Match" = {{ dictionary = "versions", probability = 0.7 }} }}

[[operations]]
include-operation-id = "updateUser"
parameters = {{ "header.If-Match" = {{ dictionary = "versions" }} }}

[[operations]]
include-operation-id = "checkToken"
parameters = {{ "body.token" = {{ dictionary = "leaked", probability = 0.5 }} }}

[[operations]]
include-operation-id = "revokeLeakedTokens"
parameters = {{ "body.tokens[*]" = {{ dictionary = "leaked", probability = 0.5 }}, "body.hashes[*]" = {{ dictionary = "hashes", probability = 0.5 }} }}

"""


def path_id(user):
    return "u_" + base64.urlsafe_b64encode(user.encode()).decode().rstrip("=")


class Drive:
    """One role's run against a system of its own."""

    def __init__(self, role, folder):
        self.role, self.folder = role, folder
        folder.mkdir()
        self.system = System(*PARAMETERS.get(role, []))
        try:
            self.start()
        except BaseException:
            self.system.stop()
            raise

    def start(self):
        user = "admin" if self.role == "administrator" else "alice"
        session = self.system.sign_in(user)
        if self.role == "administrator":
            self.system.make_administrator(user)

        (self.folder / "schemathesis.toml").write_text(self.configuration(user, session))
        self.seen_file = self.folder / "seen.jsonl"
        settings = {
            "api": self.system.api,
            "session": session,
            "with_token": self.role == "token",
            "seen": str(self.seen_file),
        }
        here = pathlib.Path(__file__).parent
        environment = {"CONTRACT": json.dumps(settings), "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(here)}

        command = [pathlib.Path(sys.executable).parent / "st", "--config-file", "schemathesis.toml"]
        description = self.folder / "openapi.json"
        description.write_text(json.dumps(closed()))
        command += ["run", description, "--url", self.system.api, "--seed", SEED, "--continue-on-failure", "--no-color"]
        self.output_file = self.folder / "output.txt"
        with self.output_file.open("w") as output:
            self.child = subprocess.Popen(
                command, cwd=self.folder, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
            )

    def configuration(self, user, session):
        """The settings of Schemathesis, with IDs of existing users and tokens to use among the generated ones."""
        users = [user, "alice", "bob"] + (FURTHER_USERS if self.role == "administrator" else [])
        sessions = {name: session if name == user else self.system.sign_in(name) for name in users}
        api = self.system.api
        own = [create_token(api, session, f"token {number}") for number in range(4)]
        # Soon enough to expire during the run, and late enough to be created on a busy machine.
        soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=5)).isoformat()
        own += [create_token(api, session, "expires soon", expiresAt=soon)]
        others = [create_token(api, other, f"of {name}") for name, other in sessions.items() if other != session]
        request("DELETE", f"{api}/api/tokens/{own[0]['id']}", session)
        leaked = [create_token(api, session, f"leaks {number}")["token"] for number in range(6)]

        dictionaries = {
            "tokens": [token["id"] for token in own + others],
            "users": [path_id(name) for name in users + [user] * 2 + ["unknown"] * 3],
            "leaked": leaked[:3] + ["fdp_junk"],
            "hashes": [hashlib.sha256(token.encode()).hexdigest() for token in leaked[3:]] + ["abc"],
            "keys": ["one", "two"],
            "changed": [CHANGEABLE] * 6 + [own[0]["id"], others[0]["id"], UNKNOWN, UNKNOWN],
            "versions": ["*", "*", '"0123456789abcdef"'],
            "later": [f"20{year}-01-31T23:59:59Z" for year in range(30, 60)],
        }
        sections = [f"[dictionaries.{name}]\nvalues = {json.dumps(given)}\n" for name, given in dictionaries.items()]
        return CONFIGURATION.format(examples=EXAMPLES) + "".join(sections)

    def finish(self):
        """Waits for the end, and reads how Schemathesis ended and how often each operation returned each status."""
        try:
            self.exit_code = self.child.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.exit_code = self.child.wait()
            with self.output_file.open("a") as output:
                output.write(f"\nThe run took longer than {TIMEOUT_SECONDS} s.\n")
        finally:
            self.system.stop()

        self.seen = collections.defaultdict(collections.Counter)
        for line in self.seen_file.read_text().splitlines() if self.seen_file.exists() else []:
            operation, status = json.loads(line)
            self.seen[operation][status] += 1

    def report(self):
        """What helps to understand a failure, with the command that repeats it."""
        return "\n".join(
            [
                self.output_file.read_text(),
                "The last output of the system:",
                *self.system.last_output,
                f"To repeat it: ROLE={self.role} SEED={SEED} EXAMPLES={EXAMPLES} make test-contract",
            ]
        )
