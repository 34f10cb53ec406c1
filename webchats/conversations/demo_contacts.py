"""Contacts of the demo in several stages, so that its board is not empty."""

from datetime import timedelta
from itertools import chain, repeat
from typing import Final, NamedTuple

from django.utils import timezone

from organizations.models import Stage, User
from webchats.conversations import services
from webchats.conversations.models import Contact, StageMove
from webchats.conversations.moves import save_contact
from webchats.models import Webchat


class _Person(NamedTuple):
    """A contact that was added by hand."""

    name: str
    email: str
    phone: str
    #: The number of stages by which the contact has advanced.
    stage: int
    days_ago: int


#: The number of stages by which the visitors of sample conversations have advanced, by name.
_VISITORS: Final = {"Aylin Demir": 1, "Jonas Weber": 2}
_PEOPLE: Final = (
    _Person("Sofia Rossi", "sofia.rossi@example.com", "+39 06 555 0134", 0, 1),
    _Person("Henrik Olsen", "henrik@example.com", "", 0, 4),
    _Person("Camille Laurent", "camille@example.com", "+33 1 55 50 01 77", 1, 6),
    _Person("Piotr Nowak", "piotr.nowak@example.com", "", 1, 13),
    _Person("Scouts of Uppsala", "camp@example.com", "+46 18 555 01 00", 2, 20),
)


def place_contacts(webchat: Webchat, user: User) -> None:
    """Add contacts, and move them and those of the sample conversations to later stages.

    Do nothing for a webchat without a pipeline.
    """
    if webchat.pipeline is None:
        return
    stages = list(webchat.pipeline.stages.active())
    for person in _PEOPLE:
        _move(_add(webchat, user, person), stages, person.stage, user)
    for contact in Contact.objects.filter(webchat=webchat):
        _move(contact, stages, _VISITORS.get(contact.name, 0), user)


def _add(webchat: Webchat, user: User, person: _Person) -> Contact:
    seen_at = timezone.now() - timedelta(days=person.days_ago)
    contact = Contact(
        organization_id=webchat.organization_id,
        name=person.name,
        email=person.email,
        phone=person.phone,
        pipeline=webchat.pipeline,
        stage_id=webchat.entry_stage_id,
        status=webchat.initial_stage,
        first_seen_at=seen_at,
        last_seen_at=seen_at,
    )
    contact.full_clean()
    save_contact(contact, user)
    return contact


def _move(contact: Contact, stages: list[Stage], steps: int, user: User) -> None:
    """Move the contact on, as if that had been done in equal times since its first visit."""
    for stage in stages[1 : steps + 1]:
        services.move(contact=contact, stage=stage, user=user)
    moves = list(StageMove.objects.filter(contact=contact).order_by("at", "id"))
    pause = (timezone.now() - contact.first_seen_at) / len(moves)
    for number, move in enumerate(moves):
        move.at = contact.first_seen_at + number * pause
        move.save(update_fields=["at"])
    Contact.objects.filter(pk=contact.pk).update(stage_entered_at=moves[-1].at)
    # Each move is the change of one version. Those before it are of the first visit.
    versions = contact.history.order_by("-history_date", "-history_id")
    causes = chain(reversed(moves), repeat(moves[0]))
    for version, move in zip(versions, causes, strict=False):
        version.history_date, version.history_user = move.at, move.moved_by
        version.save()
