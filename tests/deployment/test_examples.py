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

from templates import ROOT, translate, translated, yaml_parse

EXAMPLES = ROOT / "infra" / "examples"
# How the authorizer's own settings say that nothing is cached, before and after translation.
TTL = re.compile(r"ReauthorizeEvery|ResultTtlInSeconds|resultsCacheTtl|result_ttl_in_seconds", re.IGNORECASE)


def of_type(template, resource_type):
    return [item["Properties"] for item in template["Resources"].values() if item["Type"] == resource_type]


def sam_authorizer(template):
    """What SAM made of the one authorizer of a template's one API."""
    (api,) = of_type(template, "AWS::ApiGatewayV2::Api") + of_type(template, "AWS::ApiGateway::RestApi")
    return api["Body"]["components"]["securitySchemes"]["Patgate"]["x-amazon-apigateway-authorizer"]


def cdk_authorizer(template):
    (authorizer,) = of_type(template, "AWS::ApiGatewayV2::Authorizer")
    return authorizer


def synthesised():
    """The example in the CDK as plain CloudFormation; nothing where npm has not installed it."""
    folder = EXAMPLES / "cdk"
    if not (folder / "node_modules").exists() and "CI" not in os.environ:
        raise unittest.SkipTest("npm has not installed the CDK")
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["node", "app.js"], cwd=folder, env=os.environ | {"CDK_OUTDIR": out}, check=True)
        return json.loads((pathlib.Path(out) / "hello-api.template.json").read_text())


def terraform_authorizer(text):
    (authorizer,) = [
        body
        for block in hcl2.loads(text)["resource"]
        for kind, named in block.items()
        for body in named.values()
        if kind.strip('"') == "aws_apigatewayv2_authorizer"
    ]
    return authorizer


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
            # A route for OPTIONS would be asked for a credential, which no preflight has.
            self.assertFalse(route["RouteKey"].startswith(("OPTIONS", "ANY")), route["RouteKey"])
        (api,) = of_type(template, "AWS::ApiGatewayV2::Api")
        cors = {"AllowOrigins": [{"Ref": "PageOrigin"}], "AllowMethods": ["GET"], "AllowHeaders": ["authorization"]}
        self.assertEqual(api["CorsConfiguration"], cors)

    def test_sam(self):
        template = translate(EXAMPLES / "package-api.yaml")
        (api,) = of_type(template, "AWS::ApiGatewayV2::Api")
        authorizer = sam_authorizer(template)
        self.assertEqual(authorizer["authorizerPayloadFormatVersion"], "2.0")
        self.assertIs(authorizer["enableSimpleResponses"], True)
        self.assertEqual(authorizer["identitySource"], ["$request.header.Authorization"])
        self.assertEqual(authorizer["authorizerResultTtlInSeconds"], 0)
        for methods in api["Body"]["paths"].values():
            for operation in methods.values():
                self.assertEqual(operation["security"], [{"Patgate": []}])

    def test_cdk(self):
        template = synthesised()
        self.check(cdk_authorizer(template))
        (route,) = of_type(template, "AWS::ApiGatewayV2::Route")
        self.assertEqual(route["AuthorizationType"], "CUSTOM")

    def test_terraform(self):
        authorizer = terraform_authorizer((EXAMPLES / "terraform" / "main.tf").read_text())
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
        authorizer = sam_authorizer(self.template)
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
    @classmethod
    def setUpClass(cls):
        document = (ROOT / "docs" / "attach.md").read_text()
        cls.passages = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)

    def authorizer_passage(self, name):
        """The passage that defines the authorizer: what somebody copies, and nothing else of the example."""
        (passage,) = [text for example, text in self.passages if example == name and TTL.search(text)]
        return passage

    def test_every_passage_is_what_an_example_holds(self):
        self.assertGreater(len(self.passages), 8)
        for name, passage in self.passages:
            self.assertIn(passage, (EXAMPLES / name).resolve().read_text(), name)

    def test_no_cache_with_what_is_printed_for_sam(self):
        for name in ("package-api.yaml", "rest-api.yaml"):
            template = yaml_parse((EXAMPLES / name).read_text())
            # Nothing of the example's own may help.
            template["Resources"]["Api"]["Properties"]["Auth"] = yaml_parse(self.authorizer_passage(name))["Auth"]
            authorizer = sam_authorizer(translated(template))
            self.assertEqual(authorizer["authorizerResultTtlInSeconds"], 0, name)
            self.assertIn("header.Authorization", str(authorizer["identitySource"]), name)

    def test_no_cache_with_what_is_printed_for_cloudformation_and_terraform(self):
        plain = yaml_parse(self.authorizer_passage("http-api.yaml"))["Authorizer"]["Properties"]
        self.assertEqual(plain["AuthorizerResultTtlInSeconds"], 0)
        terraform = terraform_authorizer(self.authorizer_passage("terraform/main.tf"))
        self.assertEqual(terraform["authorizer_result_ttl_in_seconds"], 0)

    def test_no_cache_with_what_is_printed_for_the_cdk(self):
        passage = self.authorizer_passage("cdk/app.js")
        rest = (EXAMPLES / "cdk" / "app.js").read_text().replace(passage, "")
        self.assertNotIn("new HttpLambdaAuthorizer", rest, "the passage alone makes the authorizer")
        self.assertEqual(cdk_authorizer(synthesised())["AuthorizerResultTtlInSeconds"], 0)


if __name__ == "__main__":
    unittest.main()
