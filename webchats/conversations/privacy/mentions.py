"""Rows that mention a contact without belonging to it: saved searches and uploaded files."""

from django.http import QueryDict

from webchats.conversations.models import Contact, SavedView
from webchats.models.imports import ImportedRows, PendingImport


def delete_mentions(contact: Contact) -> None:
    """Delete the views that search for the contact, and the organization's uploads of contacts.

    An upload awaits its confirmation for an hour, and may have the person's row.
    """
    organization_id = contact.organization_id
    views = SavedView.objects.for_organization(organization_id)
    found = [view.pk for view in views.iterator() if _searches_for(contact, view)]
    SavedView.objects.filter(pk__in=found).delete()
    uploads = PendingImport.objects.for_organization(organization_id)
    uploads.filter(resource=ImportedRows.CONTACTS).delete()


def _searches_for(contact: Contact, view: SavedView) -> bool:
    query = QueryDict(view.query)
    if query.get("contactId") == contact.pk:
        return True
    searched = str(query.get("search", "")).casefold()
    # A single word, such as a first name, is also that of others.
    name = contact.name if " " in contact.name else ""
    known = (contact.email, contact.phone, name)
    return any(text and text.casefold() in searched for text in known)
