"""Queries for webchats, and the effects of bulk writes."""

from functools import update_wrapper
from typing import Self, TypeVar, cast

from django.db import models

from organizations.tenancy.models import TenantQuerySet, TenantScoped
from webchats.icons.cleanup import delete_unused_on_commit
from webchats.search import containing
from webchats.widget.response_cache import invalidate_on_commit

_Row_co = TypeVar("_Row_co", bound=TenantScoped, covariant=True)


class WebchatQuerySet(TenantQuerySet[_Row_co]):
    """Webchats, with filters, and with bulk writes that also clear caches and delete icons."""

    def enabled(self) -> Self:
        """Return the webchats whose widget is active."""
        return self.filter(is_enabled=True)

    def containing(self, text: str) -> Self:
        """Return the webchats with ``text`` in their name or description, ignoring case."""
        return cast("Self", containing(self, text)) if text else self

    def update(self, **kwargs: object) -> int:
        """Update the rows, and invalidate the widget's response cache on commit."""
        updated = super().update(**kwargs)
        invalidate_on_commit()
        return updated

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows, and on commit their icons and the cached responses."""
        keys = list(self.order_by().exclude(icon="").values_list("icon", flat=True))
        deleted = super().delete()
        invalidate_on_commit()
        delete_unused_on_commit(keys)
        return deleted

    # Copies Django's markers ``alters_data`` and ``queryset_only``.
    update_wrapper(update, models.QuerySet.update, assigned=())
    update_wrapper(delete, models.QuerySet.delete, assigned=())


WebchatManager = models.Manager.from_queryset(WebchatQuerySet)
