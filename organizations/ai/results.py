"""The result of a call in its provider's row, for staff.

Everything here uses the database and is synchronous. A failure is only logged: the caller has a
complete answer, or the error of the provider.
"""

import logging
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from organizations.ai.errors import ProviderError
from organizations.ai.providers import ProviderSettings
from organizations.ai.text import remove_unstorable
from organizations.models import AiProvider
from organizations.models.ai_provider import ERROR_LENGTH

_logger: Final = logging.getLogger(__name__)

#: Seconds between two log records of a provider's error.
_LOG_INTERVAL: Final = 3600


def record_ok(settings: ProviderSettings) -> None:
    """Store that a call has succeeded."""
    _store_result(settings, last_ok_at=timezone.now())


def record_error(settings: ProviderSettings, error: ProviderError) -> None:
    """Store the error of a call. Log it at most once an hour per provider and kind."""
    message = remove_unstorable(error.message)
    _store_result(settings, last_error=message[:ERROR_LENGTH], last_error_at=timezone.now())
    if cache.add(f"ai-error:{settings.id or ''}:{error.kind}", True, _LOG_INTERVAL):
        name = settings.id or settings.name
        _logger.warning("AI provider %s (%s): %s", name, error.kind, message)


def _store_result(settings: ProviderSettings, **values: str | datetime) -> None:
    """Update a stored provider, unless its row is locked by a user who changes it.

    A reply must not wait for that, or fail.
    """
    rows = AiProvider.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    free = rows.order_by().filter(pk=settings.id).values("pk")
    try:
        with transaction.atomic():
            AiProvider.objects.filter(pk__in=free).update(**values)
    except Exception:
        _logger.exception("The result of a call of %s was not stored", settings.name)
