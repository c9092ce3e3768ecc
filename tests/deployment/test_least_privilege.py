"""Compares what the functions did to DynamoDB with what their roles allow.

The end-to-end suite records the operations, each with the function that signed it. An operation
that a function used without a permission is a failure, and so is a permission that no function used.
"""

import json
import re

import pytest

from templates import PACKAGE_API, as_list, load, of_type, translate

pytestmark = pytest.mark.records


@pytest.fixture(scope="module")
def used(records):
    """The permissions that the run needed."""
    operations = set()
    for file in records.glob("*.jsonl"):
        for line in file.read_text().splitlines():
            done = json.loads(line)
            operations.add((done["function"], done["action"], done["table"], done["index"] or ""))
    # The tests read the tables as well, under a name of their own.
    return {show(*operation) for operation in operations if operation[0] not in ("", "tests")}


@pytest.fixture(scope="module")
def granted(core):
    """The permissions that the roles grant."""
    return permissions(core) | permissions(translate(load(PACKAGE_API)))


def permissions(template):
    granted = set()
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert not types & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}, "this test reads only policies inside a role"
    for function, properties in of_type(template, "AWS::Lambda::Function").items():
        role = template["Resources"][properties["Role"]["Fn::GetAtt"][0]]["Properties"]
        # It allows a function to write its log, and nothing else.
        (managed,) = role["ManagedPolicyArns"]
        assert managed.endswith(":policy/service-role/AWSLambdaBasicExecutionRole"), f"{function}: {managed}"
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement.keys() == {"Effect", "Action", "Resource"}, statement
                assert statement["Effect"] == "Allow", statement
                for action in as_list(statement["Action"]):
                    for arn in as_list(statement["Resource"]):
                        service, name = action.split(":")
                        assert service == "dynamodb" and "*" not in name, f"{function}: {action}"
                        granted.add(show(function, name, *table_of(arn)))
    return granted


def table_of(arn):
    """The logical ID of a table and the index that the permission is for, if any."""
    if "Fn::GetAtt" in arn:
        table, attribute = arn["Fn::GetAtt"]
        assert attribute == "Arn", arn
        return table, ""
    named = re.fullmatch(r"\$\{(\w+)\.Arn\}/index/([\w-]+)", arn["Fn::Sub"])
    assert named, arn
    return named[1], named[2]


def show(function, action, table, index):
    return f"{function}: dynamodb:{action} on {table}{f', index {index}' if index else ''}"


def test_run_recorded_operations(used):
    assert used, "the run recorded no operation"


def test_every_operation_is_granted(used, granted):
    assert sorted(used - granted) == []


def test_every_permission_is_used(used, granted):
    assert sorted(granted - used) == []
