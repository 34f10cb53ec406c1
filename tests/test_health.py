"""What a load balancer is told."""

from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from webchat_project import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrations", health.MigrationCheck())


def refuse(*arguments: Any, **options: Any) -> None:
    raise OperationalError("connection refused")


def test_the_process_says_that_it_is_alive() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_service_says_that_it_is_ready() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "storage": "ok", "cache": "ok", "migrations": "ok"},
    }


def test_the_service_is_not_ready_without_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "cursor", refuse)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {"database": "failed", "storage": "ok", "cache": "ok", "migrations": "failed"},
    }


def test_the_service_is_not_ready_before_it_is_migrated() -> None:
    applied = MigrationRecorder(connection)
    name = max(name for app, name in applied.applied_migrations() if app == "webchats")
    applied.record_unapplied("webchats", name)
    for _ in range(2):
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {
            "database": "ok",
            "storage": "ok",
            "cache": "ok",
            "migrations": "failed",
        }
    applied.record_applied("webchats", name)
    assert Client().get("/readyz").status_code == 200


def test_migrations_that_are_applied_are_not_asked_for_again(
    django_assert_num_queries: Any,
) -> None:
    Client().get("/readyz")
    with django_assert_num_queries(1):
        assert Client().get("/readyz").status_code == 200


def test_the_process_is_alive_whatever_it_depends_on(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(connection, "cursor", refuse)
    with django_assert_num_queries(0):
        assert Client().get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_answer_says_how_long_it_is(path: str) -> None:
    answer = Client().get(path)
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_an_instance_that_is_about_to_stop_says_so(settings: Settings, tmp_path: Path) -> None:
    settings.DRAIN_FILE = str(tmp_path / "draining")
    assert Client().get("/healthz").status_code == 200
    (tmp_path / "draining").touch()
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "draining"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_responds_over_plain_http_to_any_host(path: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    assert Client().get(path, headers={"host": "10.0.0.7:8000"}).status_code == 200
    assert Client().get("/", headers={"host": "10.0.0.7:8000"}).status_code == 400
