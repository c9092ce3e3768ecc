"""What the core's template says where nothing creates it: alarms, parameters, the alias."""

import json
import re
import unittest

from templates import CORE, ROOT, translate, yaml_parse

TEMPLATE = translate(CORE)


def resource(name):
    return TEMPLATE["Resources"][name]["Properties"]


def metrics(alarm):
    """The metrics that an alarm watches by an expression, by their ids."""
    return {query["Id"]: query["MetricStat"]["Metric"] for query in resource(alarm)["Metrics"] if "MetricStat" in query}


def evaluate(alarm, **values):
    """The alarm's expression for one period, with a metric's value or None where it has none."""
    (expression,) = [query["Expression"] for query in resource(alarm)["Metrics"] if "Expression" in query]
    assert values.keys() == metrics(alarm).keys()
    functions = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, instead: instead if value is None else value,
    }
    return eval(expression.replace(" AND ", " and "), functions, values)  # noqa: S307 -- our own template


class Alarms(unittest.TestCase):
    def test_authorizer_is_down_when_nothing_but_faults_and_crashes_comes_of_requests(self):
        self.assertEqual(metrics("AuthorizerDownAlarm")["allowed"]["MetricName"], "Allowed")
        self.assertEqual(metrics("AuthorizerDownAlarm")["denied"]["MetricName"], "Denied")
        for is_down, invocations, errors, allowed, denied in [
            (1, 20, 20, None, None),  # it does not start, and counts nothing
            (1, 500, 500, 0, 0),  # each request is a fault
            (0, 20, 20, 0, 20),  # bad tokens, and nobody else asks
            (0, 21, 21, 0, 1),
            (0, 500, 499, 1, 0),
            (0, 500, 480, 20, 480),
            (0, 19, 19, None, None),  # too few to tell
        ]:
            numbers = {"invocations": invocations, "errors": errors, "allowed": allowed, "denied": denied}
            self.assertEqual(evaluate("AuthorizerDownAlarm", **numbers), is_down, numbers)

    def test_refusals_and_faults_are_no_crashes(self):
        for crashes, errors, denied, faults in [(0, 30, 25, 5), (30, 30, None, None), (10, 30, 20, None)]:
            numbers = {"errors": errors, "denied": denied, "faults": faults}
            self.assertEqual(evaluate("AuthorizerCrashesAlarm", **numbers), crashes, numbers)


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        source = (ROOT / "functions" / "authorizer" / "src" / "metrics.rs").read_text().split("#[cfg(test)]")[0]
        reasons = set(re.findall(r'=> "(\w+)"', source)) - {"Other"}
        cls.written = set(re.findall(r'add\("(\w+)"', source)) | {f"Denied{reason}" for reason in reasons}
        assert len(cls.written) == 15, cls.written
        cls.namespace = re.search(r'NAMESPACE: &str = "(\w+)"', source)[1]
        cls.dimension = re.search(r'STACK: &str = "(\w+)"', source)[1]

    def test_dashboard_shows_every_refusal_and_nothing_that_nobody_writes(self):
        # What comes of `Fn::Sub` with any values is JSON as well.
        body = json.loads(re.sub(r"\$\{[\w:]+\}", "x", resource("Dashboard")["DashboardBody"]["Fn::Sub"]))
        shown = set()
        for widget in body["widgets"]:
            namespace = metric = dimension = None
            for row in widget["properties"]["metrics"]:
                if row[0] == "...":  # as the row before, with another value
                    continue
                namespace, metric, dimension = (
                    before if now == "." else now for before, now in zip((namespace, metric, dimension), row)
                )
                if namespace == self.namespace:
                    self.assertEqual(dimension, self.dimension, row)
                    shown.add(metric)
        self.assertEqual(shown, self.written - {"LastUsedWrites"})

    def test_alarms_watch_metrics_that_are_written(self):
        watched = set()
        for name, item in TEMPLATE["Resources"].items():
            if item["Type"] == "AWS::CloudWatch::Alarm":
                alarm = item["Properties"]
                for metric in metrics(name).values() if "Metrics" in alarm else [alarm]:
                    if metric["Namespace"] == self.namespace and isinstance(metric["MetricName"], str):
                        self.assertEqual([one["Name"] for one in metric["Dimensions"]], [self.dimension], name)
                        watched.add(metric["MetricName"])
        self.assertEqual(watched, {"Allowed", "Denied", "Faults"})
        self.assertLessEqual(watched, self.written)

    def test_alarm_of_leaks_watches_what_the_filter_counts(self):
        (counted,) = resource("LeakedTokensFilter")["MetricTransformations"]
        alarm = resource("LeakedTokensAlarm")
        self.assertEqual((alarm["Namespace"], alarm["MetricName"]), (counted["MetricNamespace"], counted["MetricName"]))

    def test_document_explains_every_metric(self):
        document = (ROOT / "docs" / "operations.md").read_text()
        table = document.split("| metric | |\n| --- | --- |\n")[1].split("\n\n")[0]
        explained = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
        self.assertEqual(explained, self.written)


class Topic(unittest.TestCase):
    def test_every_alarm_tells_the_topic_if_there_is_one(self):
        alarms = [name for name, item in TEMPLATE["Resources"].items() if item["Type"] == "AWS::CloudWatch::Alarm"]
        self.assertEqual(len(alarms), 7)
        topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
        for name in alarms:
            self.assertEqual(resource(name)["AlarmActions"], topic, name)
            # A report of a leak is over at once; that it is over is no news.
            self.assertEqual(resource(name).get("OKActions"), None if name == "LeakedTokensAlarm" else topic, name)
        self.assertEqual(TEMPLATE["Conditions"]["HasAlarmTopic"], {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopic"}, ""]}]})


class Attaching(unittest.TestCase):
    def test_alias_is_what_is_exported_and_what_api_gateway_may_ask(self):
        alias = {"Ref": "AuthorizerLive"}
        self.assertEqual(
            resource("AuthorizerLive"),
            {"Name": "live", "FunctionName": {"Ref": "Authorizer"}, "FunctionVersion": "$LATEST"},
        )
        exported = TEMPLATE["Outputs"]["AuthorizerArn"]
        self.assertEqual(exported["Value"], alias)
        self.assertEqual(exported["Export"], {"Name": {"Fn::Sub": "${AWS::StackName}-AuthorizerArn"}})
        permission = resource("AuthorizerPermission")
        self.assertEqual((permission["FunctionName"], permission["Action"]), (alias, "lambda:InvokeFunction"))
        self.assertEqual(permission["Principal"], "apigateway.amazonaws.com")
        # Authorizers of any API of this account and region, and nothing else of it.
        arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:*/authorizers/*"
        self.assertEqual(permission["SourceArn"], {"Fn::Sub": arn})

    def test_examples_import_what_the_core_exports(self):
        imported = {"Fn::ImportValue": {"Fn::Sub": "${PatgateStack}-AuthorizerArn"}}
        for name in ("http-api", "package-api", "rest-api"):
            example = yaml_parse((ROOT / "infra" / "examples" / f"{name}.yaml").read_text())
            self.assertIn(json.dumps(imported), json.dumps(example["Resources"]), name)

    def test_our_own_api_asks_by_the_alias_as_well(self):
        scheme = resource("Api")["Body"]["components"]["securitySchemes"]["Patgate"]
        self.assertIn('{"Ref": "AuthorizerLive"}', json.dumps(scheme["x-amazon-apigateway-authorizer"]["authorizerUri"]))


class Description(unittest.TestCase):
    def test_document_describes_the_routes_of_the_api_and_who_may_call_them(self):
        # None stands for everybody: whatever needs no authorizer.
        deployed = {
            (method, path): None if "NONE" in operation["security"][0] else "authorizer"
            for path, methods in resource("Api")["Body"]["paths"].items()
            for method, operation in methods.items()
        }
        # One route of the API serves both.
        deployed["get", "/api/tokens/current"] = deployed["get", "/api/tokens/{id}"]
        document = yaml_parse((ROOT / "docs" / "openapi.yaml").read_text())
        described = {
            (method, path): "authorizer" if operation.get("security", document["security"]) else None
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if method != "parameters"
        }
        self.assertEqual(described, deployed)
        self.assertEqual([route for route, asks in deployed.items() if asks is None], [("post", "/api/tokens/revoke")])


class Throttling(unittest.TestCase):
    def test_reports_of_leaks_are_throttled_more_than_the_rest(self):
        (stage,) = [
            item["Properties"] for item in TEMPLATE["Resources"].values() if item["Type"] == "AWS::ApiGatewayV2::Stage"
        ]
        self.assertEqual(stage["DefaultRouteSettings"], {"ThrottlingRateLimit": 1000, "ThrottlingBurstLimit": 2000})
        reports = {"POST /api/tokens/revoke": {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 10}}
        self.assertEqual(stage["RouteSettings"], reports)


class Parameters(unittest.TestCase):
    def allow(self, name, refused, *allowed):
        pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
        for value in allowed:
            self.assertRegex(value, pattern, name)
        for value in refused:
            self.assertNotRegex(value, pattern, name)

    def test_header_with_the_clients_address_is_not_a_list_of_addresses(self):
        lists = ["X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-FOR"]
        self.allow("ClientIpHeader", [*lists, "X Client", "X-Client:"], "", "X-Client-Ip", "X-Forwarded-For-One")

    def test_what_a_slip_of_the_hand_leaves_is_refused(self):
        self.allow("RolesClaim", [" ", "groups ", "\tgroups"], "", "cognito:groups", "realm_access.roles", "https://example.com/roles")
        self.allow("OidcAudience", ["", " ", "api "], "api", "https://api.example.com", "7k3j5h2g")
        self.allow("OriginSecret", ["short", "with a blank in its midst", "ä" * 20], "", "only-the-proxy-knows")
        origins = ["http://localhost:5173", "https://app.example.com", "*"]
        self.allow("CorsOrigins", ["", "app.example.com", "https://app.example.com/", "https://a.example/path"], *origins)

    def test_page_and_core_take_the_same_secrets_but_for_none(self):
        page = yaml_parse((ROOT / "infra" / "page.yaml").read_text())["Parameters"]["OriginSecret"]
        core = TEMPLATE["Parameters"]["OriginSecret"]
        self.assertEqual(core["AllowedPattern"], f"^({page['AllowedPattern'].strip('^$')})?$")

    def test_defaults_are_values_that_the_patterns_allow(self):
        for name, parameter in TEMPLATE["Parameters"].items():
            if "Default" in parameter and "AllowedPattern" in parameter:
                self.assertRegex(parameter["Default"], parameter["AllowedPattern"], name)


if __name__ == "__main__":
    unittest.main()
