"""The record of a widget's last load."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support import factories
from tests.webchats.widget.visitor import SITE, get_config
from webchats.models import LastLoad, Webchat

pytestmark = pytest.mark.django_db


def test_a_load_is_recorded_with_time_and_host(webchat: Webchat) -> None:
    get_config(webchat, Origin="https://shop.example.com:8443")
    load = LastLoad.objects.get()
    assert (load.webchat, load.host) == (webchat, "shop.example.com")
    assert timezone.now() - load.loaded_at < timedelta(minutes=1)


def test_a_load_is_recorded_once_a_minute(webchat: Webchat) -> None:
    Webchat.objects.update(allowed_domains=[])
    with time_machine.travel(timezone.now(), tick=False) as clock:
        get_config(webchat, Origin="https://first.test")
        clock.shift(59)
        with CaptureQueriesContext(connection) as queries:
            get_config(webchat, Origin="https://second.test")
        assert len(queries) == 1  # the webchat, with its organization and last load
        assert LastLoad.objects.get().host == "first.test"
        clock.shift(1)
        get_config(webchat, Origin="https://third.test")
        assert LastLoad.objects.get().host == "third.test"


def test_disallowed_request_is_not_recorded(webchat: Webchat) -> None:
    get_config(webchat, Origin="https://evil.test")
    assert not LastLoad.objects.exists()


@pytest.mark.parametrize(
    "origin", ["null", "https://" + "a" * 300 + ".test", "https://[", "https://é.test", "\x00", "x"]
)
def test_an_origin_without_a_valid_host_is_recorded_without_host(origin: str) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    assert get_config(webchat, Origin=origin).status_code == 200
    assert LastLoad.objects.get().host == ""


def test_a_failed_write_does_not_affect_the_visitor(
    webchat: Webchat, caplog: pytest.LogCaptureFixture
) -> None:
    def lock(
        execute: Callable[..., object], sql: str, params: Sequence[object], *rest: object
    ) -> object:
        if sql.startswith("INSERT"):
            raise OperationalError("database is locked")
        return execute(sql, params, *rest)

    with connection.execute_wrapper(lock):
        response = get_config(webchat, Origin=SITE)
    assert response.status_code == 200
    assert "was not recorded" in caplog.text


def test_it_is_deleted_with_its_webchat(webchat: Webchat) -> None:
    get_config(webchat, Origin=SITE)
    webchat.delete()
    assert not LastLoad.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows, not the database")
def test_a_visitor_does_not_wait_for_a_locked_database(
    caplog: pytest.LogCaptureFixture,
) -> None:
    webchat = factories.WebchatFactory.create(allowed_domains=[])
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        # With the busy timeout of the settings this would take 20 seconds.
        response = get_config(webchat, Origin=SITE)
    finally:
        other.rollback()
        other.close()
    assert response.status_code == 200
    assert "was not recorded" in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (20_000,)
