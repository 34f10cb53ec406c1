"""The period and the filters of a report, from a query string."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict

from organizations.models import Organization, Prompt, User
from organizations.time_zones import get_time_zone
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.periods import Period
from webchats.models import Webchat

TODAY: Final = "today"
PRESETS: Final = (
    (TODAY, "Today"),
    ("last_7", "Last 7 days"),
    ("last_30", "Last 30 days"),
    ("last_90", "Last 90 days"),
    ("this_month", "This month"),
    ("last_month", "Last month"),
)
DEFAULT_PRESET: Final = "last_30"
#: More choices do not fit in a select element.
_MAX_CHOICES: Final = 200
_FILTERS: Final = ("webchat", "rep", "prompt", "version")


class _DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        # The format of the element's value, in every language.
        super().__init__(format="%Y-%m-%d")


def _make_date_field(name: str) -> forms.DateField:
    return forms.DateField(
        label=name.capitalize(),
        widget=_DateInput(),
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": "Enter a date such as 2026-11-30."},
    )


class ReportForm(forms.Form):
    """The filters of the page, sent by GET. Without any, the report is of the last 30 days.

    After ``is_valid``, it has the attributes ``period`` and ``report_filter``. A preset holds
    unless the dates are others than its own, so the form sends both.
    """

    period: Period

    webchat = forms.ChoiceField(required=False)
    rep = forms.ChoiceField(required=False, label="Representative")
    prompt = forms.ChoiceField(required=False)
    version = forms.TypedChoiceField(
        required=False, coerce=int, empty_value=None, label="Version of the prompt"
    )

    def __init__(self, organization: Organization, query: QueryDict, now: datetime) -> None:
        self.zone = get_time_zone(organization.time_zone)
        self._today = now.astimezone(self.zone).date()
        preset = query.get("period", "")
        has_dates = bool(query.get("from") or query.get("to"))
        is_preset = preset in dict(PRESETS)
        #: The preset that the dates are those of, or empty.
        self.preset = preset if is_preset else "" if has_dates else DEFAULT_PRESET
        super().__init__(self._with_dates(query, has_dates), label_suffix="", auto_id="report-%s")
        dates = {name: _make_date_field(name) for name in ("from", "to")}
        self.fields = {**dates, **self.fields}
        self._offer_choices(organization)
        self.organization = organization
        #: A superuser has chosen it, and links name it, too.
        self._is_chosen = bool(query.get("organization"))

    def _with_dates(self, query: QueryDict, has_dates: bool) -> Mapping[str, Any]:
        """Return the values of the form, with the dates of the preset if there are none."""
        data = {name: query.get(name, "") for name in ("from", "to", *_FILTERS)}
        if self.preset:
            first, last = find_dates(self.preset, self._today)
            own = {"from": first.isoformat(), "to": last.isoformat()}
            if has_dates and any(data[name] != own[name] for name in own):
                self.preset = ""
            else:
                data |= own
        return data

    def _offer_choices(self, organization: Organization) -> None:
        webchats = Webchat.objects.for_organization(organization.pk).order_by("name", "pk")
        members = User.objects.for_organization(organization.pk).order_by("full_name", "email")
        prompts = Prompt.objects.for_organization(organization.pk).order_by("name", "pk")
        self._offer("webchat", webchats.only("name"), "All webchats")
        self._offer("rep", members.only("full_name", "email"), "All representatives")
        self._offer_versions(self._offer("prompt", prompts.only("name", "version"), "All prompts"))

    def _offer_versions(self, prompts: list[Prompt]) -> None:
        """Offer the newest versions of the selected prompt, or of all."""
        selected = [prompt for prompt in prompts if prompt.pk == self.data.get("prompt")]
        newest = max((prompt.version for prompt in selected or prompts), default=0)
        versions = range(newest, max(newest - _MAX_CHOICES, 0), -1)
        self._set_choices("version", "All versions", [(str(each), str(each)) for each in versions])

    # Any: rows of three models.
    def _offer(self, name: str, rows: QuerySet[Any], label: str) -> list[Any]:
        """Offer the first rows, and the selected one. Return them."""
        found = list(rows[:_MAX_CHOICES])
        selected = self.data.get(name)
        if len(found) == _MAX_CHOICES and selected and selected not in {row.pk for row in found}:
            found += rows.filter(pk=selected)
        names = [
            (row.pk, row.get_full_name() if isinstance(row, User) else row.name) for row in found
        ]
        self._set_choices(name, label, names)
        return found

    def _set_choices(self, name: str, label: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", label), *choices]
        field.error_messages["invalid_choice"] = "It does not exist, or no longer."

    def clean(self) -> dict[str, Any]:
        """Reject dates that are no period, and a version without a prompt."""
        values: dict[str, Any] = super().clean() or {}
        first, last = values.get("from"), values.get("to")
        if first and last:
            try:
                self.period = Period(first, last, self.zone)
                # Dates at the ends of the calendar have no moment in UTC, or no period before.
                _ = self.period.before.start, self.period.end
            except OverflowError:
                self.add_error("from", "Enter dates of this century.")
            except ValueError as error:
                self.add_error("to", ValidationError(str(error)))
        if values.get("version") and not values.get("prompt"):
            self.add_error("version", "Choose a prompt, too.")
        return values

    @property
    def report_filter(self) -> ReportFilter:
        """Return the filter of the report, of a valid form."""
        values = self.cleaned_data
        return ReportFilter(
            webchat_id=values["webchat"] or None,
            rep_id=values["rep"] or None,
            prompt_id=values["prompt"] or None,
            prompt_version=values["version"],
        )

    @property
    def has_filters(self) -> bool:
        """Return whether the report is about a part of the conversations."""
        return any(self.data.get(name) for name in _FILTERS)

    @property
    def query(self) -> QueryDict:
        """Return the query string of the report with its dates, so that links stay the same."""
        return self._make_query({name: self.data[name] for name in ("from", "to")})

    def preset_query(self, preset: str) -> QueryDict:
        """Return the query string of the same report of another period."""
        return self._make_query({"period": preset})

    def _make_query(self, period: Mapping[str, str]) -> QueryDict:
        query = QueryDict(mutable=True)
        query.update(period)
        query.update({name: self.data[name] for name in _FILTERS if self.data[name]})
        if self._is_chosen:
            query["organization"] = self.organization.pk
        return query


def find_dates(preset: str, today: date) -> tuple[date, date]:
    """Return the first and the last day of a preset."""
    if preset == TODAY:
        return today, today
    if preset == "this_month":
        return today.replace(day=1), today
    if preset == "last_month":
        last = today.replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    days = int(preset.removeprefix("last_"))
    return today - timedelta(days=days - 1), today
