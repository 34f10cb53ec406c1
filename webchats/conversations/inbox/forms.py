"""Forms of the inbox."""

from typing import Any
from uuid import uuid4

from django import forms

from organizations.models import User
from webchats.conversations.admin.contacts import ContactForm
from webchats.conversations.canned_replies import validate_filled_in
from webchats.conversations.models import Contact, Conversation
from webchats.conversations.models.message import MAX_TEXT_LENGTH
from webchats.conversations.validation import (
    normalize_line_ends,
    validate_client_key,
    validate_text,
)

_MAX_SEQUENCE = 2**31 - 1
#: The names of its inputs do not collide with those of the composer.
_CONTACT_PREFIX = "contact"


class ComposerForm(forms.Form):
    """A reply or a note."""

    mode = forms.ChoiceField(choices=[("reply", "Reply"), ("note", "Note")])
    text = forms.CharField(
        strip=False,
        max_length=MAX_TEXT_LENGTH,
        validators=[validate_text],
        error_messages={"required": "Enter a message."},
    )
    client_key = forms.CharField(validators=[validate_client_key])
    #: The sequence of the last message that the representative has seen.
    after = forms.IntegerField(min_value=0, max_value=_MAX_SEQUENCE, required=False)
    #: Whether a reply to a closed conversation reopens it.
    reopen = forms.BooleanField(required=False)

    def clean_text(self) -> str:
        """Return the text with line feeds.

        A reply has no variable of a canned reply.
        """
        text: str = self.cleaned_data["text"]
        if self.cleaned_data.get("mode") != "note":
            validate_filled_in(text)
        return normalize_line_ends(text)


def new_client_key() -> str:
    """Return the key of a reply that has not been sent."""
    return uuid4().hex


class ReadForm(forms.Form):
    """The last message that the representative has read."""

    sequence = forms.IntegerField(min_value=0, max_value=_MAX_SEQUENCE)


class AssignForm(forms.Form):
    """The representative to assign, or nobody."""

    assignee = forms.ModelChoiceField(User.objects.none(), required=False)
    #: The id of the assignee that the page shows, or empty.
    former = forms.CharField(required=False, empty_value=None)

    def __init__(self, conversation: Conversation, user: User, data: Any) -> None:
        super().__init__(data)
        members = User.objects.for_organization(conversation.organization_id)
        choices = members.filter(is_active=True) | User.objects.filter(pk=user.pk)
        assignee = self.fields["assignee"]
        assert isinstance(assignee, forms.ModelChoiceField)
        assignee.queryset = choices


class ContactPanelForm(ContactForm):
    """What representatives edit beside the thread."""

    class Meta:
        model = Contact
        fields = ("name", "email", "phone", "pipeline", "stage")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, prefix=_CONTACT_PREFIX, **kwargs)
