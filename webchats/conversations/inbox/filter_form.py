"""The form of the filters, whose choices are rows of the organization."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.db.models import QuerySet

from organizations.models import Organization, Stage, User
from webchats.conversations.filters import ME, UNASSIGNED
from webchats.conversations.models.rating import SCORES
from webchats.conversations.transitions import Handler, State
from webchats.models import Webchat

#: More choices do not fit in a select element.
_MAX_CHOICES: Final = 200
_ANY: Final = ("", "Any")


class _DateInput(forms.DateInput):
    input_type = "date"


def _checkbox() -> forms.CheckboxInput:
    return forms.CheckboxInput(attrs={"value": "true"})


class FilterForm(forms.Form):
    """The filters of the list. It is never bound: its initial values are the query string."""

    use_required_attribute = False

    state = forms.ChoiceField(choices=[_ANY, *State.choices])
    handler = forms.ChoiceField(choices=[_ANY, *Handler.choices], label="Answered by")
    assigneeId = forms.ChoiceField(label="Assignee")
    webchatId = forms.ChoiceField(label="Webchat")
    stageId = forms.ChoiceField(label="Stage")
    lastMessageFrom = forms.CharField(label="Last message from", widget=_DateInput)
    lastMessageTo = forms.CharField(label="Last message to", widget=_DateInput)
    rating = forms.ChoiceField(
        choices=[_ANY, *((str(score), f"{score} of {SCORES[-1]}") for score in reversed(SCORES))]
    )
    unread = forms.BooleanField(label="Unread only", widget=_checkbox())
    hasDraft = forms.BooleanField(label="With a draft only", widget=_checkbox())
    search = forms.CharField(widget=forms.HiddenInput)
    ordering = forms.CharField(widget=forms.HiddenInput)
    organization = forms.CharField(widget=forms.HiddenInput)
    filters = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, organization: Organization, query: Mapping[str, object]) -> None:
        super().__init__(initial={**query}, label_suffix="", auto_id="filter-%s")
        for name in ("search", "ordering", "organization"):
            if not query.get(name):
                del self.fields[name]
        members = User.objects.for_organization(organization.pk).filter(is_active=True)
        members = members.order_by("full_name", "email")
        webchats = Webchat.objects.for_organization(organization.pk).only("name")
        stages = Stage.objects.for_organization(organization.pk).select_related("pipeline")
        self._offer(
            "assigneeId",
            {row.pk: row.get_full_name() for row in self._select("assigneeId", members)},
            {ME: "Me", UNASSIGNED: "Nobody"},
        )
        rows = self._select("webchatId", webchats.order_by("name", "pk"))
        self._offer("webchatId", {row.pk: row.name for row in rows})
        rows = self._select("stageId", stages.order_by("pipeline__name", "pk"))
        self._offer("stageId", {row.pk: f"{row.pipeline.name}: {row.name}" for row in rows})

    # Any: rows of three models.
    def _select(self, name: str, rows: QuerySet[Any]) -> list[Any]:
        """Return the first rows, and the selected one."""
        found = list(rows[:_MAX_CHOICES])
        selected = self.initial.get(name)
        if len(found) == _MAX_CHOICES and selected not in {row.pk for row in found}:
            found += rows.filter(pk=selected)
        return found

    def _offer(
        self, name: str, rows: Mapping[str, str], first: Mapping[str, str] | None = None
    ) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [_ANY, *(first or {}).items(), *rows.items()]
