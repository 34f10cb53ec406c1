"""The e-mail with the figures of last week, and the links by which it is turned off."""

from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.signing import BadSignature, Signer
from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import reverse

from organizations.models import Organization, User
from webchats.conversations.notifications.emails import to_line
from webchats.conversations.reports.figures import Summary
from webchats.conversations.reports.pages.headlines import make_headlines
from webchats.conversations.reports.pages.links import Links
from webchats.conversations.reports.texts import format_days

_NAME_LENGTH: Final = 80
#: The token of the link has no expiry: an old e-mail can be turned off, too.
_signer: Final = Signer(salt="webchats.conversations.reports.weekly")


def make_email(
    user: User, organization: Organization, report: Summary, before: Summary
) -> EmailMultiAlternatives:
    """Return a message in plain text and HTML (RFC 2046, multipart/alternative)."""
    period = report.period
    query = QueryDict(mutable=True)
    query.update({"from": period.first.isoformat(), "to": period.last.isoformat()})
    unsubscribe_url = settings.BASE_URL + make_unsubscribe_path(user)
    context = {
        "organization": to_line(organization.name, _NAME_LENGTH),
        "period": format_days(period.first, period.last),
        "before": format_days(before.period.first, before.period.last),
        "headlines": make_headlines(report, before, Links(query)),
        "report_url": f"{settings.BASE_URL}{reverse('reports:report')}?{query.urlencode()}",
        "unsubscribe_url": unsubscribe_url,
        "time_zone": str(period.zone),
    }
    domain = urlsplit(settings.BASE_URL).hostname or "localhost"
    email = EmailMultiAlternatives(
        f"Last week at {context['organization']}: {_count(report.conversations)}",
        render_to_string("emails/weekly_report.txt", context),
        to=[user.email],
        headers={
            # No program answers it (RFC 3834).
            "Auto-Submitted": "auto-generated",
            # The same after a retry, so that a mail server that has it can drop the copy.
            "Message-ID": f"<report.{user.pk}.{period.last:%Y%m%d}@{domain}>",
            # A button of the mail program, without a sign-in (RFC 8058).
            "List-Unsubscribe": f"<{unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    email.attach_alternative(render_to_string("emails/weekly_report.html", context), "text/html")
    return email


def make_unsubscribe_path(user: User) -> str:
    """Return the path of the page that turns off the user's report."""
    return reverse("reports:unsubscribe", args=[_signer.sign(user.pk)])


def read_unsubscribe_token(token: str) -> str | None:
    """Return the id of the user; ``None`` for a token that this service has not signed."""
    try:
        return _signer.unsign(token)
    except BadSignature:
        return None


def _count(conversations: int) -> str:
    return f"{conversations:,} conversation{'' if conversations == 1 else 's'}"
