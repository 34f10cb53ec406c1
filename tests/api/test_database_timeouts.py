import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from tests.support import factories
from webchat_project.api.exceptions import unavailable_or_none
from webchats.models import Webchat

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="Timeouts of PostgreSQL."),
]
MESSAGE = "The request took too long. Narrow it down, or try again later."


def detail_of(error: Exception) -> str:
    unavailable = unavailable_or_none(error)
    assert unavailable is not None
    return str(unavailable.detail)


def test_a_statement_that_takes_too_long_is_canceled() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("10s",)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 10")
        with pytest.raises(OperationalError) as raised:
            cursor.execute("SELECT pg_sleep(5)")
        transaction.set_rollback(True)
    assert detail_of(raised.value) == MESSAGE


def test_a_statement_that_waits_for_a_lock_is_canceled_before_others_wait_for_the_pool() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("1s",)
    webchat = factories.WebchatFactory.create()
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(
        **{name: parameters[name] for name in names if name in parameters}
    ) as other:
        other.execute("SELECT 1 FROM webchats_webchat WHERE id = %s FOR UPDATE", [webchat.pk])
        with pytest.raises(OperationalError) as raised:
            Webchat.objects.filter(pk=webchat.pk).update(name="New")
    assert detail_of(raised.value) == MESSAGE
