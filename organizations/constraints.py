"""Field rules as the database says them, so that no door, not even raw SQL, gets round them.

The fields' validators state each rule in words and for one field; these say it once more to the
database, from the same constants.
"""

from typing import Any

from django.db import models
from django.db.models.functions import Concat, Length

models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


class FieldRule(models.CheckConstraint):
    """A check that a field's own validators, or the model's ``clean``, have already made.

    ``Model.full_clean()`` therefore does not ask the database about it (Django would send one
    query for each constraint): a row that passed those passes this.
    """

    def validate(self, *arguments: Any, **options: Any) -> None:
        """Nothing: see the class."""


def length_between(field: str, low: int, high: int) -> FieldRule:
    """The text has ``low`` to ``high`` characters."""
    return FieldRule(
        condition=models.Q(**{f"{field}__length__gte": low, f"{field}__length__lte": high}),
        name=f"%(app_label)s_%(class)s_{field}_length",
    )


def between(field: str, low: int, high: int) -> FieldRule:
    """The number is ``low`` to ``high``, both included."""
    return FieldRule(
        condition=models.Q(**{f"{field}__gte": low, f"{field}__lte": high}),
        name=f"%(app_label)s_%(class)s_{field}_range",
    )


def one_of(field: str, values: list[str]) -> FieldRule:
    """The text is one of ``values``."""
    return FieldRule(
        condition=models.Q(**{f"{field}__in": values}),
        name=f"%(app_label)s_%(class)s_{field}_choice",
    )


def matches(field: str, pattern: str) -> FieldRule:
    """The text matches the regular expression, which must be anchored."""
    return FieldRule(
        condition=models.Q(**{f"{field}__regex": pattern}),
        name=f"%(app_label)s_%(class)s_{field}_pattern",
    )


def own_key(field: str, organization_field: str) -> FieldRule:
    """The text is empty or the storage key of an object that is the row's own organization's."""
    prefix = Concat(models.Value("orgs/"), models.F(organization_field), models.Value("/"))
    return FieldRule(
        condition=models.Q(**{field: ""}) | models.Q(**{f"{field}__startswith": prefix}),
        name=f"%(app_label)s_%(class)s_{field}_own",
    )
