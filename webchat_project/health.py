"""What a load balancer asks."""

import logging
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.cache import cache, caches
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webchats.icons.storage import StorageUnavailable, icon_storage

logger = logging.getLogger(__name__)

#: For how long the storage's answer is believed: anybody may ask us, and each question to the
#: storage costs time and money.
STORAGE_SECONDS = 10


class HealthMiddleware:
    """Answers these questions before anything looks at the host that was asked for.

    Whoever asks calls a container by its address, which is not among ``ALLOWED_HOSTS``, and by
    plain http.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The view's answer for ``/healthz`` and ``/readyz``."""
        view = {"/healthz": alive, "/readyz": ready}.get(request.path_info)
        if view is None:
            return self.get_response(request)
        answer = view(request)
        # As the middleware behind would do.
        answer.headers["Content-Length"] = str(len(answer.content))
        return answer


@never_cache
@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    """200 while the process can answer at all, and 503 when it is about to stop: who asks sends
    nobody here any more, while it still answers."""
    if settings.DRAIN_FILE and Path(settings.DRAIN_FILE).exists():
        return JsonResponse({"status": "draining"}, status=503)
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when what the service depends on answers; 503 names what does not."""
    checks = {
        "database": _database_answers(),
        "storage": _storage_answers(),
        "cache": _cache_answers(),
        "migrations": migrations.are_applied(),
    }
    is_ready = all(checks.values())
    body = {
        "status": "ok" if is_ready else "unavailable",
        "checks": {name: "ok" if passed else "failed" for name, passed in checks.items()},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.error("The database does not answer: %s", error)
        return False
    return True


class Migrations:
    """Whether the database has the tables that this release of the service expects."""

    def __init__(self) -> None:
        self._applied = False

    def are_applied(self) -> bool:
        """Asked until they are, and not again: a release takes none back."""
        self._applied = self._applied or self._ask()
        return self._applied

    def _ask(self) -> bool:
        try:
            executor = MigrationExecutor(connection)
        except DatabaseError as error:
            logger.error("The database does not say which migrations it has: %s", error)
            return False
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            logger.error("%d migrations are not applied.", len(pending))
        return not pending


migrations = Migrations()


def _cache_answers() -> bool:
    # (Django's ``cache`` stands for the backend; memory is always there.) Redis' client, whose
    # import takes longer than any other, is not named where it is not used.
    answers = getattr(caches["default"], "answers", None)
    return answers is None or answers()


def _storage_answers() -> bool:
    return bool(cache.get_or_set("health:storage", _ask_storage, STORAGE_SECONDS))


def _ask_storage() -> bool:
    try:
        icon_storage().check_connection()
    except StorageUnavailable as error:
        logger.error("%s: %s", error.log_message, error)
        return False
    return True
