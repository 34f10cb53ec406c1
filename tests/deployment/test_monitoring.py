"""docs/monitoring: the dashboard and the alerting rules match the metrics of the service."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from organizations.auth.tokens import AccessToken
from organizations.jobs import metrics as job_metrics
from organizations.models import User
from tests.deployment import service
from tests.deployment.conversation_stack import LIVE_COMMAND
from tests.deployment.expressions import (
    ALERTS,
    ALERTS_FILE,
    DASHBOARD,
    PANELS,
    TARGET_LABELS,
    VARIABLES,
    LabelValues,
    alert_expressions,
    dashboard_expressions,
    find_uses,
    missing_in,
    parse_label_values,
    result_labels,
)
from tests.deployment.prometheus import TOKEN, Prometheus, running_instance, running_prometheus
from tests.deployment.site import Site
from tests.deployment.traffic import DOMAIN, Traffic
from tests.support import factories
from tests.test_docs import find_headings, to_anchor
from webchat_project.cache import breaker
from webchats.conversations.live import metrics as live_metrics
from webchats.conversations.replies import metrics as reply_metrics

OPERATIONS = service.ROOT / "docs" / "operations.md"
GRID_COLUMNS = 24
#: A cache that refuses connections.
NO_SERVER = "redis://127.0.0.1:1/0"

every_panel = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
every_alert = pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)


def require(program: str) -> None:
    """Skip the test if a program of Debian's package prometheus is missing; fail it in CI."""
    if shutil.which(program) is None:
        reason = f"No {program}: install prometheus."
        assert "CI" not in os.environ, reason
        pytest.skip(reason)


# --- Metrics that expressions use ---


@pytest.fixture
def exposition(admin: User, settings: Settings, tmp_path: Path) -> Iterator[LabelValues]:
    """The values of each label of each metric, as ``/metrics`` returns them after some requests."""
    if connection.vendor != "postgresql":
        pytest.skip("Only PostgreSQL has a connection pool: run without --database sqlite.")
    settings.METRICS_TOKEN = TOKEN
    cache = {"BACKEND": "webchat_project.cache.ResilientRedisCache", "LOCATION": NO_SERVER}
    settings.CACHES = {"default": cache}

    def send(method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
        type_ = headers.get("Content-Type", "")
        response = Client(headers=headers).generic(method, path, body, content_type=type_)
        b"".join(response)  # A download is counted when it has been read.
        return response.status_code

    webchat = factories.WebchatFactory.create(user=admin, allowed_domains=[DOMAIN])
    key = str(AccessToken.for_user(admin))
    traffic = Traffic(send, key, webchat.pk, webchat.prompt_id)
    traffic.send_all()
    traffic.fail(tmp_path / "icons")
    # Exposed by the process that holds streams, and by the worker.
    live_metrics.STREAMS.labels("visitor").inc(0)
    job_metrics.initialize(["reply"])
    job_metrics.read_queue(["reply"])
    reply_metrics.REPLIES.labels("sent").inc(0)
    response = Client(headers={"authorization": f"Bearer {TOKEN}"}).get("/metrics")
    yield parse_label_values(response.content.decode())
    breaker.reset()


@pytest.mark.django_db
def test_every_metric_label_and_value_in_an_expression_exists(
    exposition: LabelValues,
) -> None:
    problems = [
        f"{expression.place}: {problem}"
        for expression in [*dashboard_expressions(), *alert_expressions()]
        for problem in missing_in(exposition, expression.text)
    ]
    assert problems == []


def test_every_metric_of_the_service_is_on_the_dashboard() -> None:
    used = {name for item in dashboard_expressions() for name in find_uses(item.text)}
    documented = set(re.findall(r"^\| `(webchats_\w+)` \|", OPERATIONS.read_text(), re.MULTILINE))
    assert documented
    assert documented <= {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}


# --- The dashboard ---


def test_panel_ids_and_titles_are_unique() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    titles = [panel["title"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)


def test_panels_fill_the_grid_without_overlaps() -> None:
    cells: list[set[tuple[int, int]]] = []
    for panel in DASHBOARD["panels"]:
        x, y, w, h = (panel["gridPos"][name] for name in "xywh")
        assert x + w <= GRID_COLUMNS
        cells.append({(column, row) for column in range(x, x + w) for row in range(y, y + h)})
    assert not any(first & second for first, second in combinations(cells, 2))


@every_panel
def test_a_panel_has_description_unit_and_ascending_thresholds(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    base, *steps = [step["value"] for step in defaults["thresholds"]["steps"]]
    assert base is None
    assert steps == sorted(set(steps))


def test_every_query_uses_the_selected_data_source() -> None:
    queries = [
        *PANELS.values(),
        *(target for panel in PANELS.values() for target in panel["targets"]),
        *(variable for variable in VARIABLES.values() if variable["type"] == "query"),
        *(item for item in DASHBOARD["annotations"]["list"] if "target" in item),
    ]
    selected = {"type": VARIABLES["datasource"]["query"], "uid": "${datasource}"}
    assert [query for query in queries if query["datasource"] != selected] == []


@every_panel
def test_queries_of_a_panel_have_different_references(panel: dict[str, Any]) -> None:
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)


def test_every_query_filters_by_job_and_instance() -> None:
    for expression in dashboard_expressions():
        if not expression.place.startswith("$"):
            for metric, labels in find_uses(expression.text).items():
                assert labels.keys() >= TARGET_LABELS, (expression.place, metric)


# --- The alerting rules ---


@every_alert
def test_alert_has_duration_severity_and_links_to_instructions(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+m", alert["for"])
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"]["summary"].endswith(".")
    anchors = {to_anchor(heading) for _, heading in find_headings(OPERATIONS)}
    links = set(
        re.findall(r"\(docs/operations\.md#([\w-]+)\)", alert["annotations"]["description"])
    )
    assert links
    assert links <= anchors


@every_alert
def test_panels_named_in_an_alert_exist(alert: dict[str, Any]) -> None:
    assert set(re.findall(r'"([^"]+)"', alert["annotations"]["description"])) <= {
        *PANELS,
        "webchats",
    }


def test_labels_in_the_text_of_an_alert_are_labels_of_its_expression() -> None:
    for alert in alert_expressions():
        labels = result_labels(alert.text)
        available = TARGET_LABELS if labels is None else labels
        assert alert.shown <= available, alert.place


def test_dashboard_and_documentation_name_the_existing_alerts() -> None:
    alert = r"\bWebchats[A-Z]\w+"
    assert set(re.findall(alert, str(DASHBOARD))) <= ALERTS.keys()
    rows = re.findall(rf"^\| `({alert})` \| (\w+) \|", OPERATIONS.read_text(), re.MULTILINE)
    assert dict(rows) == {name: rule["labels"]["severity"] for name, rule in ALERTS.items()}


@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "--lint-fatal", str(ALERTS_FILE)), ("test", "rules", "alerts_test.yaml")],
    ids=["valid", "tested"],
)
def test_promtool_accepts_the_rules(arguments: tuple[str, ...]) -> None:
    require("promtool")
    folder = Path(__file__).parent
    command = ["promtool", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- A real Prometheus ---


@pytest.fixture
def prometheus(empty_database: str, static_root: str, tmp_path: Path) -> Iterator[Prometheus]:
    """Prometheus after several scrapes of two instances and a worker.

    One of the instances had failing requests.
    """
    require("prometheus")
    site = Site.create(empty_database, tmp_path, webchats=1)
    # The process that holds streams serves everything else, too.
    command = " ".join(LIVE_COMMAND).replace("0.0.0.0", "127.0.0.1").replace("8000", "{port}")
    live = dataclasses.replace(site, command=command)
    work = f"{sys.executable} manage.py work --listen 127.0.0.1:{{port}}"
    worker = dataclasses.replace(site, command=work)
    with (
        running_instance(worker, "worker", static_root) as (third, _),
        running_instance(site, "first", static_root) as (first, _),
        running_instance(live, "second", static_root, CACHE_URL=NO_SERVER) as (second, icons),
        running_prometheus([first, second, third], tmp_path) as server,
    ):
        Traffic.to_instance(first, site.seeded).send_all()
        traffic = Traffic.to_instance(second, site.seeded)
        traffic.send_all()
        traffic.fail(icons)
        server.wait_for("count_over_time(webchats_storage_failures_total[1m]) > 2", 1)
        yield server


def test_a_real_prometheus_evaluates_every_expression(prometheus: Prometheus) -> None:
    for expression in dashboard_expressions():
        series = prometheus.query(expression.text)
        assert series, expression
        assert all(expression.shown <= item["metric"].keys() for item in series), expression

    (group,) = prometheus.get("rules")["groups"]
    assert {rule["name"]: rule["health"] for rule in group["rules"]} == dict.fromkeys(ALERTS, "ok")

    imported = {
        item["metric"]["outcome"]: float(item["value"][1])
        for expression in dashboard_expressions()
        if expression.place == "Imported rows within the time range"
        for item in prometheus.query(expression.text)
    }
    # The sum of both instances, although Prometheus has never scraped the value 0.
    assert imported == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 2}
