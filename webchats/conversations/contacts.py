"""The contact behind a conversation."""

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from webchats.conversations.events import conversation_changed
from webchats.conversations.locking import lock_contact
from webchats.conversations.models import Contact, Conversation
from webchats.conversations.moves import save_contact
from webchats.conversations.validation import ContactDetails, Page
from webchats.models import Webchat

#: The precision of ``last_seen_at``, so that not every message writes to the row and its indexes.
LAST_SEEN_PRECISION: Final = timedelta(minutes=1)
#: The conversations whose change ``publish_contact`` publishes.
MAX_PUBLISHED: Final = 100


def update_contact(
    webchat: Webchat, contact: Contact | None, details: ContactDetails, page: Page
) -> Contact:
    """Return the stored contact of the visitor, a new one for the first message.

    Details fill empty fields only, so that they never replace a representative's input. The
    caller has locked the conversation of a stored contact, so that it is not merged away.
    """
    now = timezone.now()
    if contact is None:
        contact = Contact(
            organization_id=webchat.organization_id,
            webchat=webchat,
            pipeline_id=webchat.pipeline_id,
            stage_id=webchat.entry_stage_id,
            status=webchat.initial_stage,
            first_seen_at=now,
        )
    elif _fills(contact, details):
        # A merge or a representative may be filling the same fields.
        contact = lock_contact(contact.pk)
    contact.name = contact.name or details.get("name", "")
    contact.email = contact.email or details.get("email", "")
    contact.phone = contact.phone or details.get("phone", "")
    contact.locale = contact.locale or details.get("locale", "")
    if page:
        contact.page_url = page.get("url", "")
        contact.page_title = page.get("title", "")
        contact.referrer = page.get("referrer", "")
    if contact._state.adding or now - contact.last_seen_at >= LAST_SEEN_PRECISION:
        contact.last_seen_at = now
    _save(contact)
    return contact


def _fills(contact: Contact, details: ContactDetails) -> bool:
    """Return whether a detail is new."""
    return any(value and not getattr(contact, name) for name, value in details.items())


def _save(contact: Contact) -> None:
    """Save the contact if it has changed.

    A visit alone does not change an edited value: it creates no version in the history, and no
    conflict with an open form.
    """
    changed = contact.changed_columns()
    names = {field.name for field in contact._meta.concrete_fields if field.attname in changed}
    if not names:
        return
    if contact._state.adding:
        save_contact(contact, None)
    elif names <= contact.hidden_in_history:
        # A visit is not worth waiting for an import, which locks contacts until its end.
        rows = Contact.objects.select_for_update(no_key=True, skip_locked=True)
        if not list(rows.filter(pk=contact.pk).values_list("pk")):
            return
        # Any: django-simple-history has no type information.
        recorded: Any = contact
        recorded.save_without_historical_record(update_fields=names)
    else:
        # Not the other columns: a representative may have changed them since they were read.
        save_contact(contact, None, columns=names)


def publish_contact(contact: Contact) -> None:
    """Publish on commit that the open conversations of the contact have changed, the newest ones.

    A visitor has one in each webchat, but the contacts of many visitors can be merged.
    """
    rows = Conversation.objects.open().filter(contact=contact)
    for conversation in rows[:MAX_PUBLISHED]:
        conversation_changed(conversation)
