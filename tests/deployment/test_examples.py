"""The examples: each attaches the authorizer correctly, and docs/attach.md shows passages of them."""

import json
import os
import re
import shutil
import subprocess

import hcl2
import pytest

from templates import EXAMPLES, load, of_type, the_only, translate, yaml_parse

# How each kind of template spells the lifetime of the authorizer's cache.
TTL = re.compile(r"ReauthorizeEvery|ResultTtlInSeconds|resultsCacheTtl|result_ttl_in_seconds", re.IGNORECASE)


def example(name):
    return translate(load(EXAMPLES / name / "template.yaml"))


def sam_authorizer(template):
    """What SAM makes of the only authorizer of a template's only API."""
    api = the_only(template, "AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi")
    body = api["Body"]
    schemes = body["securityDefinitions"] if "swagger" in body else body["components"]["securitySchemes"]
    return schemes["Patgate"]["x-amazon-apigateway-authorizer"]


def terraform_authorizer(text):
    (authorizer,) = [
        body
        for block in hcl2.loads(text)["resource"]
        for kind, named in block.items()
        for body in named.values()
        if kind.strip('"') == "aws_apigatewayv2_authorizer"
    ]
    return authorizer


def check_http_authorizer(authorizer):
    assert authorizer["AuthorizerPayloadFormatVersion"] == "2.0"
    assert authorizer["EnableSimpleResponses"] is True
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    assert "AuthorizerArn" in json.dumps(authorizer["AuthorizerUri"])


def test_cloudformation_example_attaches_the_authorizer_without_a_cache():
    template = example("http-api")
    check_http_authorizer(the_only(template, "AWS::ApiGatewayV2::Authorizer"))
    for route in of_type(template, "AWS::ApiGatewayV2::Route").values():
        assert (route["AuthorizationType"], route["AuthorizerId"]) == ("CUSTOM", {"Ref": "Authorizer"})
        # A route for OPTIONS would require a credential, which no preflight request carries.
        assert not route["RouteKey"].startswith(("OPTIONS", "ANY")), route["RouteKey"]
    cors = {
        "AllowOrigins": [{"Ref": "PageOrigin"}],
        "AllowMethods": ["GET"],
        "AllowHeaders": ["authorization"],
    }
    assert the_only(template, "AWS::ApiGatewayV2::Api")["CorsConfiguration"] == cors


def test_sam_example_attaches_the_authorizer_without_a_cache():
    template = example("package-api")
    authorizer = sam_authorizer(template)
    assert authorizer["authorizerPayloadFormatVersion"] == "2.0"
    assert authorizer["enableSimpleResponses"] is True
    assert authorizer["identitySource"] == ["$request.header.Authorization"]
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    for methods in the_only(template, "AWS::ApiGatewayV2::Api")["Body"]["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"Patgate": []}]


def test_example_in_another_account_attaches_the_given_authorizer_without_a_cache():
    template = example("other-account")
    authorizer = sam_authorizer(template)
    assert '{"Ref": "AuthorizerArn"}' in json.dumps(authorizer["authorizerUri"])
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert authorizer["enableSimpleResponses"] is True
    assert authorizer["identitySource"] == ["$request.header.Authorization"]
    # The stack cannot import from another account, nor permit anything there.
    assert "Fn::ImportValue" not in json.dumps(template)
    functions = [permission["FunctionName"] for permission in of_type(template, "AWS::Lambda::Permission").values()]
    assert functions == [{"Ref": "Hello"}]
    for methods in the_only(template, "AWS::ApiGatewayV2::Api")["Body"]["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"Patgate": []}]


def test_cdk_example_attaches_the_authorizer_without_a_cache(cdk_template):
    check_http_authorizer(the_only(cdk_template, "AWS::ApiGatewayV2::Authorizer"))
    assert the_only(cdk_template, "AWS::ApiGatewayV2::Route")["AuthorizationType"] == "CUSTOM"


def test_cdk_caches_for_300_seconds_if_the_setting_is_left_out(cdk_template, tmp_path):
    # The document warns of this. If the CDK's default changes, so must the warning.
    app = (EXAMPLES / "cdk" / "app.js").read_text()
    setting = "      resultsCacheTtl: Duration.seconds(0),\n"
    assert setting in app
    (tmp_path / "app.js").write_text(app.replace(setting, ""))
    shutil.copytree(EXAMPLES / "cdk" / "backend", tmp_path / "backend")
    modules = {"NODE_PATH": str(EXAMPLES / "cdk/node_modules"), "CDK_OUTDIR": str(tmp_path / "out")}
    subprocess.run(["node", "app.js"], cwd=tmp_path, env=os.environ | modules, check=True)
    template = json.loads((tmp_path / "out" / "hello-api.template.json").read_text())
    assert the_only(template, "AWS::ApiGatewayV2::Authorizer")["AuthorizerResultTtlInSeconds"] == 300


def test_terraform_example_attaches_the_authorizer_without_a_cache():
    authorizer = terraform_authorizer((EXAMPLES / "terraform" / "main.tf").read_text())
    assert authorizer["authorizer_result_ttl_in_seconds"] == 0
    assert authorizer["enable_simple_responses"] is True
    if shutil.which("terraform"):
        subprocess.run(["terraform", "fmt", "-check", EXAMPLES / "terraform"], check=True, capture_output=True)


@pytest.fixture(scope="module")
def rest_api():
    return example("rest-api")


@pytest.fixture(scope="module")
def rest_api_body(rest_api):
    return the_only(rest_api, "AWS::ApiGateway::RestApi")["Body"]


def test_rest_api_caches_nothing_and_identifies_by_the_header(rest_api):
    authorizer = sam_authorizer(rest_api)
    assert authorizer["type"] == "request"
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert authorizer["identitySource"] == "method.request.header.Authorization"


def test_every_method_of_the_rest_api_has_the_authorizer_except_preflights(rest_api_body):
    for path, methods in rest_api_body["paths"].items():
        for method, operation in methods.items():
            expected = None if method == "options" else [{"Patgate": []}]
            assert operation.get("security") == expected, f"{method} {path}"
        assert "options" in methods


def test_denial_by_the_rest_api_follows_rfc_6750_and_is_readable_by_pages(rest_api_body):
    responses = rest_api_body["x-amazon-apigateway-gateway-responses"]
    for name in ("UNAUTHORIZED", "ACCESS_DENIED"):
        headers = responses[name]["responseParameters"]
        assert headers["gatewayresponse.header.WWW-Authenticate"] == "'Bearer error=\"invalid_token\"'"
    for name in ("UNAUTHORIZED", "ACCESS_DENIED", "DEFAULT_4XX", "DEFAULT_5XX"):
        assert "gatewayresponse.header.Access-Control-Allow-Origin" in responses[name]["responseParameters"]


def test_denial_by_the_rest_api_is_401_with_the_same_body_for_each_refusal_status(rest_api_body):
    responses = rest_api_body["x-amazon-apigateway-gateway-responses"]
    bodies = []
    for name in ("UNAUTHORIZED", "ACCESS_DENIED"):
        assert int(responses[name]["statusCode"]) == 401, name
        template = responses[name]["responseTemplates"]["application/json"]
        # A test of the authorizer asserts that this is the reason in the context of a denial.
        bodies.append(json.loads(template.replace("$context.authorizer.reason", "unauthorized")))
    assert bodies == [{"message": "Unauthorized", "reason": "unauthorized"}] * 2


def test_rest_api_leaves_the_permission_for_the_authorizer_to_the_core(rest_api):
    functions = [permission["FunctionName"] for permission in of_type(rest_api, "AWS::Lambda::Permission").values()]
    assert functions == [{"Ref": "Hello"}]


def test_websocket_example_attaches_the_authorizer_to_connections():
    template = example("websocket-api")
    authorizer = the_only(template, "AWS::ApiGatewayV2::Authorizer")
    assert authorizer["AuthorizerType"] == "REQUEST"
    assert authorizer["IdentitySource"] == ["route.request.header.Authorization"]
    assert "AuthorizerArn" in json.dumps(authorizer["AuthorizerUri"])
    # AWS accepts these for HTTP APIs only.
    for setting in ("AuthorizerPayloadFormatVersion", "EnableSimpleResponses", "AuthorizerResultTtlInSeconds"):
        assert setting not in authorizer

    routes = {route["RouteKey"]: route for route in of_type(template, "AWS::ApiGatewayV2::Route").values()}
    connect = routes.pop("$connect")
    assert (connect["AuthorizationType"], connect["AuthorizerId"]) == ("CUSTOM", {"Ref": "Authorizer"})
    # AWS accepts an authorizer for no other route.
    assert all("AuthorizationType" not in route for route in routes.values())


def test_appsync_example_authorizes_every_request_by_the_authorizer_without_a_cache():
    api = the_only(example("appsync-api"), "AWS::AppSync::GraphQLApi")
    assert api["AuthenticationType"] == "AWS_LAMBDA"
    assert "AdditionalAuthenticationProviders" not in api
    authorizer = api["LambdaAuthorizerConfig"]
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    assert authorizer["AuthorizerUri"] == {"Fn::ImportValue": {"Fn::Sub": "${PatgateStack}-AuthorizerArn"}}


def test_resolver_of_the_appsync_example_is_beside_the_template():
    resolver = the_only(load(EXAMPLES / "appsync-api" / "template.yaml"), "AWS::AppSync::Resolver")
    assert (EXAMPLES / "appsync-api" / resolver["CodeS3Location"]).is_file()


@pytest.mark.parametrize("name", ["http-api", "other-account", "rest-api", "websocket-api"])
def test_template_finds_the_backend_beside_it(name):
    template = load(EXAMPLES / name / "template.yaml")
    function = the_only(template, "AWS::Lambda::Function", "AWS::Serverless::Function")
    module, handler = function["Handler"].split(".")
    suffix = "js" if function["Runtime"].startswith("nodejs") else "py"
    backend = EXAMPLES / name / function.get("CodeUri", function.get("Code")) / f"{module}.{suffix}"
    assert handler == "handler"
    assert backend.is_file()


@pytest.fixture(scope="module")
def passages(markdown):
    """The passages that docs/attach.md quotes from the examples: file and text."""
    fences = [token for token in markdown("docs/attach.md") if token.type == "fence" and " " in token.info]
    return [(fence.info.split()[1], fence.content) for fence in fences]


@pytest.fixture(scope="module")
def authorizer_passage(passages):
    """The one passage of a file that defines the authorizer."""

    def find(file):
        (passage,) = [text for quoted, text in passages if quoted == file and TTL.search(text)]
        return passage

    return find


def test_every_passage_of_the_document_is_in_its_example(passages):
    assert len(passages) > 8
    for name, passage in passages:
        assert passage in (EXAMPLES / name).read_text(), name


@pytest.mark.parametrize("name", ["package-api", "rest-api"])
def test_documented_passage_for_sam_caches_nothing(authorizer_passage, name):
    template = load(EXAMPLES / name / "template.yaml")
    # The passage must be enough by itself.
    passage = authorizer_passage(f"{name}/template.yaml")
    template["Resources"]["Api"]["Properties"]["Auth"] = yaml_parse(passage)["Auth"]
    authorizer = sam_authorizer(translate(template))
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert "header.Authorization" in str(authorizer["identitySource"])


def test_documented_passages_for_cloudformation_and_terraform_cache_nothing(authorizer_passage):
    plain = yaml_parse(authorizer_passage("http-api/template.yaml"))["Authorizer"]["Properties"]
    assert plain["AuthorizerResultTtlInSeconds"] == 0
    appsync = yaml_parse(authorizer_passage("appsync-api/template.yaml"))["LambdaAuthorizerConfig"]
    assert appsync["AuthorizerResultTtlInSeconds"] == 0
    terraform = terraform_authorizer(authorizer_passage("terraform/main.tf"))
    assert terraform["authorizer_result_ttl_in_seconds"] == 0


def test_documented_passage_for_the_cdk_caches_nothing(authorizer_passage, cdk_template):
    passage = authorizer_passage("cdk/app.js")
    rest = (EXAMPLES / "cdk" / "app.js").read_text().replace(passage, "")
    assert "new HttpLambdaAuthorizer" not in rest, "only the passage creates the authorizer"
    assert the_only(cdk_template, "AWS::ApiGatewayV2::Authorizer")["AuthorizerResultTtlInSeconds"] == 0


def test_preflight_of_the_rest_example_is_valid_openapi():
    # SAM 1.115 nests `schema` in `schema` in a description of version 3.
    template = translate(load(EXAMPLES / "rest-api" / "template.yaml"))
    body = the_only(template, "AWS::ApiGateway::RestApi")["Body"]
    headers = body["paths"]["/hello"]["options"]["responses"]["200"]["headers"]
    assert set(headers) == {
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Methods",
    }
    assert all(header == {"type": "string"} for header in headers.values())
    assert len(of_type(template, "AWS::ApiGateway::Stage")) == 1, "SAM added a stage of its own"
