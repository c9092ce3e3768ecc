"""The examples of infra/examples: what attaches the authorizer is right in each, and what
docs/attach.md prints is what they hold."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import hcl2

from templates import ROOT, translate

EXAMPLES = ROOT / "infra" / "examples"
IMPORT = {"Fn::ImportValue": {"Fn::Sub": "${PatgateStack}-AuthorizerArn"}}


def of_type(template, resource_type):
    return [item["Properties"] for item in template["Resources"].values() if item["Type"] == resource_type]


class HttpApis(unittest.TestCase):
    def check(self, authorizer):
        self.assertEqual(authorizer["AuthorizerPayloadFormatVersion"], "2.0")
        self.assertIs(authorizer["EnableSimpleResponses"], True)
        self.assertEqual(authorizer["IdentitySource"], ["$request.header.Authorization"])
        self.assertEqual(authorizer["AuthorizerResultTtlInSeconds"], 0)
        self.assertIn("AuthorizerArn", json.dumps(authorizer["AuthorizerUri"]))

    def test_plain_cloudformation(self):
        template = translate(EXAMPLES / "http-api.yaml")
        (authorizer,) = of_type(template, "AWS::ApiGatewayV2::Authorizer")
        self.check(authorizer)
        for route in of_type(template, "AWS::ApiGatewayV2::Route"):
            self.assertEqual((route["AuthorizationType"], route["AuthorizerId"]), ("CUSTOM", {"Ref": "Authorizer"}))

    def test_sam(self):
        template = translate(EXAMPLES / "package-api.yaml")
        (api,) = of_type(template, "AWS::ApiGatewayV2::Api")
        scheme = api["Body"]["components"]["securitySchemes"]["Patgate"]
        authorizer = scheme["x-amazon-apigateway-authorizer"]
        self.assertEqual(authorizer["authorizerPayloadFormatVersion"], "2.0")
        self.assertIs(authorizer["enableSimpleResponses"], True)
        self.assertEqual(authorizer["identitySource"], ["$request.header.Authorization"])
        self.assertEqual(authorizer["authorizerResultTtlInSeconds"], 0)
        for methods in api["Body"]["paths"].values():
            for operation in methods.values():
                self.assertEqual(operation["security"], [{"Patgate": []}])

    def test_cdk(self):
        folder = EXAMPLES / "cdk"
        if not (folder / "node_modules").exists() and "CI" not in os.environ:
            self.skipTest("npm has not installed the CDK")
        with tempfile.TemporaryDirectory() as out:
            subprocess.run(["node", "app.js"], cwd=folder, env=os.environ | {"CDK_OUTDIR": out}, check=True)
            template = json.loads((pathlib.Path(out) / "hello-api.template.json").read_text())
        (authorizer,) = of_type(template, "AWS::ApiGatewayV2::Authorizer")
        self.check(authorizer)
        (route,) = of_type(template, "AWS::ApiGatewayV2::Route")
        self.assertEqual(route["AuthorizationType"], "CUSTOM")

    def test_terraform(self):
        with (EXAMPLES / "terraform" / "main.tf").open() as file:
            blocks = [block for block in hcl2.load(file)["resource"]]
        text = json.dumps(blocks)
        self.assertIn("aws_apigatewayv2_authorizer", text)
        (authorizer,) = [
            body
            for block in blocks
            for kind, named in block.items()
            for body in named.values()
            if kind.strip('"') == "aws_apigatewayv2_authorizer"
        ]
        self.assertEqual(authorizer["authorizer_result_ttl_in_seconds"], 0)
        self.assertIs(authorizer["enable_simple_responses"], True)
        if shutil.which("terraform"):
            subprocess.run(["terraform", "fmt", "-check", EXAMPLES / "terraform"], check=True, capture_output=True)


class RestApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = translate(EXAMPLES / "rest-api.yaml")
        (api,) = of_type(cls.template, "AWS::ApiGateway::RestApi")
        cls.body = api["Body"]

    def test_nothing_is_cached_and_the_header_identifies(self):
        authorizer = self.body["components"]["securitySchemes"]["Patgate"]["x-amazon-apigateway-authorizer"]
        self.assertEqual(authorizer["type"], "request")
        self.assertEqual(authorizer["authorizerResultTtlInSeconds"], 0)
        self.assertEqual(authorizer["identitySource"], "method.request.header.Authorization")

    def test_every_method_has_the_authorizer_but_preflights(self):
        for path, methods in self.body["paths"].items():
            for method, operation in methods.items():
                wanted = None if method == "options" else [{"Patgate": []}]
                self.assertEqual(operation.get("security"), wanted, f"{method} {path}")
            self.assertIn("options", methods)

    def test_refusal_is_as_rfc_6750_says_and_readable_for_pages(self):
        responses = self.body["x-amazon-apigateway-gateway-responses"]
        headers = responses["UNAUTHORIZED"]["responseParameters"]
        self.assertEqual(headers["gatewayresponse.header.WWW-Authenticate"], "'Bearer error=\"invalid_token\"'")
        for name in ("UNAUTHORIZED", "DEFAULT_4XX", "DEFAULT_5XX"):
            self.assertIn("gatewayresponse.header.Access-Control-Allow-Origin", responses[name]["responseParameters"])

    def test_permission_is_left_to_the_core(self):
        functions = [permission["FunctionName"] for permission in of_type(self.template, "AWS::Lambda::Permission")]
        self.assertEqual(functions, [{"Ref": "Hello"}])


class Document(unittest.TestCase):
    def test_every_passage_is_what_an_example_holds(self):
        document = (ROOT / "docs" / "attach.md").read_text()
        passages = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
        self.assertGreater(len(passages), 8)
        for name, passage in passages:
            self.assertIn(passage, (EXAMPLES / name).resolve().read_text(), name)


if __name__ == "__main__":
    unittest.main()
