"""The form that merges two contacts: which one stays, and which value each field gets."""

from typing import Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from webchats.conversations.merged_values import CHOICES, default_choices
from webchats.conversations.models import Contact

_LABELS: Final = {
    "name": "Name",
    "email": "E-mail address",
    "phone": "Phone number",
    "stageId": "Stage",
    "status": "Status",
}
_CHANGED: Final = (
    "One of the contacts has been changed since you opened the page. Check the values again."
)


class MergeForm(forms.Form):
    """Radio buttons for both contacts: one pair for each value that differs.

    Their values are the ids of the contacts, so that none depends on which contact stays.
    """

    #: The versions of both contacts that the person has seen.
    versions = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None, first: Contact, second: Contact) -> None:
        initial = {"stay": first.pk, "versions": _get_versions(first, second)}
        from_second = default_choices(first, second)
        fields = {"stay": _radios("Which contact stays?", first, second, str(first), str(second))}
        #: The labels and the values that are the same in both, without empty ones.
        self.same: list[tuple[str, str]] = []
        for name, label in _LABELS.items():
            texts = _get_text(first, name), _get_text(second, name)
            if any(getattr(first, column) != getattr(second, column) for column in CHOICES[name]):
                fields[name] = _radios(label, first, second, *texts)
                initial[name] = (second if name in from_second else first).pk
            elif texts[0]:
                self.same.append((label, texts[0]))
        super().__init__(data, initial=initial)
        self.fields |= fields
        if data is not None and data.get("versions") != initial["versions"]:
            # The next attempt uses the values that the page shows now.
            self.data = data.copy()
            self.data["versions"] = initial["versions"]
        self._contacts = {first.pk: first, second.pk: second}
        self._sent_versions = data.get("versions") if data is not None else None

    def clean(self) -> None:
        """Reject the form if one of the contacts has changed."""
        if self._sent_versions != self.initial["versions"]:
            raise ValidationError(_CHANGED, "changed")

    @property
    def kept(self) -> Contact:
        """The contact that stays, once the form is valid."""
        return self._contacts[self.cleaned_data["stay"]]

    @property
    def removed(self) -> Contact:
        """The other contact, once the form is valid."""
        (other,) = (row for pk, row in self._contacts.items() if pk != self.kept.pk)
        return other

    @property
    def take(self) -> list[str]:
        """The choices whose value is that of the removed contact, once the form is valid."""
        removed = self.removed.pk
        return [name for name in CHOICES if self.cleaned_data.get(name) == removed]


def _radios(label: str, first: Contact, second: Contact, *texts: str) -> forms.ChoiceField:
    choices = [(row.pk, text or "empty") for row, text in zip((first, second), texts, strict=True)]
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect)


def _get_text(contact: Contact, name: str) -> str:
    """Return the value of a choice as text, empty without one."""
    if name != "stageId":
        return str(getattr(contact, name))
    if contact.stage is None:
        return str(contact.pipeline or "")
    return f"{contact.pipeline} · {contact.stage}"


def _get_versions(*contacts: Contact) -> str:
    return " ".join(sorted(f"{contact.pk}:{contact.row_version}" for contact in contacts))
