"""The webchats of open streams: their rows, and whether a session is still valid."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final, NamedTuple

from webchat_project.api.compiled_queries import CompiledGet, Placeholder
from webchats.conversations.errors import SessionExpired, WebchatDisabled
from webchats.conversations.live.streams import EndReason
from webchats.conversations.sessions import Session, check_session
from webchats.models import Webchat

NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Terms(NamedTuple):
    """The columns of a webchat that decide whether a session is valid, and its organization."""

    pk: str
    organization_id: str
    is_enabled: bool
    allowed_domains: list[str]
    sessions_valid_from: datetime | None


def terms_of(webchat: Webchat) -> Terms:
    """Return the columns that decide on sessions."""
    return Terms(*(getattr(webchat, column) for column in Terms._fields))


def load_terms(webchat_ids: Collection[str]) -> dict[str, Terms]:
    """Return the terms of those of the webchats that exist, in one query."""
    rows = Webchat.objects.order_by().filter(pk__in=webchat_ids)
    return {row[0]: Terms(*row) for row in rows.values_list(*Terms._fields)}


def load_webchat(webchat_id: str) -> Webchat | None:
    """Return a webchat. Each new stream runs the query, so it is compiled once."""
    return _compiled_get()(pk=webchat_id)


@cache
def _compiled_get() -> CompiledGet[Webchat]:
    return CompiledGet(Webchat.objects.order_by().filter(pk=Placeholder("pk")))


def end_of_session(terms: Terms | None, session: Session) -> EndReason | None:
    """Return why the session has ended, ``None`` if it is valid."""
    try:
        check_session(terms, session)
    except SessionExpired:
        return EndReason.SESSION_EXPIRED
    except WebchatDisabled:
        return EndReason.DISABLED
    return None


class OpenWebchats:
    """The webchats of open streams, and the terms for which the sessions are valid."""

    def __init__(self) -> None:
        self._streams: Counter[str] = Counter()
        #: ``None`` if the sessions were checked with different terms.
        self._terms: dict[str, Terms | None] = {}
        #: The organization by webchat.
        self._organizations: dict[str, str] = {}
        #: No session ends by its age before.
        self.first_expiry = NEVER

    def add(self, session: Session, terms: Terms) -> None:
        """Add a stream whose session was checked with ``terms``."""
        self._streams[terms.pk] += 1
        self._organizations[terms.pk] = terms.organization_id
        if self._terms.setdefault(terms.pk, terms) != terms:
            self._terms[terms.pk] = None
        self.first_expiry = min(self.first_expiry, session.expires_at)

    def remove(self, webchat_id: str) -> None:
        """Remove a stream."""
        self._streams[webchat_id] -= 1
        if not self._streams[webchat_id]:
            del self._streams[webchat_id], self._terms[webchat_id], self._organizations[webchat_id]

    def ids(self) -> tuple[str, ...]:
        """Return the ids."""
        return tuple(self._streams)

    def organization_ids(self) -> set[str]:
        """Return the ids of their organizations."""
        return set(self._organizations.values())

    def update(self, terms: Mapping[str, Terms | None]) -> set[str]:
        """Return the ids of the webchats whose sessions must be checked with these terms.

        ``None`` is for a webchat that was deleted.
        """
        changed = {
            pk
            for pk, new in terms.items()
            if pk in self._terms and (new is None or new != self._terms[pk])
        }
        self._terms |= {pk: terms[pk] for pk in changed}
        return changed
