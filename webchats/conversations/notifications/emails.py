"""The e-mail about visitors who wait while nobody is online."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Count, Max, OuterRef, Subquery
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import Truncator

from organizations.models import User
from webchats.conversations.models import Author, Conversation, ConversationQuerySet, Message

#: Conversations that an e-mail lists. It has the number of all.
MAX_LISTED: Final = 20
_NAME_LENGTH: Final = 80
_TEXT_LENGTH: Final = 200


class Waiting(NamedTuple):
    """A visitor who waits. The texts have one line and no control characters."""

    name: str
    text: str
    since: datetime
    webchat: str
    url: str


class Report(NamedTuple):
    """An e-mail, and the newest ``unattended_at`` of the conversations that it reports."""

    email: EmailMultiAlternatives
    up_to: datetime


def make_report(user: User, conversations: ConversationQuerySet[Conversation]) -> Report | None:
    """Return the e-mail to ``user`` about the conversations; ``None`` if there are none."""
    figures = conversations.order_by().aggregate(total=Count("pk"), up_to=Max("unattended_at"))
    if not figures["total"]:
        return None
    messages = Message.objects.filter(conversation=OuterRef("pk"), author=Author.VISITOR)
    last_text = messages.order_by("-sequence").values("text")[:1]
    rows = conversations.filter(unattended_at__lte=figures["up_to"]).select_related(
        "contact", "webchat"
    )
    listed = list(rows.annotate(last_text=Subquery(last_text))[:MAX_LISTED])
    email = _make_email(user, listed, figures["total"], figures["up_to"])
    return Report(email, figures["up_to"])


def _make_email(
    user: User, conversations: Sequence[Conversation], total: int, up_to: datetime
) -> EmailMultiAlternatives:
    """Return a message in plain text and HTML (RFC 2046, multipart/alternative)."""
    waiting = [_describe(row) for row in conversations]
    context = {
        "organization": user.organization,
        "waiting": waiting,
        "total": total,
        "inbox_url": settings.BASE_URL + reverse("inbox:list"),
        "preferences_url": settings.BASE_URL + reverse("inbox:preferences"),
    }
    domain = urlsplit(settings.BASE_URL).hostname or "localhost"
    headers = {
        # No program answers it (RFC 3834).
        "Auto-Submitted": "auto-generated",
        # The same after a retry, so that a mail server that has it already can drop the copy.
        "Message-ID": f"<waiting.{user.pk}.{round(up_to.timestamp() * 1000)}@{domain}>",
    }
    subject = f"{total} visitors are waiting for a reply"
    if total == 1:
        subject = f"{waiting[0].name} is waiting for a reply"
        # Mail programs show the e-mails about a conversation as one thread (RFC 5256).
        thread = f"<conversation.{conversations[0].pk}@{domain}>"
        headers |= {"In-Reply-To": thread, "References": thread}
    email = EmailMultiAlternatives(
        subject, render_to_string("emails/waiting.txt", context), to=[user.email], headers=headers
    )
    email.attach_alternative(render_to_string("emails/waiting.html", context), "text/html")
    return email


def _describe(conversation: Conversation) -> Waiting:
    assert conversation.waiting_since is not None
    return Waiting(
        name=to_line(str(conversation.contact), _NAME_LENGTH),
        text=to_line(getattr(conversation, "last_text", "") or "", _TEXT_LENGTH),
        since=conversation.waiting_since,
        webchat=to_line(conversation.webchat.name if conversation.webchat else "", _NAME_LENGTH),
        url=settings.BASE_URL + reverse("inbox:conversation", args=[conversation.pk]),
    )


def to_line(text: str, length: int) -> str:
    """Return a visitor's text as one line for a header or a body.

    Line breaks would begin another header (RFC 5322, section 2.2). Control and format characters,
    such as those that reverse the direction of text, become spaces.
    """
    visible = "".join(" " if unicodedata.category(each) in ("Cc", "Cf") else each for each in text)
    return Truncator(" ".join(visible.split())).chars(length)
