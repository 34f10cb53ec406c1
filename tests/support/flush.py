"""A faster flush of the test database.

After a test that commits, Django runs the command ``flush``. On PostgreSQL it truncates every
table, which takes 0.2 s and more because each table gets new files. Then it creates content types
and permissions again. Deleting the few rows of a test takes milliseconds.
"""

from unittest import mock

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

#: The rows of these models come from migrations and stay.
KEPT_MODELS = (ContentType, Permission)


def delete_rows(_test_case: TransactionTestCase) -> None:
    """Delete the rows of every model. Replaces ``TransactionTestCase._fixture_teardown``."""
    kept = {model._meta.db_table for model in KEPT_MODELS}
    names = set(connection.introspection.django_table_names(include_views=False)) - kept
    tables = [connection.ops.quote_name(name) for name in sorted(names)]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Wait for transactions of other threads and processes, as TRUNCATE does, however long.
            cursor.execute("SET LOCAL lock_timeout = 0")
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")


def install() -> None:
    """Use ``delete_rows`` after each test that commits, for the rest of the process."""
    mock.patch.object(TransactionTestCase, "_fixture_teardown", delete_rows).start()
