"""`scripts/await-dynamodb` with a stand-in for `aws`. The query of a table is verified with moto."""

import os
import pathlib
import subprocess
import sys

import boto3
import pytest
from moto.server import ThreadedMotoServer

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "await-dynamodb"

# Prints one line of the file for each call, and fails when there is none left.
STAND_IN = """#!/usr/bin/env bash
read -r line <"$0.responses" || exit 255
sed -i 1d "$0.responses"
[[ $line = *Exception* ]] || { printf '%b\\n' "$line"; exit; }
echo "An error occurred ($line)" >&2
exit 254
"""


@pytest.fixture
def wait(tmp_path):
    """Runs the script against an `aws` that gives these responses, one for each call."""

    def run(*arguments, responses=()):
        (tmp_path / "aws").write_text(STAND_IN)
        (tmp_path / "aws").chmod(0o755)
        (tmp_path / "aws.responses").write_text("".join(f"{response}\n" for response in responses))
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "AWAIT_SECONDS": "0"}
        done = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False)
        done.left = (tmp_path / "aws.responses").read_text().splitlines()
        return done

    return run


@pytest.mark.parametrize(
    ("what", "responses"),
    [
        pytest.param("table", [r"CREATING\tACTIVE", r"UPDATING\tACTIVE", r"ACTIVE\tACTIVE"], id="table"),
        pytest.param("table", [r"ACTIVE\tCREATING\tACTIVE", r"ACTIVE\tACTIVE\tACTIVE"], id="index"),
        pytest.param("backup", ["CREATING", "CREATING", "AVAILABLE"], id="backup"),
        pytest.param("deletion", ["ACTIVE", "DELETING", "ResourceNotFoundException"], id="deletion"),
    ],
)
def test_script_waits_until_the_state_is_final_and_no_longer(wait, what, responses):
    done = wait(what, "name", responses=[*responses, "left"])

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Waiting: `name` is ") == len(responses) - 1
    assert done.left == ["left"]


@pytest.mark.parametrize(
    ("what", "responses", "message"),
    [
        pytest.param("table", ["ResourceNotFoundException"], "ResourceNotFoundException", id="no such table"),
        pytest.param("deletion", ["DELETING", "ExpiredTokenException"], "ExpiredTokenException", id="no credentials"),
        pytest.param("backup", ["BackupNotFoundException"], "BackupNotFoundException", id="no such backup"),
        pytest.param("tables", [], "`tables` is none of table, backup and deletion", id="typing error"),
    ],
)
def test_failure_ends_the_script_so_that_the_next_command_does_not_run(wait, what, responses, message):
    done = wait(what, "name", responses=responses)

    assert done.returncode == 1
    assert done.stderr.startswith("FAILED ")
    assert message in done.stderr


@pytest.mark.parametrize("indexes", [0, 1], ids=["without an index", "with an index"])
def test_query_finds_the_states_of_a_table_and_its_indexes(indexes):
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
    # moto keeps one state for the whole process. No other test uses this region.
    region = "eu-south-1"
    dynamodb = boto3.client("dynamodb", endpoint_url=f"http://{host}:{port}", region_name=region, **keys)
    key = [{"AttributeName": "id", "KeyType": "HASH"}]
    index = {"IndexName": "by-id", "KeySchema": key, "Projection": {"ProjectionType": "KEYS_ONLY"}}
    dynamodb.create_table(
        TableName="table",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=key,
        BillingMode="PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": [index]} if indexes else {}),
    )
    environment = {
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_DEFAULT_REGION": region,
    }
    try:
        done = subprocess.run([SCRIPT, "table", "table"], env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        dynamodb.delete_table(TableName="table")
        done = subprocess.run([SCRIPT, "deletion", "table"], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    finally:
        server.stop()
