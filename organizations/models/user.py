"""Users: members of one organization, and superusers of none."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models

from organizations import constraints
from organizations.auth.roles import MEMBER_ROLES, AccessRole, Action, may
from organizations.fields import NAME_LENGTH, EmailAddressField, TrimmedCharField
from organizations.models.organization import Organization
from organizations.tenancy.models import TenantManager, TenantQuerySet, TenantScoped

MEMBERSHIP = "A member has one organization, a superuser none."


class UserManager(TenantManager["User"], BaseUserManager["User"]):
    """Makes users with a hashed password."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Save and return a member; ``organization`` is required, ``access_role`` is by default
        the lowest. Without a password the user cannot sign in."""
        user: User = self.model(email=email, **fields)
        user.set_password(password)
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Save and return a superuser, who belongs to no organization."""
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by e-mail address in any spelling of case."""
        user: User = self.select_related("organization").get(email=username)
        return user


class User(AbstractBaseUser, TenantScoped):
    """A person who signs in by e-mail: a member of one organization, or a superuser of none."""

    email = EmailAddressField(max_length=254, unique=True, verbose_name="e-mail address")
    full_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="members"
    )
    organization_id: str | None
    access_role = models.CharField(
        max_length=20,
        choices=[(role.value, role.label) for role in MEMBER_ROLES],
        default=AccessRole.SALES_REP,
    )
    is_superuser = models.BooleanField(default=False, verbose_name="superuser")
    is_active = models.BooleanField(default=True, verbose_name="active")

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    #: Every active person may open the admin site; the role table decides what they see there.
    is_staff = True

    class Meta:
        ordering = ("email",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(is_superuser=True, organization=None)
                | models.Q(is_superuser=False, organization__isnull=False),
                name="user_is_member_or_superuser",
                violation_error_message=MEMBERSHIP,
            ),
            constraints.one_of("access_role", [role.value for role in MEMBER_ROLES]),
        )

    def clean(self) -> None:
        """Refuse a member of no organization, and a superuser of one."""
        super().clean()
        if self.is_superuser == (self.organization_id is not None):
            raise ValidationError(MEMBERSHIP, code="membership")

    @property
    def role(self) -> AccessRole:
        """The role that the table of roles knows."""
        return AccessRole.SUPERADMIN if self.is_superuser else AccessRole(self.access_role)

    def get_full_name(self) -> str:
        """The name to greet with."""
        return self.full_name or self.email

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Django's question (``app.action_model``), answered by the table of roles.

        With ``obj`` the row must also exist for this user.
        """
        app_label, codename = perm.split(".")
        action, _, model_name = codename.partition("_")
        model = type(self)._meta.apps.get_model(app_label, model_name)
        if (
            not self.is_active
            or action not in tuple(Action)
            or not may(self.role, Action(action), model)
        ):
            return False
        if obj is None or self.is_superuser:
            return True
        rows: TenantQuerySet[Any] = model._default_manager.all()
        return rows.for_user(self).filter(pk=obj.pk).exists()

    def has_perms(self, perm_list: Any, obj: models.Model | None = None) -> bool:
        """All of them."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether any model of the app may be seen."""
        models_of_app = type(self)._meta.apps.get_app_config(app_label).get_models()
        return self.is_active and any(may(self.role, Action.VIEW, model) for model in models_of_app)
