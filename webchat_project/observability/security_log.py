"""What happens at the doors and matters to security: one name for it, whichever door it was.

The request's id and the client's address are on every record, see ``LOGGING``. No event has a
secret, and an account that may not exist is told by a digest.
"""

import hashlib
import logging
import unicodedata
from enum import StrEnum

logger = logging.getLogger("security")


class SecurityEvent(StrEnum):
    """The ``message`` of the record."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    BAD_CREDENTIAL = "bad_credential"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - the name of an event


def log_event(event: SecurityEvent, **fields: str | None) -> None:
    """Log an event, as a warning unless it is as it should be."""
    level = logging.INFO if event is SecurityEvent.SIGNED_IN else logging.WARNING
    logger.log(level, event.value, extra={"fields": fields})


def account_digest(email: str) -> str:
    """An account in one spelling, without saying whose it is.

    The staff's form takes full-width letters for the plain ones.
    """
    spelling = unicodedata.normalize("NFKC", email).strip().lower()
    return hashlib.sha256(spelling.encode("utf-8", "replace")).hexdigest()
