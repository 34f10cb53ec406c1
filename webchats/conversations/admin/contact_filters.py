"""The filters of the list of contacts, and its pages, which are not counted beyond a limit."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Exists, Field, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from organizations.models import Stage
from organizations.tenancy.change_lists import MAX_CHOICES, NamesFilter, TenantChangeList
from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.models import Contact, Conversation

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: The rows of which the list counts the number and offers the pages.
MAX_COUNTED: Final = 10_000
_DAYS: Final = {"1": "24 hours", "7": "7 days", "30": "30 days"}


class BoundedPaginator(Paginator[Contact]):
    """The pages of the first ``MAX_COUNTED`` contacts.

    Counting a million of them, and reading those before a page, takes seconds. Others are found by
    filters and by the search.
    """

    @cached_property
    def count(self) -> int:
        """Return the number of contacts, at most ``MAX_COUNTED``."""
        assert isinstance(self.object_list, QuerySet)
        return self.object_list.order_by()[:MAX_COUNTED].count()


class ContactChangeList(TenantChangeList):
    """A change list that counts no more than ``MAX_COUNTED`` rows."""

    def get_results(self, request: HttpRequest) -> None:
        """Set the rows of the page, and whether there are any contacts at all."""
        super().get_results(request)
        self.full_result_count = self.result_count or self.root_queryset.order_by()[:1].count()

    @property
    def is_bounded(self) -> bool:
        """Whether there may be more rows than the list counts."""
        return self.result_count >= MAX_COUNTED


class OwnNamesFilter(NamesFilter):
    """A filter whose choices are the rows of the organization, whether contacts have them or not.

    To leave out the others, each page would read all contacts.
    """

    # Any: as in the base class.
    def field_choices(
        self, field: "Field[Any, Any]", request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> "list[tuple[str, str | _StrPromise]]":
        """Return the ids and names, in the order of the names. Stages also have their pipeline."""
        model = field.related_model
        assert isinstance(model, type)
        rows = model._default_manager.all()
        assert isinstance(rows, TenantQuerySet)
        is_stage = model is Stage
        names = ("pipeline__name", "name") if is_stage else ("name",)
        ordering = ("pipeline__name", "position", "pk") if is_stage else ("name", "pk")
        found = rows.for_user(request.user).order_by(*ordering).values_list("pk", *names)
        choices = list(found[:MAX_CHOICES])
        # The selected one can be behind these.
        selected = set(self.lookup_val or ()) - {pk for pk, *_ in choices}
        choices += found.filter(pk__in=selected) if selected else ()
        return [(pk, ": ".join(texts)) for pk, *texts in choices]


class LastSeenFilter(admin.SimpleListFilter):
    """A filter by the last visit or message."""

    title = "last seen"
    parameter_name = "seen"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Contact]"
    ) -> list[tuple[str, str]]:
        """Return the choices."""
        recent = [(days, f"In the last {text}") for days, text in _DAYS.items()]
        return [*recent, ("earlier", "Not in the last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        """Return the contacts of the selected choice."""
        now, value = timezone.now(), self.value()
        if value in _DAYS:
            return queryset.filter(last_seen_at__gte=now - timedelta(days=int(value)))
        if value == "earlier":
            return queryset.filter(last_seen_at__lt=now - timedelta(days=30))
        return queryset


class ConversationFilter(admin.SimpleListFilter):
    """A filter by whether contacts have written."""

    title = "conversations"
    parameter_name = "conversations"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Contact]"
    ) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("open", "With an open one"), ("none", "Without any")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        """Return the contacts of the selected choice."""
        rows = Conversation.objects.filter(contact=OuterRef("pk")).order_by()
        if self.value() == "open":
            return queryset.filter(Exists(rows.open()))
        if self.value() == "none":
            return queryset.filter(~Exists(rows))
        return queryset
