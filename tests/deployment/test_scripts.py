"""`scripts/deploy` with stand-ins for `sam` and `aws`, and the time limit of `scripts/smoke`."""

import itertools
import json
import os
import pathlib
import re
import runpy
import shutil
import stat
import subprocess
import sys

import pytest
from samcli.cli.types import CfnParameterOverridesType

from templates import CORE, SIGN_IN, load, names_of_release, of_type

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What the stacks have once they are deployed.
OUTPUTS = {
    "patgate": {
        "ApiId": "api1",
        "ApiUrl": "https://api1.execute-api.eu-central-1.amazonaws.com",
        "AuthorizerArn": "arn:authorizer",
    },
    "patgate-monitoring": {"DashboardUrl": "https://eu-central-1.console.aws.amazon.com/cloudwatch/home#dashboard1"},
    "patgate-sign-in": {
        "Issuer": "https://cognito-idp.eu-central-1.amazonaws.com/pool",
        "ClientId": "client1",
        "SignInOrigin": "https://team.auth.eu-central-1.amazoncognito.com",
        "LogoutUrl": "https://team.auth.eu-central-1.amazoncognito.com/logout?client_id=client1&logout_uri={redirect}",
    },
    "patgate-page": {"PageUrl": "https://d1.cloudfront.net", "FilesBucket": "files1", "DistributionId": "D1"},
}
PARAMETERS = {"patgate": {"OidcIssuer": "https://cognito-idp.eu-central-1.amazonaws.com/pool"}}
ROUTE_SETTINGS = {"GET /api/tokens": {}, "GET /api/me": {}}

FUNCTIONS = [
    pathlib.Path(function["CodeUri"]).name for function in of_type(load(CORE), "AWS::Serverless::Function").values()
]

ALL_STACKS = "patgate patgate-sign-in patgate-monitoring patgate-page"
ALARM_TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"

# Stands in for `sam` and `aws`: records each call, and knows which stacks exist.
STAND_IN = (
    f"#!{sys.executable} -IS"
    + """
import json, os, pathlib, shutil, sys
folder = pathlib.Path(os.environ["STAND_IN"])
name, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([name, *arguments]) + "\\n")
deployed = folder / "deployed"
if name == "sam":
    with deployed.open("a") as file:
        file.write(arguments[arguments.index("--stack-name") + 1] + "\\n")
    if "--parameter-overrides" in arguments:
        given = pathlib.Path(arguments[-1].replace("file://", ""))
        count = len((folder / "calls.jsonl").read_text().splitlines())
        shutil.copy(given, folder / f"parameters-{count}.yaml")
elif arguments[:2] == ["cloudformation", "describe-stacks"]:
    stack = arguments[arguments.index("--stack-name") + 1]
    if "BROKEN" in os.environ:
        sys.exit("An error occurred (ExpiredToken)")
    existing = os.environ.get("EXISTING", "").split()
    existing += deployed.read_text().split() if deployed.exists() else []
    if stack not in existing:
        sys.exit(f"Stack with id {stack} does not exist")
    described = {"StackStatus": json.loads(os.environ["STATES"]).get(stack, "UPDATE_COMPLETE")}
    for kind in ("Output", "Parameter"):
        values = json.loads(os.environ[kind.upper() + "S"]).get(stack, {})
        described[kind + "s"] = [{kind + "Key": key, kind + "Value": value} for key, value in values.items()]
    print(json.dumps({"Stacks": [described]}))
elif arguments[:2] == ["apigatewayv2", "get-stages"]:
    settings = json.loads(os.environ["ROUTE_SETTINGS"])
    print(json.dumps({"Items": [{"StageName": "$default", "RouteSettings": settings}]}))
elif arguments[0] == "sts":
    print("123456789012")
elif arguments[:2] == ["s3", "sync"]:
    shutil.copytree(arguments[2], folder / "bucket")
"""
)

# The field of the ELF header that names the machine.
ARM64, X86_64 = b"\xb7\x00", b"\x3e\x00"


class Deployment:
    """A copy of what `scripts/deploy` reads, and one run of it."""

    def __init__(self, folder, machine, environment, code=b""):
        for command in ("sam", "aws"):
            write_executable(folder / command, STAND_IN.encode())
        copy = folder / "copy"
        (copy / "scripts").mkdir(parents=True)
        for script in ("deploy", "check-account", "page-config"):
            shutil.copy(ROOT / "scripts" / script, copy / "scripts")
        shutil.copytree(ROOT / "infra", copy / "infra")
        (copy / "web/dist").mkdir(parents=True)
        for function in FUNCTIONS:
            write_executable(copy / "target/lambda" / function / "bootstrap", bytes(18) + machine + code)

        no_user_pool = {"patgate-sign-in": {}} if environment.get("SIGN_IN") == "no" else {}
        variables = {
            # The script needs the Python that has SAM.
            "PATH": os.pathsep.join([str(folder), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]),
            "AWS_REGION": "eu-central-1",
            "STAND_IN": str(folder),
            "OUTPUTS": json.dumps(OUTPUTS | no_user_pool),
            "PARAMETERS": json.dumps(PARAMETERS),
            "STATES": "{}",
            "ROUTE_SETTINGS": json.dumps(ROUTE_SETTINGS),
        }
        self.process = subprocess.run(
            ["scripts/deploy"],
            cwd=copy,
            env=variables | environment,
            capture_output=True,
            text=True,
            check=False,
        )

        log = folder / "calls.jsonl"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        self.changes = [call for call in calls if call[0] == "sam" or call[1] in ("s3", "cloudfront")]
        self.changes += [call for call in calls if "delete-route-settings" in call]
        # What the file with the parameters contained, by the number of the call.
        self.given = {
            number: folder / f"parameters-{number}.yaml" for number, call in enumerate(calls, 1) if call[0] == "sam"
        }
        config = folder / "bucket" / "config.json"
        self.config = json.loads(config.read_text()) if config.exists() else None

    def stacks(self):
        return [call[call.index("--stack-name") + 1] for call in self.changes if call[0] == "sam"]

    def parameters(self):
        """The parameters of each stack's deployment, as SAM itself parses them; it rejects invalid ones."""
        return [
            CfnParameterOverridesType().convert((f"file://{file}",), None, None) if file.exists() else {}
            for file in self.given.values()
        ]


def write_executable(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def deploy(tmp_path):
    """Runs `scripts/deploy`, which has to succeed."""

    number = itertools.count()

    def run(machine=ARM64, code=b"", **environment):
        deployment = Deployment(tmp_path / str(next(number)), machine, environment, code)
        assert deployment.process.returncode == 0, deployment.process.stderr
        return deployment

    return run


@pytest.fixture(scope="module")
def first_deployment(tmp_path_factory):
    """The first deployment of all stacks."""
    parameters = {
        "CORE_PARAMETERS": "SessionMaxAgeDays=90",
        "MONITORING_PARAMETERS": f"AlarmTopic={ALARM_TOPIC}",
    }
    deployment = Deployment(tmp_path_factory.mktemp("first"), ARM64, parameters)
    assert deployment.process.returncode == 0, deployment.process.stderr
    return deployment


def test_stacks_are_deployed_in_order_and_the_sign_in_learns_the_address_of_the_page(first_deployment):
    deployment = first_deployment

    stacks = ["patgate-sign-in", "patgate", "patgate-monitoring", "patgate-page", "patgate-sign-in"]
    assert deployment.stacks() == stacks
    sign_in, core, monitoring, page, sign_in_again = deployment.parameters()
    assert sign_in["CallbackUrls"] == "https://localhost/callback"
    assert sign_in["DomainPrefix"] == "patgate-123456789012"
    assert sign_in_again == {
        "CallbackUrls": "https://d1.cloudfront.net/callback",
        "LogoutUrls": "https://d1.cloudfront.net/",
    }
    assert core["OidcIssuer"] == OUTPUTS["patgate-sign-in"]["Issuer"]
    assert (core["OidcAudience"], core["ClientIpHeader"]) == ("client1", "X-Client-Ip")
    assert core["SessionMaxAgeDays"] == "90"
    assert monitoring == {"CoreStack": "patgate", "AlarmTopic": ALARM_TOPIC}
    assert page["ApiDomain"] == "api1.execute-api.eu-central-1.amazonaws.com"
    assert page["SignInOrigin"] == OUTPUTS["patgate-sign-in"]["SignInOrigin"]
    assert (core["OriginSecret"], len(core["OriginSecret"])) == (page["OriginSecret"], 64)
    assert all("eu-central-1" in call for call in deployment.changes[:5])


def test_page_is_published_with_its_configuration_and_revalidated_by_browsers(first_deployment):
    core, config = first_deployment.parameters()[1], first_deployment.config

    assert (config["issuer"], config["clientId"]) == (core["OidcIssuer"], "client1")
    assert config["apiBaseUrl"] == ""
    assert config["logoutUrl"].endswith("{redirect}")
    (sync,) = [call for call in first_deployment.changes if call[1:3] == ["s3", "sync"]]
    assert sync[sync.index("--cache-control") + 1] == "no-cache"
    (invalidation,) = [call for call in first_deployment.changes if "create-invalidation" in call]
    assert "D1" in invalidation


def test_output_says_what_is_deployed_and_where_it_is(first_deployment):
    output = first_deployment.process.stdout

    assert "Deploying `patgate` to the account 123456789012 in eu-central-1." in output
    for stack in ("patgate-sign-in", "patgate", "patgate-monitoring", "patgate-page"):
        assert f"Deploying the stack `{stack}`" in output
    for stack, name in [
        ("patgate", "ApiUrl"),
        ("patgate", "AuthorizerArn"),
        ("patgate-page", "PageUrl"),
        ("patgate-monitoring", "DashboardUrl"),
    ]:
        assert OUTPUTS[stack][name] in output


def test_parameters_that_are_not_named_keep_their_values(deploy):
    sign_in, core, monitoring, page, _ = deploy(EXISTING=ALL_STACKS).parameters()

    assert sign_in == {}, "neither the domain nor the callback addresses"
    assert set(core) == {"Architecture", "OidcIssuer", "OidcAudience", "Release", "ReleaseOf"}
    assert monitoring == {"CoreStack": "patgate"}
    assert "OriginSecret" not in page


def test_deployment_with_its_own_issuer_creates_no_user_pool(deploy):
    deployment = deploy(
        SIGN_IN="no",
        PAGE_CLIENT_ID="own",
        PAGE_EXTRA_PARAMS='{"audience": "api"}',
        CORE_PARAMETERS="OidcIssuer=https://issuer.example OidcAudience=api",
    )

    assert deployment.stacks() == ["patgate", "patgate-monitoring", "patgate-page"]
    core, _, page = deployment.parameters()
    assert core["OidcIssuer"] == "https://issuer.example"
    assert "SignInOrigin" not in page
    assert (deployment.config["clientId"], deployment.config["logoutUrl"]) == ("own", "")
    assert deployment.config["extraParams"] == {"audience": "api"}


def test_deployment_without_the_page_publishes_nothing_and_trusts_no_client_address(deploy):
    deployment = deploy(PAGE="no", SIGN_IN_PARAMETERS="CallbackUrls=https://app/cb LogoutUrls=https://app/")

    assert deployment.stacks() == ["patgate-sign-in", "patgate", "patgate-monitoring"]
    assert "OriginSecret" not in deployment.parameters()[1]
    assert deployment.config is None


def test_deployment_without_monitoring_deploys_the_other_stacks(deploy):
    deployment = deploy(MONITORING="no")

    assert deployment.stacks() == ["patgate-sign-in", "patgate", "patgate-page", "patgate-sign-in"]
    assert "Dashboard" not in deployment.process.stdout


def test_monitoring_belongs_to_the_core_with_the_name_of_the_stack(deploy):
    outputs = {name.replace("patgate", "tokens"): values for name, values in OUTPUTS.items()}
    parameters = {"tokens": PARAMETERS["patgate"]}
    deployment = deploy(STACK="tokens", OUTPUTS=json.dumps(outputs), PARAMETERS=json.dumps(parameters))

    assert "tokens-monitoring" in deployment.stacks()
    assert {"CoreStack": "tokens"} in deployment.parameters()


def test_binary_for_the_other_architecture_is_deployed_when_requested(deploy):
    _, core, *_ = deploy(machine=X86_64, ARCH="x86_64").parameters()

    assert core["Architecture"] == "x86_64"


@pytest.mark.parametrize(
    ("message", "machine", "environment"),
    [
        pytest.param("not built for arm64", X86_64, {}, id="wrong architecture"),
        pytest.param(
            "too long for the page", ARM64, {"STACK": "a-very-long-name-of-a-stack-for-tokens"}, id="a long name"
        ),
        pytest.param("without aws, amazon, cognito", ARM64, {"STACK": "aws-tokens"}, id="a word that Cognito refuses"),
        pytest.param(
            "Cognito refuses the domain prefix `Team`",
            ARM64,
            {"SIGN_IN_PARAMETERS": "DomainPrefix=Team"},
            id="an invalid prefix",
        ),
        pytest.param("`SessionAge=9`", ARM64, {"CORE_PARAMETERS": "SessionAge=9"}, id="a typing error"),
        pytest.param("No closing quotation", ARM64, {"CORE_PARAMETERS": "RolesClaim='a"}, id="an open quotation mark"),
        pytest.param("PAGE=no and SIGN_IN=no", ARM64, {"AWS_REGION": "us-gov-west-1"}, id="GovCloud"),
        pytest.param("PAGE=no and SIGN_IN=no", ARM64, {"AWS_REGION": "cn-north-1"}, id="China"),
        pytest.param(
            "ROLLBACK_COMPLETE",
            ARM64,
            {"EXISTING": "patgate", "STATES": json.dumps({"patgate": "ROLLBACK_COMPLETE"})},
            id="a first deployment that failed",
        ),
        pytest.param(
            "UPDATE_IN_PROGRESS",
            ARM64,
            {"EXISTING": ALL_STACKS, "STATES": json.dumps({"patgate-page": "UPDATE_IN_PROGRESS"})},
            id="another deployment",
        ),
        pytest.param("OidcIssuer", ARM64, {"SIGN_IN": "no", "PAGE_CLIENT_ID": "own"}, id="no issuer"),
        pytest.param(
            "PAGE_CLIENT_ID",
            ARM64,
            {"SIGN_IN": "no", "CORE_PARAMETERS": "OidcIssuer=https://x OidcAudience=y"},
            id="no client of the page",
        ),
        pytest.param("CallbackUrls", ARM64, {"PAGE": "no"}, id="no callback address"),
        pytest.param("ExpiredToken", ARM64, {"BROKEN": "yes"}, id="AWS fails"),
        pytest.param(
            "Set SIGN_IN=no",
            ARM64,
            {
                "EXISTING": "patgate",
                "PARAMETERS": json.dumps({"patgate": {"OidcIssuer": "https://issuer.example"}}),
            },
            id="another issuer",
        ),
    ],
)
def test_deployment_that_would_fail_is_refused_before_anything_changes(tmp_path, message, machine, environment):
    deployment = Deployment(tmp_path, machine, environment)

    assert deployment.process.returncode != 0
    assert deployment.changes == [], "nothing was changed"
    assert message in deployment.process.stderr


def test_parameter_can_be_emptied_and_can_have_blanks(deploy):
    parameters = "RolesClaim= AllowedClients=page,cli OidcAudience='my api'"
    deployment = deploy(SIGN_IN="no", PAGE="no", MONITORING="no", EXISTING="patgate", CORE_PARAMETERS=parameters)

    (core,) = deployment.parameters()

    assert core["RolesClaim"] == ""
    assert core["AllowedClients"] == "page,cli"
    assert core["OidcAudience"] == "my api"


def test_stack_that_was_only_reviewed_counts_as_absent(deploy):
    states = json.dumps({"patgate-sign-in": "REVIEW_IN_PROGRESS"})
    deployment = deploy(EXISTING="patgate-sign-in", STATES=states)

    assert deployment.parameters()[0]["DomainPrefix"] == "patgate-123456789012"


def test_secret_is_in_no_list_of_processes(first_deployment):
    secret = first_deployment.parameters()[1]["OriginSecret"]
    assert all(secret not in word for call in first_deployment.changes for word in call)


def test_core_can_be_deployed_in_govcloud_and_china(deploy):
    parameters = "OidcIssuer=https://issuer.example OidcAudience=api TrustedRoots=system"
    for region in ("us-gov-west-1", "cn-north-1"):
        deployment = deploy(SIGN_IN="no", PAGE="no", AWS_REGION=region, CORE_PARAMETERS=parameters)
        assert deployment.stacks() == ["patgate", "patgate-monitoring"]


def deployed_before(core):
    """The settings of a deployment to stacks that have these parameters of the core."""
    return {"EXISTING": ALL_STACKS, "PARAMETERS": json.dumps({"patgate": core})}


def test_same_deployment_again_publishes_no_version(deploy):
    before = deploy(**deployed_before(PARAMETERS["patgate"])).parameters()[1]
    again = deploy(**deployed_before(before)).parameters()[1]

    assert again["Release"] == before["Release"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param("SessionMaxAgeDays=90", b"", id="a parameter"),
        pytest.param("RolesClaim=", b"", id="a parameter that is emptied"),
        pytest.param("", b"new", id="the code"),
        pytest.param(f"OriginSecret={'s' * 20}", b"", id="the secret, whose old value is unknown"),
    ],
)
def test_deployment_that_changes_the_authorizer_publishes_a_version(deploy, changed, code):
    before = deploy(**deployed_before(PARAMETERS["patgate"])).parameters()[1]
    # A deployment of the past: the clock is not part of the test.
    before["Release"] = "1764042000" + before["Release"][10:]
    after = deploy(**deployed_before(before), CORE_PARAMETERS=changed, code=code).parameters()[1]

    # SAM reads the first ten characters.
    assert after["Release"][:10] != before["Release"][:10]
    assert re.fullmatch(load(CORE)["Parameters"]["Release"]["AllowedPattern"], after["Release"])


def test_release_is_of_the_values_that_the_core_will_have(deploy):
    kept = {**PARAMETERS["patgate"], "OidcAudience": "client1", "TokenPrefix": "kept_", "SessionMaxAgeDays": "30"}
    core = deploy(**deployed_before(kept), CORE_PARAMETERS="SessionMaxAgeDays=90 RolesClaim=").parameters()[1]

    values = dict(zip(names_of_release(load(CORE)), core["ReleaseOf"].split("|"), strict=True))
    assert (values["SessionMaxAgeDays"], values["RolesClaim"], values["TokenPrefix"]) == ("90", "", "kept_")
    assert values["MemorySize"] == "256", "the default of the template"
    assert (values["OidcIssuer"], values["Architecture"]) == (kept["OidcIssuer"], "arm64")


def test_settings_of_a_route_that_goes_away_are_deleted_before_the_core_is_deployed(deploy):
    settings = ROUTE_SETTINGS | {"GET /api/gone": {}}
    deployment = deploy(EXISTING=ALL_STACKS, ROUTE_SETTINGS=json.dumps(settings))

    (deleted,) = [call for call in deployment.changes if "delete-route-settings" in call]
    assert deleted[deleted.index("--route-key") + 1] == "GET /api/gone"
    assert deleted[deleted.index("--api-id") + 1] == "api1"
    assert deleted[deleted.index("--stage-name") + 1] == "$default"


def test_sign_in_checks_prefixes_as_its_template_does():
    pattern = runpy.run_path(ROOT / "scripts" / "deploy")["DOMAIN_PREFIX"].pattern
    assert load(SIGN_IN)["Parameters"]["DomainPrefix"]["AllowedPattern"] == f"^{pattern}$"


def test_longest_name_of_the_page_is_the_one_that_is_checked():
    names = re.findall(r"Name: !Sub (\$\{AWS::StackName\}\S*\$\{AWS::Region\})", (ROOT / "infra/page.yaml").read_text())
    assert len(names) == 5
    longest = max(names, key=len).replace("${AWS::StackName}", "{stack}-page").replace("${AWS::Region}", "{region}")
    assert runpy.run_path(ROOT / "scripts" / "deploy")["LONGEST_PAGE_NAME"] == longest


def test_smoke_test_limits_itself_to_less_than_a_minute(monkeypatch):
    monkeypatch.delenv("CHECKS_SECONDS", raising=False)

    smoke = runpy.run_path(ROOT / "scripts" / "smoke")

    assert smoke["CHECKS_SECONDS"] + smoke["REVOKE_SECONDS"] < 60
