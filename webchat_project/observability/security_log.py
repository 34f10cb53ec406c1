"""The security log: events of authentication, authorization and throttling.

The API and the admin site log the same events. Records have the id of the request and the client's
address, and contain no secret. An account that may not exist is identified by a digest.
"""

import hashlib
import logging
import unicodedata
from enum import StrEnum

logger = logging.getLogger("security")


class SecurityEvent(StrEnum):
    """The events. The value is the ``message`` of the log record."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    BAD_CREDENTIAL = "bad_credential"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - the name of an event


def log_event(event: SecurityEvent, **fields: str | None) -> None:
    """Log an event with the level WARNING, a successful sign-in with the level INFO."""
    level = logging.INFO if event is SecurityEvent.SIGNED_IN else logging.WARNING
    logger.log(level, event.value, extra={"fields": fields})


def account_digest(email: str) -> str:
    """Return a digest that is equal for all spellings of an e-mail address.

    Django's sign-in form normalizes full-width letters, too.
    """
    normalized = unicodedata.normalize("NFKC", email).strip().lower()
    return hashlib.sha256(normalized.encode("utf-8", "replace")).hexdigest()
