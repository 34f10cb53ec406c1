"""What becomes of the conversations of a deleted webchat or assignee, and of a contact's merges.

For ``on_delete``. Conversations that were open get a new ``updated_at``, for clients that compare
versions. For closed ones, of which there can be very many, only a reference becomes empty.
"""

from typing import Final

from django.db import models
from django.db.models.deletion import Collector
from django.utils import timezone

from webchats.conversations.durations import measured
from webchats.conversations.states import DraftState
from webchats.conversations.transitions import Action, ClosedBy, Handler, State, next_handler

#: The visitor id of a conversation that is being deleted. No session has it, so that the visitor
#: gets a new conversation, and no action changes this one.
DETACHED: Final = "deleted"


def close_and_set_null(
    collector: Collector,
    field: "models.ForeignKey[models.Model, models.Model]",
    conversations: models.QuerySet[models.Model],
    using: str,
) -> None:
    """Keep the conversations of a deleted webchat, closed and without pending drafts."""
    # Queries, which the collector runs in this order: each selects the rows left by the previous.
    # Rows would be read, and updated by a hundred at a time.
    _update(collector, "state", State.CLOSED, conversations.filter(state=State.OPEN))
    just_closed = conversations.filter(state=State.CLOSED, closed_at=None)
    _update(collector, "closed_by", ClosedBy.SYSTEM, just_closed)
    now = timezone.now()
    _update(collector, "closed_at", now, just_closed)
    _update(collector, "updated_at", now, conversations.filter(closed_at=now))
    just_closed = conversations.filter(closed_at=now, first_message_at__isnull=False)
    seconds = measured("first_message_at", "closed_at")
    _update(collector, "resolution_seconds", seconds, just_closed)
    with_draft = conversations.filter(drafts__state=DraftState.PENDING)
    _update(collector, "drafts_superseded", models.F("drafts_superseded") + 1, with_draft)
    _supersede_drafts(collector, conversations)
    models.SET_NULL(collector, field, conversations, using)


# Otherwise Django reads all conversations before the call.
close_and_set_null.lazy_sub_objs = True  # type: ignore[attr-defined]


def _update(
    collector: Collector, name: str, value: object, rows: models.QuerySet[models.Model]
) -> None:
    column = rows.model._meta.get_field(name)
    assert isinstance(column, models.Field)
    collector.add_field_update(column, value, rows)


def _supersede_drafts(collector: Collector, conversations: models.QuerySet[models.Model]) -> None:
    # The model of drafts imports that of conversations, which imports this module.
    drafts = conversations.model._meta.get_field("drafts").related_model
    assert drafts is not None
    assert not isinstance(drafts, str)
    state = drafts._meta.get_field("state")
    assert isinstance(state, models.Field)
    of_conversations = conversations.order_by().select_related(None).values("pk")
    pending = drafts._default_manager.filter(
        conversation__in=of_conversations, state=DraftState.PENDING
    )
    collector.add_field_update(state, DraftState.SUPERSEDED, pending)


def release_and_set_null(
    collector: Collector,
    field: "models.ForeignKey[models.Model, models.Model]",
    conversations: models.QuerySet[models.Model],
    using: str,
) -> None:
    """Let the open conversations of a deleted user wait for another person."""
    is_open = conversations.filter(state=State.OPEN)
    handler = next_handler(Handler.REP, Action.ASSIGNEE_DEACTIVATED)
    _update(collector, "handler", handler, is_open.filter(handler=Handler.REP))
    _update(collector, "updated_at", timezone.now(), is_open)
    models.SET_NULL(collector, field, conversations, using)


release_and_set_null.lazy_sub_objs = True  # type: ignore[attr-defined]


def clear_and_set_null(
    collector: Collector,
    field: "models.ForeignKey[models.Model, models.Model]",
    merges: models.QuerySet[models.Model],
    using: str,
) -> None:
    """Keep the merges of a deleted contact without the personal data that they hold."""
    _update(collector, "removed_values", None, merges)
    _update(collector, "kept_values", None, merges)
    models.SET_NULL(collector, field, merges, using)


clear_and_set_null.lazy_sub_objs = True  # type: ignore[attr-defined]
