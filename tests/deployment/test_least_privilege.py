"""What each function may do: write to its own log group, and use the tables that it needs.

The rights to write logs are compared with the templates. The rights on tables are compared with the
operations that the end-to-end suite recorded, each with the function that signed it. A right that is missing
is a failure, and so is a right that no function needs.
"""

import json
import re

import pytest

from templates import CORE, EXAMPLES, PACKAGE_API, as_list, load, of_type, translate

WRITE_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
ASSUMED_BY_LAMBDA = [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
# The role of CodeDeploy, which moves the authorizer's alias. test_release.py checks its rights.
ASSUMED_BY_CODEDEPLOY = {"RolloutRole"}


def rights_of(template, role):
    """What a role allows: pairs of an action and a resource."""
    policies = template["Resources"][role]["Properties"].get("Policies", [])
    attached = [policy for policy in of_type(template, "AWS::IAM::Policy").values() if {"Ref": role} in policy["Roles"]]
    for policy in [*policies, *attached]:
        for statement in as_list(policy["PolicyDocument"]["Statement"]):
            assert statement.keys() == {"Effect", "Action", "Resource"}, statement
            assert statement["Effect"] == "Allow", statement
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield action, resource


def group_of(function):
    """The logical ID of the log group that a function writes to."""
    return function.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")


def role_of(function):
    return function["Role"]["Fn::GetAtt"][0]


def violations(template):
    """Each way in which a function of a template can write to another log group than its own, or not even to that."""
    functions = of_type(template, "AWS::Lambda::Function")
    for name, function in functions.items():
        if group_of(function) not in of_type(template, "AWS::Logs::LogGroup"):
            yield f"{name} has no log group in the template"

        rights = [right for right in rights_of(template, role_of(function)) if not right[0].startswith("dynamodb:")]
        needed = [(action, {"Fn::GetAtt": [group_of(function), "Arn"]}) for action in WRITE_LOGS]
        yield from (f"{name} has the right {right}" for right in rights if right not in needed)
        yield from (f"{name} lacks the right {right}" for right in needed if right not in rights)

    for owned in (group_of, role_of):
        owners = {}
        for name, function in functions.items():
            owners.setdefault(owned(function), []).append(name)
        yield from (f"{names} share {shared}" for shared, names in owners.items() if len(names) > 1)

    for name, role in of_type(template, "AWS::IAM::Role").items():
        if managed := role.get("ManagedPolicyArns"):
            yield f"{name} has the managed policies {managed}"
        if name in ASSUMED_BY_CODEDEPLOY:
            continue
        if as_list(role["AssumeRolePolicyDocument"]["Statement"]) != ASSUMED_BY_LAMBDA:
            yield f"others than Lambda can assume {name}"
    for name, policy in of_type(template, "AWS::IAM::Policy").items():
        if not all(role.get("Ref") in of_type(template, "AWS::IAM::Role") for role in policy["Roles"]):
            yield f"{name} is attached to a role that the template does not name"

    # Anything else that grants rights is unknown to this test.
    types = {resource["Type"] for resource in template["Resources"].values()}
    granting = {one for one in types if one.startswith("AWS::IAM::")} | types & {"AWS::Logs::ResourcePolicy"}
    yield from (
        f"the template has a resource of type {one}" for one in granting - {"AWS::IAM::Role", "AWS::IAM::Policy"}
    )


@pytest.mark.parametrize("name", ["core", "http-api", "package-api", "rest-api", "cdk"])
def test_each_function_can_write_to_its_own_log_group_and_no_other(request, name):
    if name == "cdk":
        template = request.getfixturevalue("cdk_template")
    else:
        template = translate(load(CORE if name == "core" else EXAMPLES / name / "template.yaml"))

    assert of_type(template, "AWS::Lambda::Function")
    assert list(violations(template)) == []


def properties(resources, name):
    return resources[name]["Properties"]


def log_rights(resources):
    """The statement that lets the function ListTokens write its log."""
    return properties(resources, "ListTokensRole")["Policies"][0]["PolicyDocument"]["Statement"][0]


def allow_another_group(resources):
    log_rights(resources)["Resource"] = [log_rights(resources)["Resource"], {"Fn::GetAtt": ["RevokeTokenLogs", "Arn"]}]


def allow_all_groups(resources):
    log_rights(resources)["Resource"] = "*"


def allow_creating_groups(resources):
    log_rights(resources)["Action"].append("logs:CreateLogGroup")


def attach_the_managed_policy(resources):
    policy = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
    properties(resources, "ListTokensRole")["ManagedPolicyArns"] = [policy]


def let_sam_generate_the_role(resources):
    del resources["ListTokensRole"], properties(resources, "ListTokens")["Role"]


def attach_a_policy_from_outside(resources):
    allowed = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": {"Fn::GetAtt": ["AccessLogs", "Arn"]}}
    policy = {"Roles": [{"Ref": "ListTokensRole"}], "PolicyDocument": {"Statement": [allowed]}}
    resources["More"] = {"Type": "AWS::IAM::Policy", "Properties": policy}


def let_another_account_assume_the_role(resources):
    trust = properties(resources, "ListTokensRole")["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Principal"] = {"AWS": "*"}


def share_a_group(resources):
    properties(resources, "ListTokens")["LoggingConfig"]["LogGroup"] = {"Ref": "ListUsersLogs"}
    log_rights(resources)["Resource"] = {"Fn::GetAtt": ["ListUsersLogs", "Arn"]}


def share_a_role(resources):
    properties(resources, "ListTokens")["Role"] = {"Fn::GetAtt": ["ListUsersRole", "Arn"]}


def log_to_the_group_that_lambda_creates(resources):
    del properties(resources, "ListTokens")["LoggingConfig"]


@pytest.mark.parametrize(
    "change",
    [
        allow_another_group,
        allow_all_groups,
        allow_creating_groups,
        attach_the_managed_policy,
        let_sam_generate_the_role,
        attach_a_policy_from_outside,
        let_another_account_assume_the_role,
        share_a_group,
        share_a_role,
        log_to_the_group_that_lambda_creates,
    ],
)
def test_right_to_write_to_the_log_of_another_function_is_found(change):
    template = load(CORE)
    change(template["Resources"])

    found = list(violations(translate(template)))

    assert found
    assert all("ListTokens" in violation for violation in found), found


@pytest.fixture(scope="module")
def used(records):
    """The rights on tables that the run needed."""
    operations = set()
    for file in records.glob("*.jsonl"):
        for line in file.read_text().splitlines():
            done = json.loads(line)
            operations.add((done["function"], done["action"], done["table"], done["index"] or ""))
    # The tests read the tables as well, under a name of their own.
    return {show(*operation) for operation in operations if operation[0] not in ("", "tests")}


@pytest.fixture(scope="module")
def granted(core):
    """The rights on tables that the roles grant."""
    return rights_on_tables(core) | rights_on_tables(translate(load(PACKAGE_API)))


def rights_on_tables(template):
    granted = set()
    for name, function in of_type(template, "AWS::Lambda::Function").items():
        for right, resource in rights_of(template, role_of(function)):
            service, action = right.split(":")
            if service == "dynamodb":
                assert "*" not in action, f"{name}: {right}"
                granted.add(show(name, action, *table_of(resource)))
    return granted


def table_of(arn):
    """The logical ID of a table and the index that the right is for, if any."""
    if "Fn::GetAtt" in arn:
        table, attribute = arn["Fn::GetAtt"]
        assert attribute == "Arn", arn
        return table, ""
    named = re.fullmatch(r"\$\{(\w+)\.Arn\}/index/([\w-]+)", arn["Fn::Sub"])
    assert named, arn
    return named[1], named[2]


def show(function, action, table, index):
    return f"{function}: dynamodb:{action} on {table}{f', index {index}' if index else ''}"


@pytest.mark.records
def test_run_recorded_operations(used):
    assert used, "the run recorded no operation"


@pytest.mark.records
def test_every_operation_is_granted(used, granted):
    assert sorted(used - granted) == []


@pytest.mark.records
def test_every_permission_is_used(used, granted):
    assert sorted(granted - used) == []
