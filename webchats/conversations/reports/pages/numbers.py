"""The name of each number of a report, as the heading of the list of its conversations."""

from datetime import date
from typing import Final

from django.utils.formats import date_format

from organizations.models import Organization, Prompt, User
from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.reports.conditions import NONE
from webchats.models import Webchat

_TITLES: Final = {
    "conversations": "Conversations",
    "first_reply": "Conversations with an answer",
    "without_answer": "Conversations without an answer",
    "rep_reply": "Handed over, and answered by a representative",
    "without_rep_reply": "Handed over, without a representative’s reply",
    "waits": "Conversations in which the visitor waited",
    "unanswered": "Conversations without an answer to the last message",
    "resolved": "Resolved conversations",
    "unresolved": "Conversations that are not resolved yet",
    "closed_once": "Conversations that were closed at least once",
    "reopened": "Conversations that were reopened",
    "with_ai": "Conversations with automatic answers",
    "ai_confirmed": "Resolved automatically, confirmed by a rating",
    "ai_assumed": "Resolved automatically, assumed",
    "handed_over": "Conversations that were handed over to a person",
    "asked_for_person": "Conversations in which the visitor asked for a person",
    "drafts_sent": "Conversations with a draft that was sent unchanged",
    "drafts_edited": "Conversations with a draft that was edited",
    "drafts_rejected": "Conversations with a draft that was rejected",
    "drafts_superseded": "Conversations with a draft that was superseded",
    "surveyed": "Conversations whose visitor was asked for a rating",
    "rated": "Rated conversations",
}
_RATINGS: Final = {
    "rating": "Rated {} of 5",
    "rating_ai_only": "Rated {} of 5, automatic answers only",
    "rating_with_rep": "Rated {} of 5, with a representative",
}


def describe(key: str, organization: Organization) -> str:
    """Return the name of a valid key. One of the future is described by itself."""
    name, _, value = key.partition("=")
    if name in _TITLES:
        return _TITLES[name]
    if name in _RATINGS:
        return _RATINGS[name].format(value)
    if name == "day":
        return f"Conversations of {date_format(date.fromisoformat(value), 'l, j F Y')}"
    if name == "hour":
        weekday, hour = map(int, value.split("-"))
        day = date_format(date(2024, 1, weekday), "l")
        return f"Conversations on {day}s, {hour}:00–{hour + 1}:00"
    return _describe_row(name, value, organization)


def _describe_row(name: str, value: str, organization: Organization) -> str:
    pk, _, version = value.partition("-")
    if name == "webchat":
        webchats = Webchat.objects.for_organization(organization.pk)
        return f"Conversations in {_find(webchats, pk, 'no webchat')}"
    if name == "rep":
        members = User.objects.for_organization(organization.pk)
        return f"Conversations answered by {_find(members, pk, 'no representative')}"
    if name == "prompt":
        prompts = Prompt.objects.for_organization(organization.pk)
        suffix = f", version {version}" if version and pk != NONE else ""
        return f"Conversations with the prompt {_find(prompts, pk, 'that is unknown')}{suffix}"
    return "Conversations"


def _find(
    rows: "TenantQuerySet[Webchat] | TenantQuerySet[User] | TenantQuerySet[Prompt]",
    pk: str,
    none: str,
) -> str:
    row = rows.filter(pk=pk).first()
    if row is None:
        return none
    return row.get_full_name() if isinstance(row, User) else row.name
