"""The monitoring stack: what alarms watch, what the dashboard shows, and whom alarms notify."""

import json
import re

import pytest

from documents import names_in
from metric_math import evaluate, fires
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


# A metric of which CloudWatch has no data point, in as many periods as the alarms look at.
NEVER = [None, None, None]


def every_period(**values):
    """The same value in each period; None stands for a metric without any data point."""
    return {name: [value] * 3 for name, value in values.items()}


@pytest.mark.parametrize(
    ("is_down", "invocations", "errors", "denied"),
    [
        pytest.param(True, 20, 20, None, id="it does not start, and nothing was ever counted"),
        pytest.param(True, 500, 500, 0, id="every request is a fault or a crash"),
        pytest.param(False, 20, 20, 20, id="every request carries a bad token"),
        pytest.param(False, 21, 21, 1, id="one request is denied"),
        pytest.param(False, 500, 499, None, id="one request is allowed"),
        pytest.param(False, 500, 480, 480, id="some requests are allowed, the others denied"),
        pytest.param(False, 19, 19, None, id="there are too few requests"),
        pytest.param(False, None, None, None, id="there are no requests"),
    ],
)
def test_authorizer_is_down_when_every_request_is_a_fault_or_a_crash(alarms, is_down, invocations, errors, denied):
    metrics = every_period(invocations=invocations, errors=errors, denied=denied)
    assert fires(alarms["AuthorizerDownAlarm"], metrics) == is_down


def test_authorizer_that_stops_starting_is_down_although_it_denied_requests_before(alarms):
    metrics = {"invocations": [30] * 6, "errors": [30] * 6, "denied": [4, 30, 30, None, None, None]}
    assert fires(alarms["AuthorizerDownAlarm"], metrics)


def test_two_bad_minutes_are_not_an_outage(alarms):
    metrics = {"invocations": [30, 30, 30], "errors": [30, 30, 2], "denied": NEVER}
    assert not fires(alarms["AuthorizerDownAlarm"], metrics)


@pytest.mark.parametrize(
    ("crashes", "errors", "returned"),
    [
        pytest.param(True, 30, None, id="only crashes, and nothing was ever counted"),
        pytest.param(True, 30, 19, id="crashes beside denials"),
        pytest.param(True, 500, 480, id="crashes beside denials and faults"),
        pytest.param(True, 30, 0, id="crashes beside a burst of bad tokens whose denials are no errors"),
        pytest.param(False, 2000, 2000, id="a burst of bad tokens"),
        pytest.param(False, None, 0, id="a burst of bad tokens whose denials are no errors"),
        pytest.param(False, 300, 300, id="only faults"),
        pytest.param(False, 30, 20, id="no more than the threshold"),
        pytest.param(False, None, None, id="no requests"),
    ],
)
def test_denials_and_faults_do_not_count_as_crashes(alarms, crashes, errors, returned):
    metrics = every_period(errors=errors, returned=returned)
    assert fires(alarms["AuthorizerCrashesAlarm"], metrics) == crashes


def test_alarms_count_denials_and_faults_by_their_lines_and_not_by_metrics_that_an_instance_can_lose(resource, alarms):
    for name, ident, counting in (
        ("AuthorizerDownAlarm", "denied", "DenialsFilter"),
        ("AuthorizerCrashesAlarm", "returned", "ReturnedErrorsFilter"),
    ):
        (counted,) = resource(counting)["MetricTransformations"]
        assert "Dimensions" not in counted
        watched = {ident: metric for ident, metric in metrics(alarms[name]).items() if metric["Namespace"] == NAMESPACE}
        expected = {"Namespace": counted["MetricNamespace"], "MetricName": counted["MetricName"]}
        assert watched == {ident: expected}, name


def test_rejections_are_counted_in_the_log_of_the_authorizer_by_the_fields_that_it_writes(resource, core):
    # An end-to-end test asserts what the authorizer writes into these fields.
    patterns = {"DenialsFilter": '{ $.outcome = "denied" }', "ReturnedErrorsFilter": "{ $.invocation_failed IS TRUE }"}
    for name, pattern in patterns.items():
        filtered = resource(name)
        group = filtered["LogGroupName"]["Fn::ImportValue"]["Fn::Sub"].removeprefix("${CoreStack}-")
        authorizer = core["Resources"]["Authorizer"]["Properties"]
        assert core["Outputs"][group]["Value"] == authorizer["LoggingConfig"]["LogGroup"]
        assert filtered["FilterPattern"] == pattern


THROTTLED = ["tokensRead", "tokensWrite", "usersRead", "usersWrite"]
THROTTLED += [f"{index}{kind}" for index in ("userIndex", "createdIndex") for kind in ("Read", "Write")]


@pytest.mark.parametrize("name", THROTTLED)
def test_throttles_of_one_table_or_index_fire_the_alarm_and_their_end_ends_it(alarms, name):
    alarm = alarms["TablesThrottledAlarm"]
    (expression,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    assert metrics(alarm).keys() == set(THROTTLED)
    throttled = dict.fromkeys(THROTTLED, [None] * 8) | {name: [11, 12, 13] + [None] * 5}

    assert fires(alarm, throttled)
    # An alarm on metrics of DynamoDB keeps its state while a value is missing.
    assert evaluate(expression, throttled)[3:] == [0] * 5
    assert not fires(alarm, dict.fromkeys(THROTTLED, [None] * 8))


def test_alarm_watches_every_table_and_every_index_of_the_core(alarms, core):
    watched = set()
    for metric in metrics(alarms["TablesThrottledAlarm"]).values():
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
        table = dimensions["TableName"]["Fn::ImportValue"]["Fn::Sub"].removeprefix("${CoreStack}-")
        index = dimensions.get("GlobalSecondaryIndexName")
        watched.add((core["Outputs"][table]["Value"]["Ref"], index, metric["MetricName"]))

    expected = set()
    for name, table in of_type(core, "AWS::DynamoDB::Table").items():
        for index in [None, *(index["IndexName"] for index in table.get("GlobalSecondaryIndexes", []))]:
            expected |= {(name, index, f"{kind}ThrottleEvents") for kind in ("Read", "Write")}
    assert watched == expected


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
    assert watched == {"Faults"}
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
