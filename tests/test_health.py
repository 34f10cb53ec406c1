"""The health checks ``/healthz`` and ``/readyz``."""

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
def _new_migration_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrations", health.MigrationCheck())


def fail(*arguments: Any, **options: Any) -> None:
    raise OperationalError("connection failed")


def test_healthz_returns_ok() -> None:
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readyz_returns_ok() -> None:
    response = Client().get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "storage": "ok", "cache": "ok", "migrations": "ok"},
    }


def test_readyz_fails_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "cursor", fail)
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "unavailable",
        "checks": {"database": "failed", "storage": "ok", "cache": "ok", "migrations": "failed"},
    }


def test_readyz_fails_until_migrations_are_applied() -> None:
    applied = MigrationRecorder(connection)
    name = max(name for app, name in applied.applied_migrations() if app == "webchats")
    applied.record_unapplied("webchats", name)
    for _ in range(2):
        response = Client().get("/readyz")
        assert response.status_code == 503
        assert response.json()["checks"] == {
            "database": "ok",
            "storage": "ok",
            "cache": "ok",
            "migrations": "failed",
        }
    applied.record_applied("webchats", name)
    assert Client().get("/readyz").status_code == 200


def test_applied_migrations_are_not_checked_again(
    django_assert_num_queries: Any,
) -> None:
    Client().get("/readyz")
    with django_assert_num_queries(1):
        assert Client().get("/readyz").status_code == 200


def test_healthz_does_not_use_the_database(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(connection, "cursor", fail)
    with django_assert_num_queries(0):
        assert Client().get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_have_a_content_length(path: str) -> None:
    response = Client().get(path)
    assert response.headers["Content-Length"] == str(len(response.content))


def test_healthz_fails_while_the_drain_file_exists(settings: Settings, tmp_path: Path) -> None:
    settings.DRAIN_FILE = str(tmp_path / "draining")
    assert Client().get("/healthz").status_code == 200
    (tmp_path / "draining").touch()
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (503, {"status": "draining"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_responds_over_plain_http_to_any_host(path: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    assert Client().get(path, headers={"host": "10.0.0.7:8000"}).status_code == 200
    assert Client().get("/", headers={"host": "10.0.0.7:8000"}).status_code == 400
