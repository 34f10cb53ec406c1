"""Visitors who wait while no member is online, and the e-mails that report them.

Each wait is reported once. ``Conversation.unattended_at`` is set in the transaction that requests
the e-mails, and each member's e-mail lists the conversations found after ``User.emailed_up_to``.
An e-mail that is late, because the mail server was unavailable, is therefore still correct.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from organizations.jobs.queue import enqueue
from organizations.models import Organization, User
from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.models import Conversation, ConversationQuerySet
from webchats.conversations.notifications.recipients import find_members, waits_for_rep

#: The job that sends one e-mail to the user whose id is its key.
JOB_KIND: Final = "email"
#: How long a visitor waits, and nobody is online, before e-mails are sent.
ABSENCE: Final = timedelta(minutes=5)
#: Waits that began earlier are not reported, such as those from before e-mails were configured.
REPORTED_WITHIN: Final = timedelta(hours=24)
#: Conversations that one call reports in an organization. The next call reports others.
_BATCH: Final = 1_000


def report_unattended() -> None:
    """Request e-mails about visitors who have waited for ``ABSENCE`` while nobody was online.

    Nothing is reported while no e-mail can be sent. Several workers may call it at the same time.
    """
    if not settings.EMAIL_ENABLED:
        return
    unreported = _find_unreported(timezone.now())
    organizations = unreported.filter(~Exists(_online_members(OuterRef("organization_id"))))
    for pk in organizations.order_by().values_list("organization_id", flat=True).distinct():
        _report(pk)


@transaction.atomic
def _report(organization_id: str) -> None:
    # One transaction at a time, so that ``unattended_at`` grows in the order of the commits, and
    # ``emailed_up_to`` covers all that is before it.
    organizations = Organization.objects.select_for_update(
        of=("self",), no_key=True, skip_locked=True
    )
    if organizations.filter(pk=organization_id).first() is None:
        return
    now = timezone.now()
    unreported = _find_unreported(now).for_organization(organization_id)
    rows = unreported.order_by("waiting_since").select_for_update(no_key=True, skip_locked=True)
    found = dict(rows.values_list("pk", "assignee_id")[:_BATCH])
    Conversation.objects.filter(pk__in=found).update(unattended_at=now)
    members = set(find_subscribers(organization_id).values_list("pk", flat=True))
    recipients = members & set(found.values())
    if set(found.values()) - recipients:
        recipients = members
    for user_id in recipients:
        enqueue(JOB_KIND, key=user_id, organization_id=organization_id)


def find_subscribers(organization_id: str) -> TenantQuerySet[User]:
    """Return the members who answer visitors and have e-mails turned on."""
    return find_members(organization_id).filter(gets_email=True)


def find_to_report(user: User) -> ConversationQuerySet[Conversation]:
    """Return the conversations of the next e-mail to a subscriber, longest wait first.

    A conversation is reported to its assignee, or to all subscribers if the assignee is none of
    them. The result is empty while somebody is online.
    """
    if _online_members(user.organization_id).exists():
        return Conversation.objects.none()
    others = find_subscribers(str(user.organization_id)).exclude(pk=user.pk)
    rows = Conversation.objects.for_organization(user.organization_id).filter(
        waits_for_rep(),
        ~Q(assignee__in=others),
        unattended_at__gte=F("waiting_since"),
    )
    if user.emailed_up_to is not None:
        rows = rows.filter(unattended_at__gt=user.emailed_up_to)
    return rows.order_by("waiting_since", "id")


def _find_unreported(now: datetime) -> ConversationQuerySet[Conversation]:
    """Return the conversations whose visitors have waited for ``ABSENCE``, without a report."""
    return Conversation.objects.filter(
        # The condition of the index ``conversation_unreported``.
        Q(unattended_at=None) | Q(unattended_at__lt=F("waiting_since")),
        waits_for_rep(),
        waiting_since__gt=now - REPORTED_WITHIN,
        waiting_since__lte=now - ABSENCE,
    )


def _online_members(organization_id: object) -> TenantQuerySet[User]:
    """Return the members who were online, and not away, less than ``ABSENCE`` ago."""
    return User.objects.filter(
        organization_id=organization_id,
        is_active=True,
        online_until__gt=timezone.now() - ABSENCE,
    )
