"""The organization, its members and their machines' keys."""

import hashlib
import secrets
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from organizations import api_key_secret, constraints, storage_keys
from organizations.change_records import ChangeRecords
from organizations.model_fields import EmailAddressField, TrimmedCharField
from organizations.roles import MEMBER_ROLES, AccessRole, Action, may
from organizations.tenancy.models import TenantModel, TenantQuerySet, TenantScoped

NAME_LENGTH = 120
MEMBERSHIP = "A member has one organization, a superuser none."


class Organization(TenantScoped):
    """A tenant. ``name`` is public; ``assistant_name``, if set, titles the widget instead."""

    tenant_path = "pk"

    name = TrimmedCharField(
        max_length=NAME_LENGTH, help_text="Visitors see it in the header of your widgets."
    )
    assistant_name = TrimmedCharField(
        max_length=NAME_LENGTH,
        blank=True,
        default="",
        help_text="If set, visitors see this instead of the organization's name.",
    )

    history = ChangeRecords()

    #: A storage key; empty: none.
    default_icon = models.CharField(
        max_length=storage_keys.MAX_LENGTH,
        blank=True,
        default="",
        editable=False,
        validators=[RegexValidator(rf"\A{storage_keys.PATTERN}\Z")],
        help_text="What the organization's widgets show that have no icon of their own.",
    )

    class Meta:
        ordering = ("name", "id")
        constraints = (constraints.own_key("default_icon", "id"),)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse another organization's object."""
        if self.default_icon and storage_keys.owner_of(self.default_icon) != self.pk:
            message = "This is not an object of the organization."
            raise ValidationError({"default_icon": ValidationError(message, "invalid")})

    @property
    def public_title(self) -> str:
        """What the header of the organization's widgets says."""
        return self.assistant_name or self.name


class UserManager(BaseUserManager.from_queryset(TenantQuerySet)):  # type: ignore[misc]
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


class ApiKey(TenantModel):
    """A long-lived credential of a machine. It acts as ``user`` and dies with them.

    The secret is random enough (256 bits) that a plain SHA-256 digest, and one indexed look-up,
    are safe: slow hashes are for passwords that people choose.
    """

    SECRET_PREFIX = api_key_secret.PREFIX

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    user_id: str
    name = TrimmedCharField(max_length=NAME_LENGTH)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(secret: str) -> str:
        """What is stored instead of ``secret``."""
        return hashlib.sha256(secret.encode()).hexdigest()

    def set_new_secret(self) -> str:
        """Give the unsaved key a secret and return it: it cannot be had a second time."""
        secret = self.SECRET_PREFIX + secrets.token_urlsafe(32)
        self.prefix, self.digest = secret[:12], self.digest_of(secret)
        return secret

    def clean(self) -> None:
        """Refuse a new key that could never be used."""
        if self._state.adding and self.is_expired():
            raise ValidationError({"expires_at": ValidationError("Must be in the future.", "past")})

    def is_expired(self) -> bool:
        """Whether ``expires_at`` has passed; a key without one does not expire."""
        return self.expires_at is not None and self.expires_at <= timezone.now()
