"""The PromQL expressions of docs/monitoring, and the metrics and labels that they use."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser as promql
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deployment.service import ROOT

FOLDER = ROOT / "docs" / "monitoring"
ALERTS_FILE = FOLDER / "alerts.yaml"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load(ALERTS_FILE.read_text())["groups"]
    for rule in group["rules"]
}
PANELS: dict[str, dict[str, Any]] = {
    panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"
}
VARIABLES: dict[str, dict[str, Any]] = {
    variable["name"]: variable for variable in DASHBOARD["templating"]["list"]
}

#: Values of Grafana's own variables and the dashboard's, for a server that scrapes every second.
_VARIABLE_VALUES = {
    "$__rate_interval": "5s",
    "$__interval": "5s",
    "$__range": "1m",
    "$job": "webchats",
    "$instance": ".+",
    "$route": VARIABLES["route"]["allValue"],
}
_LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")

#: Labels that Prometheus adds to every series of a target, and the series that it generates.
TARGET_LABELS = {"job", "instance"}
_TARGET_METRICS = {"up"}

#: Values of a label by metric and label.
LabelValues = dict[str, dict[str, set[str]]]
#: By metric and label: regular expressions, each of which has to match a value of the label.
Uses = dict[str, dict[str, set[str]]]


class Expression(NamedTuple):
    """An expression and the place that uses it."""

    place: str
    text: str
    #: Labels that the legend, title or annotation shows: each result must have them.
    shown: frozenset[str]


def dashboard_expressions() -> Iterator[Expression]:
    """Yield the expressions of all panels, variables and annotations, with values for variables."""
    for title, panel in PANELS.items():
        for target in panel["targets"]:
            yield _expression(title, target["expr"], target["legendFormat"])
    for name, variable in VARIABLES.items():
        if variable["type"] == "query":
            query = _LABEL_VALUES.fullmatch(variable["query"]["query"])
            assert query, name
            yield _expression(f"${name}", f"count by ({query[2]}) ({query[1]})", "")
    for annotation in DASHBOARD["annotations"]["list"]:
        if "target" in annotation:
            text = annotation["target"]["expr"]
            yield _expression(annotation["name"], text, annotation["titleFormat"])


def alert_expressions() -> Iterator[Expression]:
    """Yield the expressions of all alerting rules."""
    for name, rule in ALERTS.items():
        shown = frozenset(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        yield Expression(name, rule["expr"], shown)


def _expression(place: str, text: str, legend: str) -> Expression:
    for variable, value in _VARIABLE_VALUES.items():
        text = re.sub(rf"{re.escape(variable)}\b", value, text)
    assert "$" not in text, f"{place} uses an unknown variable: {text}"
    return Expression(place, text, frozenset(re.findall(r"\{\{(\w+)\}\}", legend)))


def find_uses(text: str) -> Uses:
    """Return the metrics and labels of an expression.

    Raises ``ValueError`` if it is not valid PromQL.
    """
    uses: Uses = defaultdict(lambda: defaultdict(set))

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            assert node.name
            for matcher in node.matchers.matchers:
                uses[node.name][matcher.name] |= _patterns(matcher)
        for label in _grouping(node):
            for metric in _metrics(node):
                uses[metric][label] |= set()

    promql.walk(promql.parse(text), visit)
    return uses


def parse_label_values(exposition: str) -> LabelValues:
    """Return the values of each label of an exposition in Prometheus' text format."""
    found: LabelValues = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def missing_in(exposed: LabelValues, text: str) -> Iterator[str]:
    """Yield a message for each metric, label and value of an expression that is not exposed."""
    for metric, labels in find_uses(text).items():
        if metric not in exposed and metric not in _TARGET_METRICS:
            yield f"unknown metric {metric}"
        for label in labels.keys() - TARGET_LABELS:
            values = exposed.get(metric, {}).get(label)
            if values is None:
                yield f"{metric} has no label {label}"
                continue
            for pattern in labels[label]:
                if not any(re.fullmatch(pattern, value) for value in values):
                    yield f"no {label} of {metric} matches {pattern}"


def result_labels(text: str) -> set[str] | None:
    """Return the labels of an expression's result; ``None`` if it keeps those of its metrics."""
    found: list[set[str]] = []

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.AggregateExpr):
            found.append(set(node.modifier.labels) if node.modifier else set())
        return not found

    promql.walk(promql.parse(text), visit)
    return found[0] if found else None


def _patterns(matcher: promql.Matcher) -> set[str]:
    if matcher.op in (promql.MatchOp.Re, promql.MatchOp.NotRe):
        return set(matcher.value.split("|"))
    return {re.escape(matcher.value)}


def _grouping(node: promql.Expr) -> list[str]:
    """Return the labels of ``by``, ``without``, ``on`` and ``ignoring``."""
    if isinstance(node, promql.AggregateExpr) and node.modifier:
        return node.modifier.labels
    if isinstance(node, promql.BinaryExpr) and node.modifier and node.modifier.matching:
        return node.modifier.matching.labels
    return []


def _metrics(node: promql.Expr) -> set[str]:
    names: set[str] = set()

    def visit(inner: promql.Expr) -> None:
        if isinstance(inner, promql.VectorSelector):
            names.add(inner.name or "")

    promql.walk(node, visit)
    return names
