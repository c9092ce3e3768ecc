"""The core, created by CloudFormation on a moto server, and looked at.

moto imitates a part of AWS. What it does not create is named in NOT_CREATED, with what
else holds it; everything else in the template must be there afterwards, as it says.
"""

import ast
import io
import json
import logging
import os
import pathlib
import subprocess
import sys
import unittest
import warnings
import zipfile

import boto3
from moto.server import ThreadedMotoServer

from templates import CORE, PARAMETERS, ROOT, as_list, translate

NOT_CREATED = {
    # Run by `local`, from the same template.
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    # Left to cfn-lint, sam validate and checkov.
    "AWS::CloudWatch::Alarm",
    "AWS::Lambda::Alias",
    "AWS::Logs::MetricFilter",
    # Created, and not listed: a permission has no id of its own.
    "AWS::Lambda::Permission",
}
# What it creates without: time to live and point-in-time recovery of tables, and the
# architecture of functions. Of these the template itself is checked.
# moto looks for the function by the alias, which it has not created.
LEFT_OUT = {"AuthorizerPermission"}
# No default, so that a parameter which reaches nothing shows.
GIVEN = PARAMETERS | {
    "RolesClaim": "groups",
    "AdminRole": "token-keeper",
    "TokenPrefix": "acme_",
    "LastUsedResolutionSeconds": "300",
    "MaxLifetimeDays": "180",
    "ExpiryRequired": "true",
    "RetentionDays": "30",
    "SessionMaxAgeDays": "45",
    "FirstMonth": "2025-11",
    "ClientIpHeader": "X-Client-Ip",
    "OriginSecret": "only-the-proxy-knows",
    "LogRetentionDays": "14",
    "Architecture": "x86_64",
    "MemorySize": "512",
}
CODE = ("code", "function.zip")


class Deployment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        warnings.simplefilter("ignore")
        cls.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        host, port = cls.server.get_host_and_port()
        cls.endpoint = f"http://{host}:{port}"
        cls.upload_code()
        cls.template = translate(CORE, code=f"s3://{'/'.join(CODE)}")
        for name in LEFT_OUT:
            del cls.template["Resources"][name]
        cls.physical = cls.create("patgate", GIVEN)
        cls.stack = cls.client("cloudformation").describe_stacks(StackName="patgate")["Stacks"][0]

    @classmethod
    def create(cls, stack, parameters):
        """Creates the core as a stack of this name; the names of what came of it, by logical id."""
        cloudformation = cls.client("cloudformation")
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=json.dumps(cls.template),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        described = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in described
            if "LogicalResourceId" in resource and resource.get("PhysicalResourceId")
        }

    @classmethod
    def client(cls, service):
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
        return boto3.client(service, endpoint_url=cls.endpoint, region_name="us-east-1", **keys)

    @classmethod
    def upload_code(cls):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("bootstrap", "")
        s3 = cls.client("s3")
        s3.create_bucket(Bucket=CODE[0])
        s3.put_object(Bucket=CODE[0], Key=CODE[1], Body=archive.getvalue())

    def resources(self, resource_type):
        return {
            name: resource.get("Properties", {})
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == resource_type
        }

    def test_everything_is_created_but_what_is_known_not_to_be(self):
        self.assertEqual(self.stack["StackStatus"], "CREATE_COMPLETE")
        missing = {
            resource["Type"]
            for name, resource in self.template["Resources"].items()
            if name not in self.physical
        }
        self.assertEqual(missing, NOT_CREATED)

    def test_tables_have_the_keys_indexes_and_protection_of_the_template(self):
        dynamodb = self.client("dynamodb")
        for name, wanted in self.resources("AWS::DynamoDB::Table").items():
            table = dynamodb.describe_table(TableName=self.physical[name])["Table"]
            self.assertEqual(table["KeySchema"], wanted["KeySchema"], name)
            self.assertEqual(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST", name)
            self.assertTrue(table["DeletionProtectionEnabled"], name)
            indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}
            self.assertEqual(len(indexes), len(wanted.get("GlobalSecondaryIndexes", [])), name)
            for index in wanted.get("GlobalSecondaryIndexes", []):
                self.assertEqual(indexes[index["IndexName"]]["KeySchema"], index["KeySchema"], name)
                self.assertEqual(indexes[index["IndexName"]]["Projection"]["ProjectionType"], "KEYS_ONLY", name)
            resource = self.template["Resources"][name]
            self.assertEqual((resource["DeletionPolicy"], resource["UpdateReplacePolicy"]), ("Retain", "Retain"))
            self.assertTrue(wanted["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], name)
        ttl = self.resources("AWS::DynamoDB::Table")["Tokens"]["TimeToLiveSpecification"]
        self.assertEqual(ttl, {"AttributeName": "purge_at", "Enabled": True})

    def test_functions_have_the_environment_of_the_template_with_real_names_of_tables(self):
        functions = self.client("lambda")
        tables = {"TOKENS_TABLE": self.physical["Tokens"], "USERS_TABLE": self.physical["Users"]}
        wanted = self.resources("AWS::Lambda::Function")
        self.assertEqual(len(wanted), 9)
        for name, properties in wanted.items():
            created = functions.get_function_configuration(FunctionName=self.physical[name])
            self.assertEqual(created["Runtime"], "provided.al2023", name)
            self.assertEqual(created["Handler"], "bootstrap", name)
            self.assertEqual(properties["Architectures"], [{"Ref": "Architecture"}], name)
            self.assertEqual(created["MemorySize"], int(GIVEN["MemorySize"]), name)
            self.assertEqual(created["Timeout"], 5 if name == "Authorizer" else 10, name)
            environment = created["Environment"]["Variables"]
            self.assertEqual(environment.keys(), properties["Environment"]["Variables"].keys(), name)
            for variable, table in tables.items():
                self.assertEqual(environment.get(variable, table), table, name)
            for variable, value in environment.items():
                # Such as RETENTION_DAYS of the parameter RetentionDays.
                parameter = "".join(word.capitalize() for word in variable.split("_"))
                self.assertEqual(str(value), GIVEN.get(parameter, str(value)), f"{name}: {variable}")
        authorizer = functions.get_function_configuration(FunctionName=self.physical["Authorizer"])
        self.assertEqual(authorizer["Environment"]["Variables"]["STACK_NAME"], "patgate")

    def test_each_rule_reaches_the_functions_that_enforce_it(self):
        readers = {}
        for name, properties in self.resources("AWS::Lambda::Function").items():
            for value in properties["Environment"]["Variables"].values():
                readers.setdefault(value.get("Ref"), set()).add(name)
        listing, revoking = {"ListTokens", "ListUsers"}, {"RevokeToken", "RevokeAllTokens", "UpdateUser"}
        self.assertEqual(readers["AdminRole"], listing | revoking | {"GetCaller"})
        self.assertEqual(readers["RetentionDays"], {"CreateToken", "RevokeToken", "RevokeLeakedTokens"})
        self.assertEqual(readers["TokenPrefix"], {"Authorizer", "CreateToken", "RevokeLeakedTokens"})
        self.assertEqual(readers["RolesClaim"], {"Authorizer", "UpdateUser"})
        for parameter in ("MaxLifetimeDays", "ExpiryRequired"):
            self.assertEqual(readers[parameter], {"CreateToken", "GetCaller"})
        for parameter in ("OidcIssuer", "OidcAudience", "SessionMaxAgeDays", "LastUsedResolutionSeconds"):
            self.assertEqual(readers[parameter], {"Authorizer"})
        # Whoever writes the client's address down: last uses, and audit events.
        auditing = revoking | {"CreateToken", "RevokeLeakedTokens"}
        for parameter in ("ClientIpHeader", "OriginSecret"):
            self.assertEqual(readers[parameter], auditing | {"Authorizer"})
        self.assertEqual(readers["TrustedRoots"], readers["AdminRole"] - {"GetCaller"} | auditing | {"Authorizer"})
        self.assertEqual(readers["FirstMonth"], {"ListTokens"})

    def test_each_function_has_a_role_of_its_own_that_only_lambda_assumes(self):
        iam = self.client("iam")
        roles = set()
        for properties in self.resources("AWS::Lambda::Function").values():
            role = self.physical[properties["Role"]["Fn::GetAtt"][0]]
            roles.add(role)
            trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
            principals = [statement["Principal"] for statement in trust["Statement"]]
            self.assertEqual(principals, [{"Service": ["lambda.amazonaws.com"]}])
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
                # moto gives back Python's text of it.
                document = ast.literal_eval(document) if isinstance(document, str) else document
                for statement in document["Statement"]:
                    for arn in as_list(statement["Resource"]):
                        tables = [self.physical["Tokens"], self.physical["Users"]]
                        self.assertTrue(any(f":table/{table}" in arn for table in tables), arn)
        self.assertEqual(len(roles), 9)

    def test_logs_are_kept_as_long_as_the_parameter_says(self):
        groups = self.client("logs").describe_log_groups()["logGroups"]
        retention = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
        for name in self.resources("AWS::Logs::LogGroup"):
            self.assertEqual(retention[self.physical[name]], int(GIVEN["LogRetentionDays"]), name)

    def test_access_log_is_json_and_holds_no_secret(self):
        (stage,) = self.resources("AWS::ApiGatewayV2::Stage").values()
        form = json.loads(stage["AccessLogSettings"]["Format"])
        allowed = {"requestId", "requestTime", "identity.sourceIp", "routeKey", "status", "responseLatency"}
        allowed |= {f"authorizer.{field}" for field in ("userId", "tokenId", "error")}
        allowed |= {"integrationLatency", "integrationErrorMessage", "error.message"}
        self.assertEqual({value.removeprefix("$context.") for value in form.values()}, allowed)

    def test_dashboard_is_json_without_open_variables(self):
        dashboards = self.client("cloudwatch")
        body = dashboards.get_dashboard(DashboardName=self.physical["Dashboard"])["DashboardBody"]
        self.assertEqual(len(json.loads(body)["widgets"]), 6)

    def first_administrator(self, stack, user_id):
        keys = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_DEFAULT_REGION": "us-east-1"}
        tools = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | keys | {"AWS_ENDPOINT_URL": self.endpoint, "PATH": tools}
        return subprocess.run(
            [ROOT / "infra" / "first-administrator"],
            env=environment | {"STACK": stack, "USER_ID": user_id},
            capture_output=True,
            text=True,
        )

    def test_first_administrator_has_the_role_of_the_stack_in_the_table_of_the_stack(self):
        table = self.create("by-table", GIVEN | {"RolesClaim": ""})["Users"]
        dynamodb = self.client("dynamodb")
        key = {"user_id": {"S": "ada"}}
        dynamodb.put_item(TableName=table, Item=key | {"roles": {"L": [{"S": "viewer"}]}})
        done = self.first_administrator("by-table", "ada")
        self.assertEqual(done.returncode, 0, done.stderr)
        roles = dynamodb.get_item(TableName=table, Key=key)["Item"]["roles"]
        self.assertEqual(roles, {"L": [{"S": "viewer"}, {"S": GIVEN["AdminRole"]}]})

    def test_first_administrator_is_refused_where_a_claim_rules_the_roles(self):
        dynamodb = self.client("dynamodb")
        key = {"user_id": {"S": "ada"}}
        dynamodb.put_item(TableName=self.physical["Users"], Item=key)
        refused = self.first_administrator("patgate", "ada")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("the claim `groups` rules the roles", refused.stderr)
        self.assertIn("the role `token-keeper` at your identity provider", refused.stderr)
        self.assertEqual(dynamodb.get_item(TableName=self.physical["Users"], Key=key)["Item"], key)


if __name__ == "__main__":
    unittest.main()
