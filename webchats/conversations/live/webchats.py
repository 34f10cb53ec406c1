"""The webchats of open streams: their rows, and whether a session is still valid."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import NamedTuple

from webchat_project.api.compiled_queries import CompiledGet, Placeholder
from webchats.conversations.errors import SessionExpired, WebchatDisabled
from webchats.conversations.live.streams import EndReason
from webchats.conversations.sessions import Session, check_session
from webchats.models import Webchat


class Terms(NamedTuple):
    """The columns of a webchat that decide whether a session is valid."""

    is_enabled: bool
    allowed_domains: list[str]
    sessions_valid_from: datetime | None


def terms_of(webchat: Webchat) -> Terms:
    """Return the columns that decide on sessions."""
    return Terms(webchat.is_enabled, webchat.allowed_domains, webchat.sessions_valid_from)


def load_webchats(webchat_ids: Collection[str]) -> dict[str, Webchat]:
    """Return the webchats by id, with the columns that decide on sessions, in one query."""
    return Webchat.objects.only(*Terms._fields).in_bulk(list(webchat_ids))


def load_webchat(webchat_id: str) -> Webchat | None:
    """Return a webchat. Each new stream runs the query, so it is compiled once."""
    return _compiled_get()(pk=webchat_id)


@cache
def _compiled_get() -> CompiledGet[Webchat]:
    return CompiledGet(Webchat.objects.order_by().filter(pk=Placeholder("pk")))


def end_of_session(webchat: Webchat | None, session: Session) -> EndReason | None:
    """Return why the session has ended, ``None`` if it is valid."""
    try:
        check_session(webchat, session)
    except SessionExpired:
        return EndReason.SESSION_EXPIRED
    except WebchatDisabled:
        return EndReason.DISABLED
    return None
