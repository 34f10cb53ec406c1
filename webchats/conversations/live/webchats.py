"""The webchats of open streams: their rows, and whether a session is still valid."""

from collections.abc import Collection

from webchats.conversations.errors import SessionExpired, WebchatDisabled
from webchats.conversations.live.streams import EndReason
from webchats.conversations.sessions import Session, check_session
from webchats.models import Webchat


def load_webchats(webchat_ids: Collection[str]) -> dict[str, Webchat]:
    """Return the webchats by id, with the columns that decide on sessions, in one query."""
    columns = ("is_enabled", "allowed_domains", "sessions_valid_from")
    return Webchat.objects.only(*columns).in_bulk(list(webchat_ids))


def end_of_session(webchat: Webchat | None, session: Session) -> EndReason | None:
    """Return why the session has ended, ``None`` if it is valid."""
    try:
        check_session(webchat, session)
    except SessionExpired:
        return EndReason.SESSION_EXPIRED
    except WebchatDisabled:
        return EndReason.DISABLED
    return None
