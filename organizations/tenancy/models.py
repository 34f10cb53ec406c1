"""Tenant isolation: querysets that return only the rows that a user may access.

Managers are typed. A model that adds queryset methods declares a manager class beside its queryset,
outside the model, and annotates ``objects`` with it::

    class StageQuerySet(TenantQuerySet["Stage"]):
        def active(self) -> Self: ...

    StageManager = models.Manager.from_queryset(StageQuerySet)

    class Stage(TenantScoped):
        objects: ClassVar[StageManager["Stage"]] = StageManager()

django-stubs then types ``Stage.objects.for_user(user).active()`` and ``pipeline.stages.all()`` as
``StageQuerySet``. A model without methods of its own inherits ``objects`` and needs no annotation:
``Prompt.objects.for_user(user)`` is a ``TenantQuerySet[Prompt]``.
"""

from typing import ClassVar, Final, Protocol, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models

from organizations.fields import ObjectIdField
from webchat_project.api.timestamps import get_version

#: The message for a row above the limit of its organization.
TOO_MANY: Final = "An organization can have at most {limit} {kind}. Delete one that is not used."
#: The message for a reference to an unknown row, and to a row of another organization. ``kind`` is
#: the verbose name of the model.
DOES_NOT_EXIST: Final = "This {kind} does not exist."

_Row_co = TypeVar("_Row_co", bound="TenantScoped", covariant=True)


class TenantUser(Protocol):
    """The attributes of a signed-in user that determine which rows they may access."""

    @property
    def is_superuser(self) -> bool:
        """Whether the user may access the rows of every organization."""

    @property
    def organization_id(self) -> str | None:
        """The user's organization; ``None`` for a superuser."""


class TenantQuerySet(models.QuerySet[_Row_co]):
    """Rows that belong to organizations."""

    def for_user(self, user: TenantUser | AnonymousUser) -> Self:
        """Return the rows that ``user`` may access.

        These are all rows for a superuser, the rows of their organization for a member, and none
        for an anonymous user.
        """
        if isinstance(user, AnonymousUser):
            return self.none()
        if user.is_superuser:
            return self.all()
        return self.for_organization(user.organization_id)

    def for_organization(self, organization_id: str | None) -> Self:
        """Return the rows of one organization, and none for ``None``."""
        if organization_id is None:
            return self.none()
        return self.filter(**{self.model.tenant_path: organization_id})


TenantManager = models.Manager.from_queryset(TenantQuerySet)


class TenantScoped(models.Model):
    """A model whose every row belongs to one organization, directly or through another row."""

    #: The lookup from a row to the id of its organization.
    tenant_path: ClassVar[str] = "organization_id"
    #: Fields that the change history leaves out: they never change, or follow from other fields.
    hidden_in_history: ClassVar[frozenset[str]] = frozenset(
        {"id", "organization", "created_at", "updated_at"}
    )
    #: Whether the rows are details of others: delete pages leave them out.
    is_detail: ClassVar[bool] = False
    #: What to do with rows of the model that prevent the deletion of others.
    use_hint: ClassVar[str] = ""

    id = ObjectIdField(primary_key=True)
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    objects = TenantManager()

    class Meta:
        abstract = True

    @property
    def row_version(self) -> str:
        """The version of the stored row, which every write changes: see ``api.timestamps``.

        A history record of the model has the same ``updated_at``, so
        ``get_version(record.updated_at)`` is the version that the write of the record made.
        """
        return get_version(self.updated_at)


class TenantModel(TenantScoped):
    """A model with a column for its organization, which is set once and never changes."""

    #: The maximum number of rows of an organization. Pages that list all of them need one.
    max_per_organization: ClassVar[int | None] = None

    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
    )
    # For the type checker: Django creates the attribute.
    organization_id: str

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Reject a new row above ``max_per_organization``. Simultaneous requests may exceed it."""
        limit = self.max_per_organization
        if limit is None or not self._state.adding:
            return
        rows = type(self)._default_manager.filter(organization_id=self.organization_id)
        if rows.count() >= limit:
            message = TOO_MANY.format(limit=limit, kind=self._meta.verbose_name_plural)
            raise ValidationError(message, "limit_reached")

    def is_stored(self, *names: str) -> bool:
        """Return whether the stored row has the same values in the fields ``names``."""
        if self._state.adding:
            return False
        values = {name: getattr(self, name) for name in names}
        return type(self)._default_manager.filter(pk=self.pk, **values).exists()


def require_organization(row: models.Model, organization_id: str) -> None:
    """Raise ``ValidationError`` unless the row, which has a column for it, is the organization's.

    The error is the same as for an unknown id.
    """
    if row.serializable_value("organization_id") != organization_id:
        message = DOES_NOT_EXIST.format(kind=row._meta.verbose_name)
        raise ValidationError(message, "does_not_exist")
