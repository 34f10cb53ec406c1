"""Health checks: ``/healthz`` (liveness) and ``/readyz`` (readiness)."""

import logging
from pathlib import Path

from django.conf import settings
from django.core.cache import cache, caches
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webchat_project.postgresql.disconnection import disconnected_after
from webchats.icons.storage import StorageUnavailable, icon_storage

logger = logging.getLogger(__name__)

#: Seconds in which the database must respond.
DATABASE_TIMEOUT = 2
#: Seconds for which the state of the icon storage is cached. Anybody can call ``/readyz``, and
#: each request to the storage costs time and money.
STORAGE_TIMEOUT = 10


@never_cache
@require_safe
def liveness(request: HttpRequest) -> JsonResponse:
    """Return 200, or 503 while ``DRAIN_FILE`` exists.

    With a 503 the load balancer stops sending requests, before the process stops.
    """
    if settings.DRAIN_FILE and Path(settings.DRAIN_FILE).exists():
        return JsonResponse({"status": "draining"}, status=503)
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readiness(request: HttpRequest) -> JsonResponse:
    """Return 200 if all dependencies are available, else 503. The body has the state of each."""
    checks = {
        "database": _is_database_available(),
        "storage": _is_storage_available(),
        "cache": _is_cache_available(),
        "migrations": migrations.are_applied(),
    }
    is_ready = all(checks.values())
    body = {
        "status": "ok" if is_ready else "unavailable",
        "checks": {name: "ok" if passed else "failed" for name, passed in checks.items()},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _is_database_available() -> bool:
    try:
        with disconnected_after(DATABASE_TIMEOUT), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.error("The database is unavailable: %s", error)
        return False
    return True


class MigrationCheck:
    """The state of the migrations of this release, which is cached once all are applied."""

    def __init__(self) -> None:
        self._applied = False

    def are_applied(self) -> bool:
        """Return whether all migrations are applied."""
        self._applied = self._applied or self._check()
        return self._applied

    def _check(self) -> bool:
        try:
            with disconnected_after(DATABASE_TIMEOUT):
                executor = MigrationExecutor(connection)
        except DatabaseError as error:
            logger.error("The applied migrations cannot be read: %s", error)
            return False
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            logger.error("%d migrations are not applied.", len(pending))
        return not pending


migrations = MigrationCheck()


def _is_cache_available() -> bool:
    # Not every backend has the method. An isinstance test would import redis, which is slow.
    is_available = getattr(caches["default"], "is_available", None)
    return is_available is None or is_available()


def _is_storage_available() -> bool:
    return bool(cache.get_or_set("health:storage", _check_storage, STORAGE_TIMEOUT))


def _check_storage() -> bool:
    try:
        icon_storage().check_connection()
    except StorageUnavailable as error:
        logger.error("%s: %s", error.log_message, error)
        return False
    return True
