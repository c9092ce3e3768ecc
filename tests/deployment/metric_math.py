"""The part of CloudWatch's metric math that the alarms use, with its rules for missing data.

CloudWatch evaluates an expression for each period. A period without a data point is missing, which is not zero:

- Arithmetic takes a missing value for 0 only beside a value that is present. Two missing values, or a missing
  value and a constant, give a missing value.
- `FILL` fills the gaps of a metric. A metric that has no data point at all has no gaps, so nothing is filled.
- A comparison with a missing value gives a missing value.
"""

import operator


class Series:
    """The values of a metric or an expression, one for each period; None is a missing value."""

    def __init__(self, values):
        self.values = list(values)

    def each(self, other, calculate):
        others = other.values if isinstance(other, Series) else [other] * len(self.values)
        return Series(calculate(one, two) for one, two in zip(self.values, others, strict=True))

    def arithmetic(self, other, calculate):
        if not isinstance(other, Series):
            return Series(None if value is None else calculate(value, other) for value in self.values)
        return self.each(other, lambda one, two: None if one is None and two is None else calculate(one or 0, two or 0))

    def compare(self, other, calculate):
        return self.each(other, lambda one, two: None if one is None or two is None else int(calculate(one, two)))

    def __add__(self, other):
        return self.arithmetic(other, operator.add)

    def __sub__(self, other):
        return self.arithmetic(other, operator.sub)

    def __mul__(self, other):
        return self.arithmetic(other, operator.mul)

    def __eq__(self, other):
        return self.compare(other, operator.eq)

    def __ge__(self, other):
        return self.compare(other, operator.ge)

    def __and__(self, other):
        return self.compare(other, lambda one, two: one and two)

    __hash__ = None


def fill(filled, value):
    if isinstance(filled, list):
        return [fill(series, value) for series in filled]
    if all(one is None for one in filled.values):
        return filled
    return Series(value if one is None else one for one in filled.values)


def total(series):
    periods = zip(*(one.values for one in series), strict=True)
    present = ([value for value in values if value is not None] for values in periods)
    return Series(sum(values) if values else None for values in present)


def choose(condition, then, otherwise):
    return Series(None if one is None else then if one else otherwise for one in condition.values)


def evaluate(expression, metrics):
    """The values of an expression for metrics that are given by their IDs, as lists of equal length."""
    series = {name: Series(values) for name, values in metrics.items()}
    functions = {"FILL": fill, "IF": choose, "SUM": total, "METRICS": lambda: list(series.values())}
    return eval(expression.replace(" AND ", " & "), functions, series).values


def fires(alarm, metrics):
    """Whether an alarm on an expression fires in the course of these periods."""
    (expression,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    values = evaluate(expression, metrics)
    compare = {"GreaterThanThreshold": operator.gt, "GreaterThanOrEqualToThreshold": operator.ge}
    exceeds = compare[alarm["ComparisonOperator"]]
    assert alarm["TreatMissingData"] == "notBreaching"
    breaching = [value is not None and exceeds(value, alarm["Threshold"]) for value in values]
    windows = (breaching[start : start + alarm["EvaluationPeriods"]] for start in range(len(breaching)))
    return any(sum(window) >= alarm["DatapointsToAlarm"] for window in windows)
