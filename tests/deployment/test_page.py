"""The page's stack: what its functions do to requests, and that it sends the headers that `local`
sends, with which the browser tests run."""

import json
import subprocess

import pytest

from templates import PAGE, ROOT, load

TEMPLATE = load(PAGE)


def resource(name):
    return TEMPLATE["Resources"][name]["Properties"]


@pytest.fixture
def run_function(node):
    """Runs a CloudFront function on an event."""

    def run(name, event):
        script = f"{resource(name)['FunctionCode']}\nconsole.log(JSON.stringify(handler({json.dumps(event)})));"
        done = subprocess.run([node, "-e", script], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    return run


def test_distribution_has_the_web_acl_of_the_parameter_and_none_by_default():
    distribution = resource("Distribution")["DistributionConfig"]
    assert distribution["WebACLId"] == {"Fn::If": ["HasWebAcl", {"Ref": "WebAclArn"}, {"Ref": "AWS::NoValue"}]}
    assert TEMPLATE["Parameters"]["WebAclArn"]["Default"] == ""


PAGES = ["/", "/callback", "/configuration/access-tokens"]
OTHERS = ["/config.json", "/assets/index.js", "/icon.svg", "/nothing", "/configuration"]


@pytest.mark.parametrize("path", PAGES)
def test_each_address_of_the_page_returns_the_page(local, run_function, path):
    assert local.get(path).body == local.INDEX
    assert run_function("DeepLinks", {"request": {"uri": path}})["uri"] == "/index.html"


def test_description_of_the_api_has_a_page_beside_its_file(local, run_function):
    assert local.get("/api-docs").body == local.API_DOCS
    assert local.get("/openapi.yaml").body == (ROOT / "docs" / "openapi.yaml").read_text()
    assert run_function("DeepLinks", {"request": {"uri": "/api-docs"}})["uri"] == "/api-docs.html"


@pytest.mark.parametrize("path", OTHERS)
def test_no_other_address_returns_the_page(local, run_function, path):
    assert local.get(path).body != local.INDEX
    assert run_function("DeepLinks", {"request": {"uri": path}})["uri"] == path


def test_client_address_is_the_viewers_even_if_the_client_sends_another(run_function):
    headers = {"x-client-ip": {"value": "203.0.113.66"}, "authorization": {"value": "Bearer x"}}
    event = {"viewer": {"ip": "192.0.2.1"}, "request": {"uri": "/api/me", "headers": headers}}
    forwarded = run_function("ClientAddress", event)["headers"]
    assert forwarded["x-client-ip"] == {"value": "192.0.2.1"}
    assert forwarded["authorization"] == {"value": "Bearer x"}


def test_headers_are_those_that_local_sends(local):
    policy = resource("Headers")["ResponseHeadersPolicyConfig"]
    security = dict(policy["SecurityHeadersConfig"])
    # `local` serves no TLS, and so cannot require it.
    assert security.pop("StrictTransportSecurity")["AccessControlMaxAgeSec"] >= 31536000
    custom = policy["CustomHeadersConfig"]["Items"]
    assert all(header["Override"] for header in [*security.values(), *custom])
    deployed = {header["Header"].lower(): header["Value"] for header in custom} | {
        "content-security-policy": security.pop("ContentSecurityPolicy")["ContentSecurityPolicy"]["Fn::Sub"][0],
        "x-frame-options": security.pop("FrameOptions")["FrameOption"],
        "referrer-policy": security.pop("ReferrerPolicy")["ReferrerPolicy"],
    }
    assert security == {"ContentTypeOptions": {"Override": True}}, "the template sets no other header"
    deployed["x-content-type-options"] = "nosniff"

    served = local.get("/openapi.yaml").headers
    assert local.issuer in served["content-security-policy"]
    served["content-security-policy"] = served["content-security-policy"].replace(
        local.issuer, "https://${IssuerHost} ${SignInOrigin}"
    )
    for header in ("content-type", "content-length", "connection", "date"):
        served.pop(header)
    # On AWS the files themselves carry it; test_scripts.py asserts that the deployment sets it.
    assert served.pop("cache-control") == "no-cache"
    assert deployed == served


def test_pages_of_other_origins_can_load_the_element(local):
    policy = resource("ElementHeaders")["ResponseHeadersPolicyConfig"]
    assert policy["CorsConfig"]["AccessControlAllowOrigins"] == {"Items": ["*"]}
    assert policy["CorsConfig"]["AccessControlAllowCredentials"] is False
    (element,) = [
        behaviour
        for behaviour in resource("Distribution")["DistributionConfig"]["CacheBehaviors"]
        if behaviour.get("ResponseHeadersPolicyId") == {"Ref": "ElementHeaders"}
    ]
    served = local.get(element["PathPattern"])
    assert (served.status, served.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-origin" not in local.get("/icon.svg").headers


def test_api_is_forwarded_uncached_with_every_method():
    config = resource("Distribution")["DistributionConfig"]
    (api,) = [behaviour for behaviour in config["CacheBehaviors"] if behaviour["PathPattern"] == "/api/*"]
    assert api["TargetOriginId"] == "api"
    assert len(api["AllowedMethods"]) == 7
    # The managed policies CachingDisabled and AllViewerExceptHostHeader.
    assert api["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert api["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert "CustomErrorResponses" not in config
    (origin,) = [origin for origin in config["Origins"] if origin["Id"] == "api"]
    assert origin["OriginCustomHeaders"][0]["HeaderName"] == "X-Origin-Verify"


def test_only_the_distribution_reads_the_files():
    assert set(resource("Files")["PublicAccessBlockConfiguration"].values()) == {True}
    statements = resource("FilesPolicy")["PolicyDocument"]["Statement"]
    allowed = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert [statement["Action"] for statement in allowed] == ["s3:GetObject"]
    assert "AWS:SourceArn" in allowed[0]["Condition"]["StringEquals"]
