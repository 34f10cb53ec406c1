"""Contacts that may be the same person. Nothing is merged without a person's decision."""

from dataclasses import dataclass
from typing import Final

from webchats.conversations.models import Contact
from webchats.conversations.phones import StrippedPhone, phone_variants

#: The duplicates that are found by each of both, so at most twice as many.
MAX_FOUND: Final = 20


@dataclass(frozen=True)
class Duplicate:
    """A contact with the e-mail address or the phone number of another one."""

    contact: Contact
    #: The fields that are equal: ``email``, ``phone``.
    matches: list[str]


def find_duplicates(contact: Contact) -> list[Duplicate]:
    """Return the contacts of the organization with the same address or number, newest first.

    Addresses are compared ignoring case, numbers ignoring separators. Each is read from an index.
    """
    # Without an ordering, whose index would be read in place of that of the condition.
    others = Contact.objects.for_organization(contact.organization_id).order_by()
    others = others.exclude(pk=contact.pk)
    found: dict[str, Duplicate] = {}
    if contact.email:
        for row in others.filter(email=contact.email)[:MAX_FOUND]:
            found[row.pk] = Duplicate(row, ["email"])
    if variants := phone_variants(contact.phone):
        same_number = others.filter(phone__gt="").alias(stripped=StrippedPhone("phone"))
        for row in same_number.filter(stripped__in=variants)[:MAX_FOUND]:
            found.setdefault(row.pk, Duplicate(row, [])).matches.append("phone")
    return sorted(found.values(), key=lambda one: one.contact.last_seen_at, reverse=True)
