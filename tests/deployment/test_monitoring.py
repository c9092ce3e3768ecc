"""The monitoring stack: what alarms watch, what the dashboard shows, and whom alarms notify."""

import json
import re

import pytest

from documents import names_in
from templates import CORE, ROOT, load, of_type, the_only

# The namespace and dimension of the authorizer's metrics; a unit test of the authorizer asserts both.
NAMESPACE = "Patgate"
DIMENSION = "Stack"


@pytest.fixture(scope="module")
def resource(monitoring):
    return lambda name: monitoring["Resources"][name]["Properties"]


@pytest.fixture(scope="module")
def alarms(monitoring):
    return of_type(monitoring, "AWS::CloudWatch::Alarm")


def metrics(alarm):
    """The metrics that an alarm combines by an expression, by their IDs."""
    return {query["Id"]: query["MetricStat"]["Metric"] for query in alarm["Metrics"] if "MetricStat" in query}


def evaluate(alarm, **values):
    """The value of an alarm's expression for one period; None stands for a metric without data."""
    (expression,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    assert values.keys() == metrics(alarm).keys()
    functions = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, default: default if value is None else value,
    }
    return eval(expression.replace(" AND ", " and "), functions, values)


@pytest.mark.parametrize(
    ("is_down", "invocations", "errors", "allowed", "denied"),
    [
        pytest.param(1, 20, 20, None, None, id="it does not start, and writes no metrics"),
        pytest.param(1, 500, 500, 0, 0, id="every request is a fault"),
        pytest.param(0, 20, 20, 0, 20, id="every request carries a bad token"),
        pytest.param(0, 21, 21, 0, 1, id="one request is denied"),
        pytest.param(0, 500, 499, 1, 0, id="one request is allowed"),
        pytest.param(0, 500, 480, 20, 480, id="some requests are allowed"),
        pytest.param(0, 19, 19, None, None, id="there are too few requests"),
    ],
)
def test_authorizer_is_down_when_every_request_is_a_fault_or_a_crash(
    alarms, is_down, invocations, errors, allowed, denied
):
    alarm = alarms["AuthorizerDownAlarm"]
    assert metrics(alarm)["allowed"]["MetricName"] == "Allowed"
    assert metrics(alarm)["denied"]["MetricName"] == "Denied"
    assert evaluate(alarm, invocations=invocations, errors=errors, allowed=allowed, denied=denied) == is_down


@pytest.mark.parametrize(
    ("crashes", "errors", "denied", "faults"), [(0, 30, 25, 5), (30, 30, None, None), (10, 30, 20, None)]
)
def test_denials_and_faults_do_not_count_as_crashes(alarms, crashes, errors, denied, faults):
    assert evaluate(alarms["AuthorizerCrashesAlarm"], errors=errors, denied=denied, faults=faults) == crashes


def test_authorizer_lists_all_its_metrics(metric_names):
    assert len(metric_names) == 15, metric_names


def test_dashboard_shows_every_reason_for_denial_and_only_existing_metrics(resource, metric_names):
    template, _ = resource("Dashboard")["DashboardBody"]["Fn::Sub"]
    # The body is JSON whatever values `Fn::Sub` fills in.
    body = json.loads(re.sub(r"\$\{[\w:]+\}", "x", template))
    shown = set()
    for widget in body["widgets"]:
        namespace = metric = dimension = None
        for row in widget["properties"]["metrics"]:
            if row[0] == "...":  # repeats the previous row, with another value
                continue
            previous = (namespace, metric, dimension)
            namespace, metric, dimension = (
                before if now == "." else now for before, now in zip(previous, row, strict=False)
            )
            if namespace == NAMESPACE:
                assert dimension == DIMENSION, row
                shown.add(metric)
    assert shown == metric_names - {"LastUsedWrites"}


def test_alarms_watch_existing_metrics(alarms, metric_names):
    watched = set()
    for name, alarm in alarms.items():
        for metric in metrics(alarm).values() if "Metrics" in alarm else [alarm]:
            if metric["Namespace"] == NAMESPACE and isinstance(metric["MetricName"], str):
                assert metric["Dimensions"] == [{"Name": DIMENSION, "Value": {"Ref": "CoreStack"}}], name
                watched.add(metric["MetricName"])
    assert watched == {"Allowed", "Denied", "Faults"}
    assert watched <= metric_names


def test_metrics_of_the_core_carry_the_name_of_its_stack(core):
    authorizer = core["Resources"]["Authorizer"]["Properties"]
    assert authorizer["Environment"]["Variables"]["STACK_NAME"] == {"Ref": "AWS::StackName"}


def test_leaked_tokens_alarm_watches_what_the_filter_counts(resource):
    (counted,) = resource("LeakedTokensFilter")["MetricTransformations"]
    alarm = resource("LeakedTokensAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == (counted["MetricNamespace"], counted["MetricName"])


def test_filter_reads_only_the_log_of_the_function_that_handles_reports(resource, core):
    group = resource("LeakedTokensFilter")["LogGroupName"]["Fn::ImportValue"]["Fn::Sub"]
    exported = core["Outputs"][group.removeprefix("${CoreStack}-")]["Value"]
    functions = of_type(core, "AWS::Lambda::Function").items()
    readable = [name for name, function in functions if function["LoggingConfig"]["LogGroup"] == exported]
    assert readable == ["RevokeLeakedTokens"]


def test_filter_matches_only_fields_of_the_audit_event(resource):
    pattern = re.fullmatch(r"\{ (.*) \}", resource("LeakedTokensFilter")["FilterPattern"])[1]
    terms = [re.fullmatch(r'\(\$\.(\w+) = "([\w.]+)"\)', term) for term in pattern.split(" && ")]
    assert all(terms), pattern
    wanted = dict(term.groups() for term in terms)
    assert wanted == {"audit": "token.revoked", "reason": "leaked"}

    schema = json.loads((ROOT / "docs" / "audit-event.schema.json").read_text())
    assert wanted["audit"] in schema["properties"]["audit"]["enum"]
    (reasons,) = [
        rule["then"]["properties"]["reason"]["enum"]
        for rule in schema["allOf"]
        if rule["if"]["properties"]["audit"].get("const") == wanted["audit"]
    ]
    assert wanted["reason"] in reasons


@pytest.fixture(scope="module")
def explained(tables):
    """The names in the first column of the tables of docs/operations.md that have this heading."""

    def names(heading):
        rows = [row for head, *rows in tables("docs/operations.md") if head[0].content == heading for row in rows]
        return {name for row in rows for name in names_in(row[0])}

    return names


def test_operations_document_explains_every_metric(explained, metric_names):
    assert explained("metric") == metric_names


def test_operations_document_explains_every_alarm(explained, alarms):
    assert explained("alarm") == alarms.keys()


def test_every_alarm_notifies_the_topic_if_there_is_one(monitoring, alarms):
    assert len(alarms) == 7
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == topic, name
        # A report of a leak is a single event, so its end needs no notification.
        assert alarm.get("OKActions") == (None if name == "LeakedTokensAlarm" else topic), name
    assert monitoring["Conditions"]["HasAlarmTopic"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopic"}, ""]}]}


def imports(value):
    """The names of the exports that a part of a template imports."""
    if isinstance(value, dict):
        if "Fn::ImportValue" in value:
            yield value["Fn::ImportValue"]["Fn::Sub"].removeprefix("${CoreStack}-")
        else:
            for inner in value.values():
                yield from imports(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from imports(inner)


def test_core_exports_what_monitoring_imports_and_nothing_else_except_the_authorizer(monitoring):
    exported = {
        output["Export"]["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): name
        for name, output in load(CORE)["Outputs"].items()
        if "Export" in output
    }
    assert all(export == output for export, output in exported.items()), exported
    assert set(imports(monitoring)) | {"AuthorizerArn"} == exported.keys()


def test_dashboard_address_is_an_output(monitoring):
    assert the_only(monitoring, "AWS::CloudWatch::Dashboard")
    assert "${Dashboard}" in monitoring["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"]
