"""Lists of conversations that members of an organization have saved."""

from typing import ClassVar, Final, Self

from django.core.exceptions import ValidationError
from django.db import models

from organizations import constraints
from organizations.auth.roles import AccessRole
from organizations.fields import TEXT_VALIDATORS, TrimmedCharField
from organizations.models import User
from organizations.tenancy.models import TOO_MANY, TenantModel, TenantQuerySet

VIEW_NAME_LENGTH: Final = 60
QUERY_LENGTH: Final = 1_000
#: Views of one user, and shared views of one organization.
MAX_VIEWS: Final = 50
#: The roles that change the shared views of others.
_EDITORS: Final = (AccessRole.SUPERADMIN, AccessRole.ADMIN, AccessRole.DEPARTMENT_HEAD)


class SavedViewQuerySet(TenantQuerySet["SavedView"]):
    """Saved views, with a filter for those that a user sees."""

    def visible_to(self, user: User) -> Self:
        """Return the views of ``user``, and those that others share."""
        return self.filter(models.Q(user=user) | models.Q(is_shared=True))


SavedViewManager = models.Manager.from_queryset(SavedViewQuerySet)


class SavedView(TenantModel):
    """A name for the query string of a list of conversations."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, editable=False, related_name="+", db_index=False
    )
    user_id: str
    name = TrimmedCharField(max_length=VIEW_NAME_LENGTH)
    query = models.CharField(
        max_length=QUERY_LENGTH,
        blank=True,
        validators=TEXT_VALIDATORS,
        help_text="Filters of the list of conversations, as in its address.",
    )
    is_shared = models.BooleanField(
        default=False, verbose_name="shared", help_text="Whether the whole organization sees it."
    )

    objects: ClassVar[SavedViewManager["SavedView"]] = SavedViewManager()

    class Meta:
        ordering = ("name", "id")
        indexes = (models.Index(fields=("organization", "name", "id"), name="saved_view_by_name"),)
        constraints = (
            models.UniqueConstraint(
                fields=("user", "organization", "name"), name="saved_view_name_once"
            ),
            constraints.length_between("name", 1, VIEW_NAME_LENGTH),
            constraints.length_between("query", 0, QUERY_LENGTH),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Reject a name that the user has, and a view above the limit of user or organization."""
        views = SavedView.objects.for_organization(self.organization_id).exclude(pk=self.pk)
        own = views.filter(user=self.user_id)
        if own.filter(name=self.name).exists():
            message = "You have a view with this name. Choose another name."
            raise ValidationError({"name": ValidationError(message, "unique")})
        if self._state.adding and own.count() >= MAX_VIEWS:
            message = f"You can save at most {MAX_VIEWS} views. Delete one that is not used."
            raise ValidationError(message, "limit_reached")
        if self.is_shared and views.filter(is_shared=True).count() >= MAX_VIEWS:
            message = TOO_MANY.format(limit=MAX_VIEWS, kind="shared views")
            raise ValidationError(message, "limit_reached")

    def can_be_changed_by(self, user: User) -> bool:
        """Return whether ``user`` may rename, change or delete the view, which they see."""
        return self.user_id == user.pk or (self.is_shared and user.role in _EDITORS)
