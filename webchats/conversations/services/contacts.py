"""The actions on contacts. Each is one transaction that locks the contact's row."""

from typing import Final

from django.db import transaction

from organizations.models import Stage, User
from webchats.conversations.contacts import publish_contact
from webchats.conversations.errors import MovedMeanwhile
from webchats.conversations.locking import lock_contact
from webchats.conversations.models import Contact
from webchats.conversations.moves import save_contact


class _Any:
    """The type of ``ANY_STAGE``."""


#: The ``expected_stage`` of a move from any stage.
ANY_STAGE: Final = _Any()


@transaction.atomic
def move(
    *,
    contact: Contact,
    stage: Stage | None,
    user: User | None,
    expected_stage: Stage | _Any | None = ANY_STAGE,
) -> Contact:
    """Move the contact to a stage, and return it as it is stored.

    The stage also sets the pipeline. Without a stage, the contact keeps its pipeline. Raise
    ``ContactGone``, ``MovedMeanwhile`` if the contact has left ``expected_stage``, and
    ``ValidationError`` for a stage that is not active, or of another organization.
    """
    locked = lock_contact(contact.pk)
    if not isinstance(expected_stage, _Any):
        require_stage(locked, expected_stage.pk if expected_stage else None)
    if locked.stage_id == (stage.pk if stage else None):
        return locked
    locked.stage = stage
    if stage is not None:
        locked.pipeline = stage.pipeline
    locked.clean()
    save_contact(locked, user, columns=())
    publish_contact(locked)
    return locked


def require_stage(contact: Contact, stage_id: str | None) -> None:
    """Raise ``MovedMeanwhile`` unless the locked contact is in the stage (``None``: in none)."""
    if contact.stage_id != stage_id:
        raise MovedMeanwhile(contact, contact.moves.first())
