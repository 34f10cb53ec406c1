"""What the arguments of several commands mean."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.core.management.base import CommandError
from django.db.models import Q

from organizations.models import Organization, User
from organizations.roles import AccessRole, Action, may
from webchats.models import Webchat


def organization_of(text: str) -> Organization:
    """The organization of this id or name."""
    found = list(Organization.objects.filter(Q(pk=text) | Q(name=text))[:2])
    if not found:
        raise CommandError(f"There is no organization {text!r}.")
    if len(found) > 1:
        raise CommandError(f"Several organizations are called {text!r}. Give the id.")
    organization: Organization = found[0]
    return organization


def writer_of(organization: Organization, email: str | None) -> User:
    """Who will own new webchats: the member of this address, or the first administrator."""
    people = User.objects.filter(is_active=True)
    if email is None:
        members = people.filter(organization=organization, access_role=AccessRole.ADMIN)
        first: User | None = members.order_by("created_at", "pk").first()
        if first is None:
            raise CommandError("The organization has no administrator. Name a member by --user.")
        return first
    user: User | None = people.filter(email=email.strip().lower()).first()
    if user is None or (user.organization_id != organization.pk and not user.is_superuser):
        raise CommandError(f"{email!r} is no active member of the organization.")
    if not may(user.role, Action.ADD, Webchat) or not may(user.role, Action.CHANGE, Webchat):
        raise CommandError(f"The role of {email!r} may not write webchats.")
    return user


class Stop:
    """Whether somebody has asked the process to end."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Within the block SIGINT and SIGTERM ask to stop, and the second of them insists."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
