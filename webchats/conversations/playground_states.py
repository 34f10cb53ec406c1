"""The states of the playground's runs, in the cache. A user has one run at a time."""

from typing import Final, Literal, TypedDict, cast

from django.core.cache import cache

from organizations.models import User
from webchats.conversations.serializers import SourceDocument

#: Seconds for which the state of a run can be read.
EXPIRES_SECONDS: Final = 600
_REPLACED: Final = "You have started another run."


class Replaced(Exception):
    """The user has started another run."""


class KnowledgeDocument(TypedDict):
    """A knowledge entry that the model was given."""

    number: int
    entryId: str
    title: str


class TraceDocument(TypedDict):
    """How an answer was made. Tokens are ``None`` for the built-in provider."""

    provider: str
    model: str
    inputTokens: int | None
    outputTokens: int | None
    isEstimated: bool
    firstTokenMs: int | None
    totalMs: int
    endReason: str
    knowledge: list[KnowledgeDocument]


class RunState(TypedDict):
    """The state of a run.

    ``text`` is the text that a visitor would see so far. ``outcome`` is one of ``answer.Outcome``,
    once the state is ``finished``. ``error`` is for staff: the reason of a failure, or of the
    model's hand-over.
    """

    state: Literal["queued", "running", "finished", "handed_over", "failed"]
    text: str
    outcome: str
    sources: list[SourceDocument]
    error: str
    trace: TraceDocument | None


class _Stored(TypedDict):
    user_id: str
    organization_id: str
    state: RunState


def new_state() -> RunState:
    """Return the state of a run that no worker has begun."""
    return RunState(state="queued", text="", outcome="", sources=[], error="", trace=None)


def add_run(run_id: str, user_id: str, organization_id: str) -> str:
    """Store a new run, and cancel the user's previous run in the organization.

    Return the owner of the run, for ``update_state``.
    """
    owner = f"{user_id}:{organization_id}"
    previous = cache.get(_current_key(owner))
    cache.set(_current_key(owner), run_id, EXPIRES_SECONDS)
    stored = _read(previous) if previous else None
    if stored is not None and stored["state"]["state"] in ("queued", "running"):
        stored["state"] |= {"state": "failed", "error": _REPLACED}
        cache.set(_key(previous), stored, EXPIRES_SECONDS)
    _write(run_id, owner, new_state())
    return owner


def update_state(owner: str, run_id: str, state: RunState) -> None:
    """Store the state of a run. Raise ``Replaced`` if the user has started another one."""
    require_current(owner, run_id)
    _write(run_id, owner, state)


def require_current(owner: str, run_id: str) -> None:
    """Raise ``Replaced`` if the user has started another run."""
    if cache.get(_current_key(owner), run_id) != run_id:
        raise Replaced


def read_run(run_id: str, *, user: User) -> RunState | None:
    """Return the state of a run; ``None`` if it has expired or is of another user."""
    stored = _read(run_id)
    if stored is None or stored["user_id"] != user.pk:
        return None
    if not user.is_superuser and stored["organization_id"] != user.organization_id:
        return None
    return stored["state"]


def _read(run_id: str) -> _Stored | None:
    return cast("_Stored | None", cache.get(_key(run_id)))


def _write(run_id: str, owner: str, state: RunState) -> None:
    user_id, organization_id = owner.split(":")
    stored: _Stored = {"user_id": user_id, "organization_id": organization_id, "state": state}
    cache.set(_key(run_id), stored, EXPIRES_SECONDS)


def _key(run_id: str) -> str:
    return f"playground:{run_id}"


def _current_key(owner: str) -> str:
    return f"playground-current:{owner}"
