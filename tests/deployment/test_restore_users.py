"""`scripts/restore-users`, with the AWS CLI against moto. The end-to-end suite runs it as documented."""

import os
import pathlib
import subprocess
import sys

import boto3
import pytest
from moto.server import ThreadedMotoServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "restore-users"

# moto keeps one state for the whole process. No other test uses this region.
REGION = "eu-north-1"


class Tables:
    """A DynamoDB with users, and `scripts/restore-users` with the AWS CLI that is installed beside pytest."""

    def __init__(self, endpoint, cli):
        self.variables = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": REGION,
        }
        self.cli = cli
        self.dynamodb = boto3.client(
            "dynamodb",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="tests",
            aws_secret_access_key="tests",
        )

    def create(self, name, *users, key="user_id"):
        self.dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for user in users:
            self.dynamodb.put_item(TableName=name, Item=user)

    def delete(self):
        for name in self.dynamodb.list_tables()["TableNames"]:
            self.dynamodb.delete_table(TableName=name)

    def users(self, name):
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=name)
        return {user["user_id"]["S"]: user for page in pages for user in page["Items"]}

    def run(self, *arguments, **environment):
        path = f"{self.cli}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [SCRIPT, *arguments],
            env=os.environ | self.variables | {"PATH": path} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def restore(self, source, target):
        process = self.run("--from", source, "--to", target)
        assert process.returncode == 0, process.stderr
        return process.stdout


@pytest.fixture
def tables():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    tables = Tables(f"http://{host}:{port}", pathlib.Path(sys.executable).parent)
    try:
        yield tables
    finally:
        tables.delete()
        server.stop()


def user(user_id, *roles, **attributes):
    as_of = {"roles_as_of": {"S": "2026-01-01T00:00:00.000Z"}} if roles else {}
    return {"user_id": {"S": user_id}, "roles": {"L": [{"S": role} for role in roles]}} | as_of | attributes


def generation(number):
    return {"token_generation": {"N": str(number)}}


DISABLED = {"disabled": {"BOOL": True}}


def test_restore_applies_current_roles_and_disabled_users_and_revokes_all_tokens(tables):
    users = [
        user("bob", "viewer", **DISABLED, **generation(7)),
        user("carol", **generation(3)),
        user("dave", "viewer"),
    ]
    tables.create("Users", *users)
    before = tables.users("Users")
    name = {"name": {"S": "Bob Baker"}}
    restored = [
        user("bob", "publisher", **name, **generation(5)),
        user("carol", "administrator", **generation(4_000_000_000)),
        user("erin", "viewer", **DISABLED),
    ]
    tables.create("Users-restored", *restored)

    output = tables.restore("Users", "Users-restored")

    users = tables.users("Users-restored")
    roles = {user_id: [role["S"] for role in user["roles"]["L"]] for user_id, user in users.items()}
    assert roles == {"bob": ["viewer"], "carol": [], "dave": ["viewer"], "erin": ["viewer"]}
    disabled = {user_id: user["disabled"]["BOOL"] for user_id, user in users.items()}
    assert disabled == {"bob": True, "carol": False, "dave": False, "erin": True}
    assert users["bob"]["name"] == {"S": "Bob Baker"}
    generations = {user_id: int(user["token_generation"]["N"]) for user_id, user in users.items()}
    assert generations == {"bob": 8, "carol": 4_000_000_001, "dave": 1, "erin": 1}
    for restored_user in users.values():
        assert restored_user["tokens_revoked_by"] == {"S": "restore"}
    assert users["bob"]["roles_as_of"] == {"S": "2026-01-01T00:00:00.000Z"}
    assert users["carol"]["roles_as_of"] == users["carol"]["tokens_revoked_at"]
    assert tables.users("Users") == before, "the table that is read is not changed"
    assert output.splitlines() == [
        "Reading the users in `Users-restored`.",
        "Reading the users in `Users`.",
        "Revoking all tokens of 4 users in `Users-restored`.",
        "Roles and disabled users (2) come from `Users`.",
        "Updated 4 of 4 users.",
        "All existing tokens of 4 users are revoked. Roles and disabled users are up to date.",
    ]


def test_restore_of_tokens_alone_changes_nothing_but_the_revocation(tables):
    tables.create(
        "Users",
        user("alice", "publisher", disabled={"BOOL": False}),
        user('auth0|ö "d" $(false)', "viewer", **DISABLED),
    )
    before = tables.users("Users")

    tables.restore("Users", "Users")

    after = tables.users("Users")
    for user_id, attributes in after.items():
        revocation = {"token_generation", "tokens_revoked_at", "tokens_revoked_by"}
        assert attributes.keys() - before[user_id].keys() == revocation
        assert before[user_id].items() <= attributes.items()


def test_restore_can_run_again_and_then_revokes_later_tokens_as_well(tables):
    tables.create("Users", user("alice", "publisher"), user("bob", **DISABLED))
    tables.create("Users-restored", user("alice", "administrator"))

    tables.restore("Users", "Users-restored")
    first = tables.users("Users-restored")
    tables.restore("Users", "Users-restored")
    second = tables.users("Users-restored")

    for user_id in ("alice", "bob"):
        assert second[user_id]["token_generation"] == {"N": "2"}
        assert first[user_id]["token_generation"] == {"N": "1"}
        for attribute in ("roles", "disabled"):
            assert second[user_id][attribute] == first[user_id][attribute]


@pytest.mark.parametrize("damaged", [{"S": "1"}, {"N": "1.5"}, {"N": "-1"}, {"NULL": True}])
def test_restore_names_a_user_with_a_damaged_generation_and_changes_nothing(tables, damaged):
    tables.create("Users", user("alice", "viewer"), user("bob", token_generation=damaged))
    before = tables.users("Users")

    process = tables.run("--from", "Users", "--to", "Users")

    assert process.returncode == 1
    assert "FAILED the user `bob` has no valid `token_generation`" in process.stderr
    assert tables.users("Users") == before


def test_restore_updates_more_users_than_fit_into_one_transaction(tables):
    tables.create("Users", *[user(f"user-{number}", "viewer", **DISABLED) for number in range(230)])
    tables.create("Users-restored")

    output = tables.restore("Users", "Users-restored")

    users = tables.users("Users-restored")
    assert len(users) == 230
    assert all(user["disabled"] == {"BOOL": True} and "token_generation" in user for user in users.values())
    progress = ["Updated 100 of 230 users.", "Updated 200 of 230 users.", "Updated 230 of 230 users."]
    assert [line for line in output.splitlines() if line.startswith("Updated")] == progress


def test_restore_refuses_a_table_that_does_not_exist_and_one_without_users(tables):
    tables.create("Users", user("alice", "publisher"))
    tables.create("Tokens", {"token_hash": {"S": "hash"}, "user_id": {"S": "alice"}}, key="token_hash")
    before = tables.users("Users")

    for source, target, message in [
        ("Missing", "Users", "`aws dynamodb describe-table`: "),
        ("Users", "Missing", "`aws dynamodb describe-table`: "),
        ("Tokens", "Users", "`Tokens` is not a table of users: "),
        ("Users", "Tokens", "`Tokens` is not a table of users: "),
    ]:
        process = tables.run("--from", source, "--to", target)
        assert process.returncode == 1
        assert process.stderr.startswith(f"FAILED {message}")
        assert process.stderr.endswith("\nNothing was changed.\n")

    assert tables.users("Users") == before


def test_restore_that_fails_halfway_says_so_and_asks_to_be_run_again(tables, tmp_path):
    tables.create("Users", *[user(f"user-{number}") for number in range(150)])
    # Stands in for a CLI that loses its connection after the first transaction.
    aws = f"""#!/usr/bin/env bash
        if [ "$2" = transact-write-items ] && ! mkdir "{tmp_path}/first" 2>/dev/null; then
          echo "Could not connect to the endpoint" >&2
          exit 255
        fi
        exec "{tables.cli}/aws" "$@"
    """
    (tmp_path / "aws").write_text(aws)
    (tmp_path / "aws").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{tables.cli}{os.pathsep}{os.environ['PATH']}"

    process = tables.run("--from", "Users", "--to", "Users", PATH=path)

    assert process.returncode == 1
    assert process.stderr.splitlines() == [
        "FAILED `aws dynamodb transact-write-items`: Could not connect to the endpoint",
        "100 of 150 users in `Users` are updated.",
        "Run the same command again.",
    ]
    assert "up to date" not in process.stdout
    tables.restore("Users", "Users")
    assert all("token_generation" in user for user in tables.users("Users").values())


def test_restore_waits_while_a_table_is_still_being_restored(tables, tmp_path):
    tables.create("Users", user("alice", "publisher"))
    tables.create("Users-restored", user("alice", "administrator"))
    # Stands in for DynamoDB, which takes an hour: the first two descriptions of the table are of one that is being
    # restored, and a scan before that would fail.
    aws = f"""#!/usr/bin/env bash
        if [[ $* = *Users-restored* ]] && {{ mkdir "{tmp_path}/1" || mkdir "{tmp_path}/2"; }} 2>/dev/null; then
          [ "$2" = describe-table ] || exit 255
          "{tables.cli}/aws" "$@" | sed 's/"ACTIVE"/"CREATING"/'
        else
          exec "{tables.cli}/aws" "$@"
        fi
    """
    (tmp_path / "aws").write_text(aws)
    (tmp_path / "aws").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{tables.cli}{os.pathsep}{os.environ['PATH']}"

    process = tables.run("--from", "Users", "--to", "Users-restored", PATH=path, AWAIT_SECONDS="0")

    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[:4] == [
        "Reading the users in `Users-restored`.",
        "Waiting: `Users-restored` is CREATING.",
        "Waiting: `Users-restored` is CREATING.",
        "Reading the users in `Users`.",
    ]
    assert "token_generation" in tables.users("Users-restored")["alice"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "required: --from, --to", id="none"),
        pytest.param(["--from", "Users"], "required: --to", id="one missing"),
        pytest.param(["--from", "", "--to", "Users"], "`` is not the name of a table", id="empty"),
        pytest.param(["--from", "Users", "--to", "<users>"], "`<users>` is not the name of a table", id="placeholder"),
        pytest.param(["--from", "Users", "--to", "Users", "Users2"], "unrecognized arguments: Users2", id="too many"),
    ],
)
def test_restore_refuses_wrong_arguments(arguments, message):
    process = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)

    assert process.returncode == 2
    assert message in process.stderr


def test_restore_says_that_the_aws_cli_is_missing(tmp_path):
    (tmp_path / "python3").symlink_to(sys.executable)
    process = subprocess.run(
        [SCRIPT, "--from", "Users", "--to", "Users"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.returncode == 1
    assert process.stderr == "FAILED the AWS CLI (`aws`) is not installed\nNothing was changed.\n"
