"""Core and monitoring, created by CloudFormation on a moto server.

moto emulates a part of AWS. NOT_CREATED names the types that it does not create, with what tests them
instead. Everything else in the templates must exist afterwards, as the template defines it.
"""

import ast
import io
import json
import logging
import os
import pathlib
import subprocess
import sys
import zipfile

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.server import ThreadedMotoServer

from templates import CORE, PARAMETERS, ROOT, as_list, load, of_type, release_of, translate

pytestmark = pytest.mark.filterwarnings("ignore")

NOT_CREATED = {
    # `local` runs these from the same template.
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    # test_release.py checks these.
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    # moto creates it, but does not list it: a permission has no ID of its own.
    "AWS::Lambda::Permission",
}
# cfn-lint, sam validate and checkov check these; test_monitoring.py checks what they say.
NOT_CREATED_OF_MONITORING = {"AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter"}
# moto ignores time to live and point-in-time recovery of tables, and the architecture of functions.
# The tests check those in the template itself.

TRUSTED = ["111111111111", "222222222222"]
# These exist only if a rollout is gradual; test_release.py checks them.
OF_A_ROLLOUT = {"RolloutRole", "NewVersionDownAlarm", "NewVersionFaultsAlarm"}
# No value is a default, so that a parameter without effect is noticed.
GIVEN = PARAMETERS | {
    "RequiredScope": "tokens",
    "AllowedClients": "page,cli",
    "RolesClaim": "groups",
    "AdminRole": "token-keeper",
    "TokenPrefix": "acme_",
    "RefusalStatus": "403",
    "LastUsedResolutionSeconds": "300",
    "MaxLifetimeDays": "180",
    "ExpiryRequired": "true",
    "MaxTokensPerUser": "70",
    "RetentionDays": "30",
    "SessionMaxAgeDays": "45",
    "FirstMonth": "2025-11",
    "ClientIpHeader": "X-Client-Ip",
    "OriginSecret": "only-the-proxy-knows",
    "TrustedAccounts": ",".join(TRUSTED),
    "LogRetentionDays": "14",
    "Architecture": "x86_64",
    "MemorySize": "512",
}
GIVEN["ReleaseOf"] = release_of(load(CORE), GIVEN)
CODE = ("code", "function.zip")
ALIAS = {"Ref": "AuthorizerAliaslive"}


class Aws:
    """An account on a moto server."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def client(self, service):
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", **keys)

    def upload_code(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("bootstrap", "")
        s3 = self.client("s3")
        s3.create_bucket(Bucket=CODE[0])
        s3.put_object(Bucket=CODE[0], Key=CODE[1], Body=archive.getvalue())

    def create(self, stack, template, parameters):
        """Creates a stack and returns the physical IDs of its resources by logical ID."""
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        assert described["StackStatus"] == "CREATE_COMPLETE"
        created = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in created
            if "LogicalResourceId" in resource and resource.get("PhysicalResourceId")
        }


@pytest.fixture(scope="module")
def aws():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    account = Aws(f"http://{host}:{port}")
    account.upload_code()
    yield account
    server.stop()


@pytest.fixture(scope="module")
def template():
    """The core as CloudFormation receives it, without what moto cannot create."""
    template = translate(load(CORE), code=f"s3://{'/'.join(CODE)}")
    for name in OF_A_ROLLOUT:
        del template["Resources"][name]
    # moto looks up the function of a permission by the alias, which it does not create.
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        if permission["FunctionName"] == ALIAS:
            permission["FunctionName"] = {"Ref": "Authorizer"}
    # moto exports and stores nothing of a resource that it does not create.
    template["Outputs"]["ApiId"]["Value"] = "api1"
    assert template["Resources"]["AuthorizerArnParameter"]["Properties"]["Value"] == ALIAS
    template["Resources"]["AuthorizerArnParameter"]["Properties"]["Value"] = "arn:alias"
    return template


@pytest.fixture(scope="module")
def physical(aws, template):
    """The physical IDs of the core's resources."""
    return aws.create("patgate", template, GIVEN)


@pytest.fixture(scope="module")
def monitoring_ids(aws, physical, monitoring):
    """The physical IDs of the monitoring stack's resources."""
    return aws.create("patgate-monitoring", monitoring, {"CoreStack": "patgate"})


def types_without(template, created):
    return {resource["Type"] for name, resource in template["Resources"].items() if name not in created}


def test_every_resource_of_the_core_is_created_except_the_known_ones(template, physical):
    assert types_without(template, physical) == NOT_CREATED


def test_every_resource_of_monitoring_is_created_except_the_known_ones(monitoring, monitoring_ids):
    assert types_without(monitoring, monitoring_ids) == NOT_CREATED_OF_MONITORING


def test_tables_have_the_keys_indexes_and_protection_of_the_template(aws, template, physical):
    dynamodb = aws.client("dynamodb")
    tables = of_type(template, "AWS::DynamoDB::Table")
    for name, expected in tables.items():
        table = dynamodb.describe_table(TableName=physical[name])["Table"]
        assert table["KeySchema"] == expected["KeySchema"], name
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST", name
        assert table["DeletionProtectionEnabled"], name
        indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
        assert len(indexes) == len(expected.get("GlobalSecondaryIndexes", [])), name
        for index in expected.get("GlobalSecondaryIndexes", []):
            assert indexes[index["IndexName"]]["KeySchema"] == index["KeySchema"], name
            assert indexes[index["IndexName"]]["Projection"]["ProjectionType"] == "KEYS_ONLY", name
        resource = template["Resources"][name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert expected["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], name
    assert tables["Tokens"]["TimeToLiveSpecification"] == {"AttributeName": "purge_at", "Enabled": True}


def test_functions_have_the_environment_of_the_template_with_real_table_names(aws, template, physical):
    functions = aws.client("lambda")
    tables = {"TOKENS_TABLE": physical["Tokens"], "USERS_TABLE": physical["Users"]}
    expected = of_type(template, "AWS::Lambda::Function")
    assert len(expected) == 11
    for name, properties in expected.items():
        created = functions.get_function_configuration(FunctionName=physical[name])
        assert created["Runtime"] == "provided.al2023", name
        assert created["Handler"] == "bootstrap", name
        assert properties["Architectures"] == [{"Ref": "Architecture"}], name
        assert created["MemorySize"] == int(GIVEN["MemorySize"]), name
        assert created["Timeout"] == (5 if name == "Authorizer" else 10), name
        environment = created["Environment"]["Variables"]
        assert environment.keys() == properties["Environment"]["Variables"].keys(), name
        for variable, table in tables.items():
            assert environment[variable] == table, name
        for variable, value in environment.items():
            # The parameter RetentionDays becomes RETENTION_DAYS, for example.
            parameter = "".join(word.capitalize() for word in variable.split("_"))
            assert str(value) == GIVEN.get(parameter, str(value)), f"{name}: {variable}"
    authorizer = functions.get_function_configuration(FunctionName=physical["Authorizer"])
    assert authorizer["Environment"]["Variables"]["STACK_NAME"] == "patgate"


def test_each_rule_reaches_the_functions_that_enforce_it(template):
    readers = {}
    functions = of_type(template, "AWS::Lambda::Function")
    for name, properties in functions.items():
        for value in properties["Environment"]["Variables"].values():
            readers.setdefault(value.get("Ref"), set()).add(name)
    listing, changing = {"ListTokens", "ListUsers"}, {"UpdateToken", "RevokeToken", "RevokeAllTokens", "UpdateUser"}
    assert readers["AdminRole"] == listing | changing | {"GetCaller"}
    assert readers["RetentionDays"] == {"CreateToken", "UpdateToken", "RevokeToken", "RevokeLeakedTokens"}
    assert readers["TokenPrefix"] == {"Authorizer", "CreateToken", "CheckToken", "RevokeLeakedTokens"}
    assert readers["RolesClaim"] == {"Authorizer", "UpdateUser"}
    assert readers["MaxTokensPerUser"] == {"CreateToken"}
    for parameter in ("MaxLifetimeDays", "ExpiryRequired"):
        assert readers[parameter] == {"CreateToken", "GetCaller"}
    for parameter in (
        "OidcIssuer",
        "OidcAudience",
        "RequiredScope",
        "AllowedClients",
        "RefusalStatus",
        "LastUsedResolutionSeconds",
    ):
        assert readers[parameter] == {"Authorizer"}
    # These functions decide whether a token works, or show it.
    assert readers["SessionMaxAgeDays"] == {"Authorizer", "CreateToken", "ListTokens", "UpdateToken", "CheckToken"}
    # These functions record the client's address, in last uses and in audit events.
    auditing = changing | {"CreateToken", "RevokeLeakedTokens"}
    for parameter in ("ClientIpHeader", "OriginSecret"):
        assert readers[parameter] == auditing | {"Authorizer"}
    # In Globals, and so for every function.
    for value in ("TrustedRoots", "Tokens", "Users"):
        assert readers[value] == functions.keys()
    assert readers["FirstMonth"] == {"ListTokens"}


def test_apis_of_the_own_and_the_trusted_accounts_can_use_the_authorizer_and_no_others(aws, physical):
    policy = json.loads(aws.client("lambda").get_policy(FunctionName=physical["Authorizer"])["Policy"])
    callers = {"apigateway.amazonaws.com": set(), "appsync.amazonaws.com": set()}
    for statement in policy["Statement"]:
        assert statement["Action"] == "lambda:InvokeFunction"
        callers[statement["Principal"]["Service"]].add(statement["Condition"]["ArnLike"]["AWS:SourceArn"])
    # In this region, and only authorizers.
    accounts = [ACCOUNT_ID, *TRUSTED]
    assert callers == {
        "apigateway.amazonaws.com": {
            f"arn:aws:execute-api:us-east-1:{account}:*/authorizers/*" for account in accounts
        },
        "appsync.amazonaws.com": {f"arn:aws:appsync:us-east-1:{ACCOUNT_ID}:apis/*"},
    }


def test_arn_of_the_authorizer_is_in_the_parameter_store_under_the_name_of_the_stack(aws, physical):
    stored = aws.client("ssm").get_parameter(Name="/patgate/patgate/authorizer-arn")["Parameter"]
    assert stored["Value"] == "arn:alias"


def test_each_function_has_a_role_of_its_own_that_only_lambda_can_assume(aws, template, physical):
    iam = aws.client("iam")
    roles, groups = set(), set()
    for name, properties in of_type(template, "AWS::Lambda::Function").items():
        group = physical[properties["LoggingConfig"]["LogGroup"]["Ref"]]
        groups.add(group)
        role = physical[properties["Role"]["Fn::GetAtt"][0]]
        roles.add(role)
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        principals = [statement["Principal"] for statement in trust["Statement"]]
        assert principals == [{"Service": "lambda.amazonaws.com"}]
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == [], name
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            # moto returns the document as the text of a Python value.
            document = ast.literal_eval(document) if isinstance(document, str) else document
            for statement in document["Statement"]:
                for arn in as_list(statement["Resource"]):
                    tables = [f":table/{physical[table]}" for table in ("Tokens", "Users")]
                    assert any(part in arn for part in [*tables, f":log-group:{group}"]), arn
    assert len(roles) == len(groups) == 11


def test_logs_are_kept_as_long_as_the_parameter_says_and_outlive_the_stack(aws, template, physical):
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    retention = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    for name in of_type(template, "AWS::Logs::LogGroup"):
        assert retention[physical[name]] == int(GIVEN["LogRetentionDays"]), name
        resource = template["Resources"][name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain"), name


def test_dashboard_is_json_and_shows_the_resources_of_the_core(aws, physical, monitoring_ids):
    cloudwatch = aws.client("cloudwatch")
    body = cloudwatch.get_dashboard(DashboardName=monitoring_ids["Dashboard"])["DashboardBody"]
    assert len(json.loads(body)["widgets"]) == 6
    assert "${" not in body
    for name in (physical["Authorizer"], physical["Tokens"], physical["Users"], "api1"):
        assert f'"{name}"' in body


@pytest.fixture
def first_administrator(aws):
    def run(stack, user_id):
        keys = {
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        tools = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | keys | {"AWS_ENDPOINT_URL": aws.endpoint, "PATH": tools}
        return subprocess.run(
            [ROOT / "scripts" / "first-administrator"],
            env=environment | {"STACK": stack, "USER_ID": user_id},
            capture_output=True,
            text=True,
        )

    return run


def test_first_administrator_gets_the_role_of_the_stack_in_the_table_of_the_stack(aws, template, first_administrator):
    table = aws.create(
        "by-table", template, GIVEN | {"RolesClaim": "", "ReleaseOf": release_of(template, GIVEN | {"RolesClaim": ""})}
    )["Users"]
    dynamodb = aws.client("dynamodb")
    key = {"user_id": {"S": "ada"}}
    dynamodb.put_item(TableName=table, Item=key | {"roles": {"L": [{"S": "viewer"}]}})

    done = first_administrator("by-table", "ada")

    assert done.returncode == 0, done.stderr
    roles = dynamodb.get_item(TableName=table, Key=key)["Item"]["roles"]
    assert roles == {"L": [{"S": "viewer"}, {"S": GIVEN["AdminRole"]}]}


def test_first_administrator_is_refused_if_a_claim_manages_roles(aws, physical, first_administrator):
    dynamodb = aws.client("dynamodb")
    key = {"user_id": {"S": "ada"}}
    dynamodb.put_item(TableName=physical["Users"], Item=key)

    refused = first_administrator("patgate", "ada")

    assert refused.returncode != 0
    assert "the claim `groups` manages roles" in refused.stderr
    assert "the role `token-keeper` at your identity provider" in refused.stderr
    assert dynamodb.get_item(TableName=physical["Users"], Key=key)["Item"] == key
