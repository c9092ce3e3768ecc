"""What the core's template says where nothing creates it: alarms, parameters, the alias."""

import unittest

from templates import CORE, translate

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


if __name__ == "__main__":
    unittest.main()
