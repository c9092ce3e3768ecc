"""How a deployment releases the authorizer: as a version with its code and configuration, all at once or in part.

The templates are translated by AWS's own translator. The condition that refuses a stale release is evaluated by
moto's CloudFormation.
"""

import json
import pathlib
import re

import cfnlint
import pytest
from moto.cloudformation.parsing import parse_condition

from templates import CORE, PARAMETERS, load, names_of_release, of_type, release_of, the_only, translate

# What CloudFormation does not show to the next deployment, and what says which release this is.
NOT_IN_RELEASE_OF = {"OriginSecret", "Release", "ReleaseOf"}
GRADUAL = "Canary10Percent5Minutes"


def version_of(template):
    """The logical ID of the published version."""
    (name,) = of_type(template, "AWS::Lambda::Version")
    return name


def refs(value):
    """All that a part of a template refers to by `Ref`, or by name in `Fn::Sub`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "Ref":
                yield inner
            elif name == "Fn::Sub" and isinstance(inner, str):
                yield from re.findall(r"\$\{([\w:]+)\}", inner)
            else:
                yield from refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs(inner)


def is_true(condition, **parameters):
    """Evaluates a condition of the core as CloudFormation does, with the given parameters and the defaults of others."""
    core = load(CORE)
    values = {name: str(one["Default"]) for name, one in core["Parameters"].items() if "Default" in one}
    values |= PARAMETERS | {"ReleaseOf": release_of(core, PARAMETERS)} | parameters
    return parse_condition(core["Conditions"][condition], values, {})


def test_alias_points_to_a_version_of_the_function_and_not_to_its_latest_state(core):
    alias = the_only(core, "AWS::Lambda::Alias")
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version_of(core), "Version"]}
    assert the_only(core, "AWS::Lambda::Version")["FunctionName"] == {"Ref": "Authorizer"}


def test_versions_before_are_kept_for_a_rollback(core):
    assert core["Resources"][version_of(core)]["DeletionPolicy"] == "Retain"


def test_new_release_publishes_a_version_even_if_only_a_parameter_changed():
    before = translate(load(CORE))
    after = translate(load(CORE), SessionMaxAgeDays="90", Release="1764042001abcdef")

    assert version_of(before) != version_of(after)
    # Lambda publishes nothing if the function is the same as its last version. So the function differs, too.
    descriptions = {template["Resources"]["Authorizer"]["Properties"]["Description"] for template in (before, after)}
    assert len(descriptions) == 2


def test_sam_reads_the_first_ten_characters_of_a_release():
    assert version_of(translate(load(CORE), Release="1764042000abc")) == "AuthorizerVersion1764042000"
    pattern = load(CORE)["Parameters"]["Release"]["AllowedPattern"]
    # They become a part of a logical ID, so only letters and digits are allowed.
    for release in ("176404200", "1764-42000", "1764042000 x", ""):
        assert not re.search(pattern, release), release


def test_changed_parameter_without_a_new_release_publishes_no_version():
    # This is why such a deployment has to be refused.
    assert version_of(translate(load(CORE))) == version_of(translate(load(CORE), SessionMaxAgeDays="90"))


CHANGES = {
    "OidcIssuer": "https://other.example",
    "OidcAudience": "other",
    "RequiredScope": "tokens",
    "AllowedClients": "page,cli",
    "RolesClaim": "",
    "RefusalStatus": "403",
    "TokenPrefix": "acme_",
    "LastUsedResolutionSeconds": "61",
    "SessionMaxAgeDays": "90",
    "ClientIpHeader": "X-Client-Ip",
    "TrustedRoots": "system",
    "MemorySize": "512",
    "Architecture": "x86_64",
}


def test_every_parameter_of_the_authorizer_belongs_to_its_release(core):
    function = core["Resources"]["Authorizer"]["Properties"]
    read = {name for name in refs(function) if name in core["Parameters"]}
    assert set(names_of_release(core)) == read - NOT_IN_RELEASE_OF
    assert CHANGES.keys() == set(names_of_release(core))


@pytest.mark.parametrize("name", CHANGES)
def test_release_is_stale_if_a_parameter_of_the_authorizer_has_changed(name):
    assert not is_true("ReleaseIsStale")
    assert is_true("ReleaseIsStale", **{name: CHANGES[name]})


def test_lambda_refuses_every_function_of_a_stale_release(core):
    # Amazon publishes a schema of each type; cfn-lint brings them.
    files = (pathlib.Path(cfnlint.__file__).parent / "data" / "schemas" / "resources").iterdir()
    schemas = [json.loads(file.read_text()) for file in files]
    (function,) = [schema for schema in schemas if schema.get("typeName") == "AWS::Lambda::Function"]
    modes = function["definitions"]["TracingConfig"]["properties"]["Mode"]["enum"]

    for name, function in of_type(core, "AWS::Lambda::Function").items():
        condition, stale, valid = function["TracingConfig"]["Mode"]["Fn::If"]
        assert condition == "ReleaseIsStale", name
        assert valid in modes, name
        assert stale["Fn::Sub"] not in modes, name


def test_no_deployment_group_exists_unless_the_rollout_is_gradual(core):
    types = {resource["Type"] for resource in core["Resources"].values()}
    assert not any(one.startswith("AWS::CodeDeploy::") for one in types)
    assert not is_true("IsGradual")


@pytest.fixture(scope="module")
def gradual():
    return translate(load(CORE), Rollout=GRADUAL)


def test_every_gradual_rollout_has_a_deployment_group_of_its_name():
    core = load(CORE)
    rollouts = core["Parameters"]["Rollout"]["AllowedValues"]
    assert core["Mappings"]["Rollouts"].keys() == set(rollouts)
    for rollout in rollouts[1:]:
        assert is_true("IsGradual", Rollout=rollout)
        group = the_only(translate(load(CORE), Rollout=rollout), "AWS::CodeDeploy::DeploymentGroup")
        configuration = ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": rollout}]
        assert group["DeploymentConfigName"] == {"Fn::Sub": configuration}


def test_gradual_rollout_moves_the_alias_and_moves_it_back_on_an_alarm(gradual):
    alias = gradual["Resources"]["AuthorizerAliaslive"]
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {
        "Ref": "AuthorizerDeploymentGroup"
    }
    group = the_only(gradual, "AWS::CodeDeploy::DeploymentGroup")
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    alarms = [{"Name": {"Ref": name}} for name in ("NewVersionDownAlarm", "NewVersionFaultsAlarm")]
    assert group["AlarmConfiguration"] == {"Enabled": True, "Alarms": alarms}


def test_alarm_that_rolls_back_watches_the_new_version_alone(gradual):
    alarm = gradual["Resources"]["NewVersionDownAlarm"]["Properties"]
    version = {"Name": "ExecutedVersion", "Value": {"Fn::GetAtt": [version_of(gradual), "Version"]}}
    metrics = [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if "MetricStat" in query]
    assert [metric["MetricName"] for metric in metrics] == ["Invocations", "Errors"]
    assert all(version in metric["Dimensions"] for metric in metrics)


@pytest.mark.parametrize(
    ("is_down", "invocations", "errors"),
    [(1, 10, 10), (1, 500, 500), (0, 500, 499), (0, 9, 9), (0, 10, 0)],
)
def test_new_version_is_down_when_every_request_to_it_fails(gradual, is_down, invocations, errors):
    expression = gradual["Resources"]["NewVersionDownAlarm"]["Properties"]["Metrics"][0]["Expression"]
    functions = {"IF": lambda condition, then, otherwise: then if condition else otherwise}
    values = {"invocations": invocations, "errors": errors}
    assert eval(expression.replace(" AND ", " and "), functions, values) == is_down


def test_codedeploy_can_move_no_other_alias(gradual):
    assert the_only(gradual, "AWS::CodeDeploy::DeploymentGroup")["ServiceRoleArn"] == {
        "Fn::GetAtt": ["RolloutRole", "Arn"]
    }
    role = gradual["Resources"]["RolloutRole"]["Properties"]
    assert "ManagedPolicyArns" not in role
    assert [one["Principal"] for one in role["AssumeRolePolicyDocument"]["Statement"]] == [
        {"Service": "codedeploy.amazonaws.com"}
    ]
    move, read = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert move["Resource"] == [{"Fn::GetAtt": ["Authorizer", "Arn"]}, {"Fn::Sub": "${Authorizer.Arn}:live"}]
    assert set(move["Action"]) == {"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"}
    assert read["Action"] == "cloudwatch:DescribeAlarms"


def test_parts_of_a_rollout_exist_only_if_it_is_gradual(core):
    for name in ("RolloutRole", "NewVersionDownAlarm", "NewVersionFaultsAlarm"):
        assert core["Resources"][name]["Condition"] == "IsGradual", name


def test_provisioned_concurrency_is_a_property_of_the_alias(core):
    assert the_only(core, "AWS::Lambda::Alias")["ProvisionedConcurrencyConfig"] == {
        "Fn::If": [
            "HasProvisionedConcurrency",
            {"ProvisionedConcurrentExecutions": {"Ref": "ProvisionedConcurrency"}},
            {"Ref": "AWS::NoValue"},
        ]
    }
    assert core["Parameters"]["ProvisionedConcurrency"]["Default"] == 0
    assert is_true("HasProvisionedConcurrency", ProvisionedConcurrency="2")


def test_api_has_cors_only_for_the_origins_of_the_parameter():
    assert not is_true("HasCorsOrigins")
    assert is_true("HasCorsOrigins", CorsOrigins="https://app.example.com,https://b.example.com")
