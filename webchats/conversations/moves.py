"""The moves of contacts between stages, recorded by every write of a contact's stage."""

from collections.abc import Iterable
from typing import Final

from django.utils import timezone

from organizations.fields import NAME_LENGTH
from organizations.models import Pipeline, Stage, User
from webchats.conversations.models import Contact, StageMove

#: The columns whose change is a move.
_PLACEMENT: Final = {"pipeline_id", "stage_id"}


def save_contact(
    contact: Contact, user: User | None, *, columns: Iterable[str] | None = None
) -> StageMove | None:
    """Save a contact, and return the move that its new pipeline or stage makes, if it has one.

    ``columns`` are those to write; ``None``: all. Nobody has moved the contact (``user`` is
    ``None``) if it came by a message, an import or the system. The caller has locked a stored
    contact, and its transaction writes both rows.
    """
    former = contact.stored_placement()
    is_moved = former != (contact.pipeline_id, contact.stage_id)
    if is_moved and former[1] != contact.stage_id:
        contact.stage_entered_at = timezone.now() if contact.stage_id else None
    if columns is None:
        contact.save()
    else:
        written = {*columns, "updated_at"}
        if is_moved:
            written |= {"pipeline", "stage", "stage_entered_at"}
        contact.save(update_fields=written)
    if not is_moved:
        return None
    move = make_move(contact, former, user)
    move.save(force_insert=True)
    return move


def make_move(
    contact: Contact, former: tuple[str | None, str | None], user: User | None
) -> StageMove:
    """Return the unsaved move of a contact from its ``former`` ids of pipeline and stage."""
    pipeline_id, stage_id = former
    pipeline = Pipeline.objects.filter(pk=pipeline_id).first() if pipeline_id else None
    stage = Stage.objects.filter(pk=stage_id).first() if stage_id else None
    return build_move(contact, pipeline, stage, user)


def build_move(
    contact: Contact, from_pipeline: Pipeline | None, from_stage: Stage | None, user: User | None
) -> StageMove:
    """Return the unsaved move of a contact from a pipeline and stage, without a query."""
    return StageMove(
        organization_id=contact.organization_id,
        contact=contact,
        from_pipeline=from_pipeline,
        from_pipeline_name=from_pipeline.name if from_pipeline else "",
        from_stage=from_stage,
        from_stage_name=from_stage.name if from_stage else "",
        to_pipeline=contact.pipeline,
        to_pipeline_name=contact.pipeline.name if contact.pipeline else "",
        to_stage=contact.stage,
        to_stage_name=contact.stage.name if contact.stage else "",
        moved_by=user,
        moved_by_name=user.get_full_name()[:NAME_LENGTH] if user else "",
        at=contact.stage_entered_at or timezone.now(),
    )
