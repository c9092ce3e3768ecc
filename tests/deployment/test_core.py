"""What the core's template says about what no test creates: the alias, routes, throttling and parameters."""

import json
import re

import pytest
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

from documents import names_in
from templates import CORE, EXAMPLES, PAGE, PARAMETERS, ROOT, load, of_type, the_only, translate


@pytest.fixture(scope="module")
def resource(core):
    return lambda name: core["Resources"][name]["Properties"]


def test_api_gateway_can_invoke_the_exported_alias(core, resource):
    alias = {"Ref": "AuthorizerAliaslive"}
    assert resource("AuthorizerAliaslive")["Name"] == "live"
    assert resource("AuthorizerAliaslive")["FunctionName"] == {"Ref": "Authorizer"}
    exported = core["Outputs"]["AuthorizerArn"]
    assert exported["Value"] == alias
    assert exported["Export"] == {"Name": {"Fn::Sub": "${AWS::StackName}-AuthorizerArn"}}

    permission = resource("AuthorizerPermission")
    assert (permission["FunctionName"], permission["Action"]) == (alias, "lambda:InvokeFunction")
    assert permission["Principal"] == "apigateway.amazonaws.com"
    # Only authorizers, but those of any API of this account and region.
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/authorizers/*"
    assert permission["SourceArn"] == {"Fn::Sub": arn}


def test_a_trusted_account_gets_the_permission_of_the_own_account_and_no_more(core, resource):
    own = resource("AuthorizerPermission")
    trusted = [
        name
        for name, permission in of_type(core, "AWS::Lambda::Permission").items()
        if permission["FunctionName"] == {"Ref": "AuthorizerAliaslive"}
        and name not in ("AuthorizerPermission", "AuthorizerPermissionForAppSync")
    ]
    assert len(trusted) == 5
    for name in trusted:
        permission = dict(resource(name))
        arn, values = permission.pop("SourceArn")["Fn::Sub"]
        assert permission == {key: value for key, value in own.items() if key != "SourceArn"}
        assert arn == own["SourceArn"]["Fn::Sub"].replace("${AWS::AccountId}", "${Account}")
        # The permission exists if, and only if, it names an account.
        condition = core["Conditions"][core["Resources"][name]["Condition"]]
        assert condition == {"Fn::Not": [{"Fn::Equals": [values["Account"], ""]}]}


def test_appsync_apis_of_the_account_can_invoke_the_exported_alias(core, resource):
    permission = resource("AuthorizerPermissionForAppSync")
    assert permission["FunctionName"] == core["Outputs"]["AuthorizerArn"]["Value"]
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["Principal"] == "appsync.amazonaws.com"
    arn = "arn:${AWS::Partition}:appsync:${AWS::Region}:${AWS::AccountId}:apis/*"
    assert permission["SourceArn"] == {"Fn::Sub": arn}


@pytest.mark.parametrize("example", ["appsync-api", "http-api", "package-api", "rest-api", "websocket-api"])
def test_examples_import_what_the_core_exports(example):
    imported = {"Fn::ImportValue": {"Fn::Sub": "${PatgateStack}-AuthorizerArn"}}
    template = load(EXAMPLES / example / "template.yaml")
    assert json.dumps(imported) in json.dumps(template["Resources"])


def test_cores_own_api_uses_the_alias_as_well(resource):
    scheme = resource("Api")["Body"]["components"]["securitySchemes"]["Patgate"]
    assert "${Authorizer.Arn}:live" in json.dumps(scheme["x-amazon-apigateway-authorizer"]["authorizerUri"])
    assert resource("AuthorizerAliaslive")["Name"] == "live"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sam_local_finds_the_authorizer_of_every_route_and_the_handler_of_every_function():
    # It runs a route without an authorizer if it does not understand the reference, and only logs that.
    stacks, _ = SamLocalStackProvider.get_stacks(str(CORE), parameter_overrides=PARAMETERS | {"ReleaseOf": "x"})

    routes = ApiProvider(stacks).api.routes
    public = [route.path for route in routes if not route.authorizer_object]
    assert len(routes) > 8
    assert sorted(public) == ["/api/tokens/check", "/api/tokens/revoke"]
    assert {function.handler for function in SamFunctionProvider(stacks).get_all()} == {"bootstrap"}


def test_openapi_document_describes_every_route_and_whether_it_needs_a_credential(resource):
    deployed = {
        (method, path): None if "NONE" in operation["security"][0] else "authorizer"
        for path, methods in resource("Api")["Body"]["paths"].items()
        for method, operation in methods.items()
    }
    # One route of the API serves both.
    for method in ("get", "delete"):
        deployed[method, "/api/tokens/current"] = deployed[method, "/api/tokens/{id}"]
    document = load(ROOT / "docs" / "openapi.yaml")
    described = {
        (method, path): "authorizer" if operation.get("security", document["security"]) else None
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    }
    assert described == deployed
    public = sorted(route for route, guard in deployed.items() if guard is None)
    assert public == [("post", "/api/tokens/check"), ("post", "/api/tokens/revoke")]


@pytest.fixture(scope="module")
def stage(core):
    return the_only(core, "AWS::ApiGatewayV2::Stage")


def test_every_route_is_throttled_and_expensive_routes_more_than_others(resource, stage):
    paths = resource("Api")["Body"]["paths"].items()
    routes = {f"{method.upper()} {path}" for path, methods in paths for method in methods}
    # API Gateway refuses settings of a route that does not exist.
    assert stage["RouteSettings"].keys() == routes

    default = stage["DefaultRouteSettings"]
    assert default == {"ThrottlingRateLimit": 1000, "ThrottlingBurstLimit": 2000}
    for route, limits in stage["RouteSettings"].items():
        assert limits.keys() == default.keys(), route
        for name, limit in limits.items():
            # A parameter would be a string.
            assert isinstance(limit, int), f"{route}: {name}"
            assert 0 < limit <= default[name], f"{route}: {name}"
    for route in ("GET /api/tokens", "GET /api/users", "POST /api/tokens", "POST /api/tokens/revoke"):
        limits = stage["RouteSettings"][route]
        assert limits["ThrottlingRateLimit"] <= default["ThrottlingRateLimit"] / 20, route
        assert limits["ThrottlingBurstLimit"] <= default["ThrottlingBurstLimit"] / 8, route


def test_flood_of_all_routes_reads_less_than_a_new_table_serves(stage, tables):
    (rows,) = [rows for head, *rows in tables("docs/scaling.md") if head[0].content == "route"]
    *routes, (_, _, *stated) = rows
    limits = {names_in(route)[0]: int(limit.content.replace(",", "")) for route, limit, *_ in routes}
    assert limits == {route: limits["ThrottlingRateLimit"] for route, limits in stage["RouteSettings"].items()}

    for table, total in zip((2, 3), stated, strict=True):
        units = sum(int(row[1].content.replace(",", "")) * int(row[table].content) for row in routes)
        assert f"**{units:,}**" == total.content
        assert units < 12_000


def test_outputs_name_the_log_groups_of_all_functions(core):
    listed = {name: core["Outputs"][name]["Value"] for name in ("AuthorizerLogGroup", "EndpointLogGroups")}
    groups = [*re.findall(r"\w+", listed["EndpointLogGroups"]["Fn::Sub"]), listed["AuthorizerLogGroup"]["Ref"]]
    functions = of_type(core, "AWS::Lambda::Function").values()
    assert sorted(groups) == sorted(function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions)


def test_access_log_lies_where_it_lengthens_no_resource_policy(core, resource):
    name, values = resource("AccessLogs")["LogGroupName"]["Fn::Sub"]
    assert name.startswith("/aws/vendedlogs/${AWS::StackName}-")
    # The part of the stack's ARN that is new for a stack of the same name.
    assert values == {"Id": {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}}
    assert "${Id}" in name


def test_lambda_writes_no_line_for_a_request_that_succeeds_and_passes_the_lines_of_functions(core):
    for name, function in of_type(core, "AWS::Lambda::Function").items():
        logging = function["LoggingConfig"]
        assert logging.keys() == {"LogGroup", "LogFormat", "SystemLogLevel"}, name
        # A metric line has no level, and counts as INFO: an ApplicationLogLevel above it would drop metrics.
        assert (logging["LogFormat"], logging["SystemLogLevel"]) == ("JSON", "WARN"), name


def test_no_page_of_another_origin_can_call_the_api_unless_the_operator_names_it(core, resource):
    assert core["Parameters"]["CorsOrigins"]["Default"] == ""
    cors = resource("Api")["Body"]["x-amazon-apigateway-cors"]
    condition, given, none = cors["Fn::If"]
    assert (condition, none) == ("HasCorsOrigins", {"Ref": "AWS::NoValue"})
    assert given.keys() == {"allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "maxAge"}


def test_each_origin_of_the_parameter_is_an_origin_of_its_own():
    # SAM fills in the parameter before CloudFormation sees it.
    template = translate(load(CORE), CorsOrigins="https://a.example,https://b.example")
    _, given, _ = template["Resources"]["Api"]["Properties"]["Body"]["x-amazon-apigateway-cors"]["Fn::If"]
    assert given["allowOrigins"] == {"Fn::Split": [",", "https://a.example,https://b.example"]}


def test_access_log_is_json_and_holds_no_secret(core):
    log_format = json.loads(the_only(core, "AWS::ApiGatewayV2::Stage")["AccessLogSettings"]["Format"])
    allowed = {"requestId", "requestTime", "identity.sourceIp", "routeKey", "status", "responseLatency"}
    allowed |= {f"authorizer.{field}" for field in ("userId", "tokenId", "error")}
    allowed |= {"integrationLatency", "integrationErrorMessage", "error.message"}
    assert {value.removeprefix("$context.") for value in log_format.values()} == allowed


def test_origin_secret_reaches_only_functions_that_record_addresses(core):
    # A variable in Globals would reach every function.
    holders = {
        name
        for name, function in of_type(core, "AWS::Lambda::Function").items()
        if {"Ref": "OriginSecret"} in function["Environment"]["Variables"].values()
    }
    assert holders.isdisjoint({"ListTokens", "ListUsers", "GetCaller"})


@pytest.fixture(scope="module")
def check_pattern(core):
    """Checks which values a parameter's pattern allows and refuses."""

    def check(name, refused, *allowed):
        pattern = re.compile(core["Parameters"][name]["AllowedPattern"])
        for value in allowed:
            assert pattern.search(value), f"{name} refuses `{value}`"
        for value in refused:
            assert not pattern.search(value), f"{name} allows `{value}`"

    return check


def test_client_ip_header_cannot_be_a_list_of_addresses(check_pattern):
    lists = ["X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-FOR"]
    check_pattern("ClientIpHeader", [*lists, "X Client", "X-Client:"], "", "X-Client-Ip", "X-Forwarded-For-One")


def test_parameters_refuse_common_typing_errors(check_pattern):
    claims = ["", "cognito:groups", "realm_access.roles", "https://example.com/roles"]
    check_pattern("RolesClaim", [" ", "groups ", "\tgroups"], *claims)
    check_pattern("OidcAudience", ["", " ", "api "], "api", "https://api.example.com", "7k3j5h2g")
    issuers = ["http://issuer.example", "http://127.0.0.1:1@evil.example", "https://issuer.example@evil.example"]
    check_pattern("OidcIssuer", issuers, "https://issuer.example/realms/a", "http://127.0.0.1:3001")
    check_pattern("AllowedClients", [" ", "a, b", ",a", "a,"], "", "page", "page,cli")
    check_pattern("RequiredScope", ["a b", " "], "", "api://patgate/.default")
    secrets = ["short", "with a blank in its midst", "ä" * 20]
    check_pattern("OriginSecret", secrets, "", "only-the-proxy-knows")
    accounts = ["123", "*", "123456789012 ", "123456789012,", ",".join(["123456789012"] * 6)]
    check_pattern("TrustedAccounts", accounts, "", "123456789012", ",".join(["123456789012"] * 5))
    origins = ["", "http://localhost:5173", "https://app.example.com", "*"]
    refused = ["app.example.com", "https://app.example.com/", "https://a.example/path", "https://a.example, https://b"]
    check_pattern("CorsOrigins", refused, *origins, "https://a.example,https://b.example:8443")


def test_page_and_core_accept_the_same_secrets_except_an_empty_one(core):
    page = load(PAGE)["Parameters"]["OriginSecret"]
    assert core["Parameters"]["OriginSecret"]["AllowedPattern"] == f"^({page['AllowedPattern'].strip('^$')})?$"


def test_defaults_match_their_patterns(core):
    for name, parameter in core["Parameters"].items():
        if "Default" in parameter and "AllowedPattern" in parameter:
            assert re.search(parameter["AllowedPattern"], parameter["Default"]), name
