"""Check constraints for rules that validators already enforce.

The database then rejects invalid values from every writer, bulk inserts and raw SQL included.
Validators and constraints are built from the same constants, so a rule has one definition.
"""

from typing import Final

from django.db import models
from django.db.models.functions import Concat, Length

from organizations.colors import STORED_PATTERN

#: ``STORED_PATTERN`` for SQLite's GLOB.
_STORED_GLOB: Final = "#" + 6 * "[0-9A-Fa-f]"

# Enables the ``__length`` lookup that the constraints below use.
models.CharField.register_lookup(Length)
models.TextField.register_lookup(Length)


class DatabaseCheckConstraint(models.CheckConstraint):
    """A check constraint that ``Model.full_clean()`` skips.

    Django would validate every check constraint with a separate query. The field's validators or
    ``Model.clean()`` have enforced the same rule before.
    """

    def validate(self, *args: object, **kwargs: object) -> None:
        """Do nothing: only the database evaluates the constraint."""

    def _get_check_sql(self, model: type[models.Model], schema_editor: object) -> str:
        """Return the condition. On SQLite, it calls no function of Django's.

        Otherwise programs without Django could not check or copy the database.
        """
        sql = str(super()._get_check_sql(model, schema_editor))  # type: ignore[misc]
        return sql.replace(f"REGEXP '{STORED_PATTERN}'", f"GLOB '{_STORED_GLOB}'")


def length_between(field: str, low: int, high: int) -> DatabaseCheckConstraint:
    """Require text of ``low`` to ``high`` characters."""
    return DatabaseCheckConstraint(
        condition=models.Q(**{f"{field}__length__gte": low, f"{field}__length__lte": high}),
        name=f"%(app_label)s_%(class)s_{field}_length",
    )


def between(field: str, low: int, high: int) -> DatabaseCheckConstraint:
    """Require a number from ``low`` to ``high``, both included."""
    return DatabaseCheckConstraint(
        condition=models.Q(**{f"{field}__gte": low, f"{field}__lte": high}),
        name=f"%(app_label)s_%(class)s_{field}_range",
    )


def one_of(field: str, values: list[str]) -> DatabaseCheckConstraint:
    """Require one of ``values``."""
    return DatabaseCheckConstraint(
        condition=models.Q(**{f"{field}__in": values}),
        name=f"%(app_label)s_%(class)s_{field}_choice",
    )


def matches(field: str, pattern: str) -> DatabaseCheckConstraint:
    """Require a match of the regular expression, which must be anchored."""
    return DatabaseCheckConstraint(
        condition=models.Q(**{f"{field}__regex": pattern}),
        name=f"%(app_label)s_%(class)s_{field}_pattern",
    )


def own_storage_key(field: str, organization_field: str) -> DatabaseCheckConstraint:
    """Require an empty string or a storage key with the prefix of the row's organization."""
    prefix = Concat(models.Value("orgs/"), models.F(organization_field), models.Value("/"))
    return DatabaseCheckConstraint(
        condition=models.Q(**{field: ""}) | models.Q(**{f"{field}__startswith": prefix}),
        name=f"%(app_label)s_%(class)s_{field}_own",
    )
