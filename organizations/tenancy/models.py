"""Tenant isolation of querysets: which rows exist for a user.

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

from typing import ClassVar, Protocol, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models

from organizations.fields import ObjectIdField

_Row_co = TypeVar("_Row_co", bound=models.Model, covariant=True)


class Member(Protocol):
    """What decides which rows exist for a signed-in user."""

    @property
    def is_superuser(self) -> bool:
        """Whether the user sees every organization's rows."""

    @property
    def organization_id(self) -> str | None:
        """The user's organization; ``None`` for a superuser."""


class TenantQuerySet(models.QuerySet[_Row_co]):
    """Rows that belong to organizations."""

    def for_user(self, user: Member | AnonymousUser) -> Self:
        """The rows that exist for ``user``: all for a superuser, none for a stranger, and the
        rows of their own organization for a member."""
        if isinstance(user, AnonymousUser):
            return self.none()
        if user.is_superuser:
            return self.all()
        return self.for_organization(user.organization_id)

    def for_organization(self, organization_id: str | None) -> Self:
        """The rows of one organization; ``None`` has none."""
        if organization_id is None:
            return self.none()
        path: str = self.model.tenant_path  # type: ignore[attr-defined]
        return self.filter(**{path: organization_id})


TenantManager = models.Manager.from_queryset(TenantQuerySet)


class TenantScoped(models.Model):
    """A model whose every row belongs to one organization, found along ``tenant_path``."""

    #: The lookup from a row to its organization's id.
    tenant_path: ClassVar[str] = "organization_id"

    id = ObjectIdField(primary_key=True)
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    objects = TenantManager()

    class Meta:
        abstract = True


class TenantModel(TenantScoped):
    """A row with a column for its organization, which is set once and never changes."""

    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
    )
    # Annotated here for the type checker; Django makes the attribute.
    organization_id: str

    class Meta:
        abstract = True
