"""Users: members of an organization, and superusers."""

from collections.abc import Iterable
from typing import ClassVar, Unpack

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models, transaction

from organizations import constraints
from organizations.auth.roles import MEMBER_ROLES, AccessRole, Operation, role_allows
from organizations.deactivation import run_on_deactivation
from organizations.fields import NAME_LENGTH, EmailAddressField, TrimmedCharField
from organizations.models.organization import Organization
from organizations.options import SaveOptions
from organizations.tenancy.models import TenantManager, TenantQuerySet, TenantScoped

MEMBERSHIP_ERROR = "A member needs an organization. A superuser cannot have one."


class UserManager(TenantManager["User"], BaseUserManager["User"]):
    """The manager of users. Its ``create`` methods hash the password and validate the user."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Create and return a member.

        ``organization`` is required. ``access_role`` defaults to the role with the fewest rights.
        A user without a password cannot sign in.
        """
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Create and return a superuser, who belongs to no organization."""
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this e-mail address, ignoring case."""
        return self.select_related("organization").get(email=username)


class User(AbstractBaseUser, TenantScoped):
    """A person who signs in with an e-mail address.

    A user is either a member of exactly one organization, or a superuser without one.
    """

    email = EmailAddressField(max_length=254, unique=True, verbose_name="e-mail address")
    full_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    display_name = TrimmedCharField(
        max_length=NAME_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="Shown to visitors. If empty, the first word of the full name.",
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="members"
    )
    organization_id: str | None
    #: Django's: the new password until it is saved.
    _password: str | None
    access_role = models.CharField(
        max_length=20,
        choices=[(role.value, role.label) for role in MEMBER_ROLES],
        default=AccessRole.SALES_REP,
    )
    is_superuser = models.BooleanField(default=False, verbose_name="superuser")
    is_active = models.BooleanField(default=True, verbose_name="active")

    uses_single_keys = models.BooleanField(
        default=True,
        db_default=True,
        editable=False,
        help_text="Whether single keys are shortcuts in the inbox (WCAG 2.1.4).",
    )

    is_away = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether the user takes no new conversations, although the inbox is open.",
    )

    gets_email = models.BooleanField(
        default=True,
        db_default=True,
        editable=False,
        help_text="Whether the user gets e-mails about visitors who wait while nobody is online.",
    )
    gets_weekly_report = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether the user gets the figures of last week by e-mail on Mondays.",
    )
    #: The Monday after the last week that was reported.
    weekly_report_on = models.DateField(null=True, editable=False)
    #: Until when the user counts as online and not away. Presence in detail is in the cache.
    online_until = models.DateTimeField(null=True, editable=False)
    #: The last e-mail about waiting visitors, and the time up to which these e-mails report them.
    emailed_at = models.DateTimeField(null=True, editable=False)
    emailed_up_to = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    #: Every active user may open the admin site. Roles determine what they see there.
    is_staff = True

    class Meta:
        ordering = ("email",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(is_superuser=True, organization=None)
                | models.Q(is_superuser=False, organization__isnull=False),
                name="user_is_member_or_superuser",
                violation_error_message=MEMBERSHIP_ERROR,
            ),
            constraints.one_of("access_role", [role.value for role in MEMBER_ROLES]),
        )

    def save(self, **options: Unpack[SaveOptions]) -> None:
        """Save the user, and apply the effects of a new password and of a deactivation."""
        is_new_password, is_deactivated = (
            self._is_new_password(options),
            self._is_deactivated(options),
        )
        if not is_new_password and not is_deactivated:
            super().save(**options)
            return
        with transaction.atomic(using=options.get("using")):
            super().save(**options)
            if is_new_password:
                # Somebody else with the former one may have signed in from a known address.
                self.known_addresses.all().delete()
            if is_deactivated:
                run_on_deactivation(self)

    def _is_new_password(self, save_options: SaveOptions) -> bool:
        # ``_password`` is set by ``set_password``, but not by an upgrade of the hash.
        is_new = self._password is not None or not self.has_usable_password()
        return not self._state.adding and is_new and _saves("password", save_options)

    def _is_deactivated(self, save_options: SaveOptions) -> bool:
        return not self._state.adding and not self.is_active and _saves("is_active", save_options)

    def clean(self) -> None:
        """Reject a member without an organization and a superuser with one."""
        super().clean()
        if self.is_superuser == (self.organization_id is not None):
            raise ValidationError(MEMBERSHIP_ERROR, code="membership")

    @property
    def role(self) -> AccessRole:
        """Return the role that permissions depend on."""
        return AccessRole.SUPERADMIN if self.is_superuser else AccessRole(self.access_role)

    def get_full_name(self) -> str:
        """Return the full name, or the e-mail address if it is empty."""
        return self.full_name or self.email

    @property
    def public_name(self) -> str:
        """Return the name that visitors see, which is never an e-mail address."""
        names = (self.display_name, self.full_name.partition(" ")[0])
        return next((name for name in names if name and "@" not in name), "Team")

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Return whether the role grants a Django permission such as ``webchats.add_webchat``.

        With ``obj``, the user must also have access to that row.
        """
        app_label, codename = perm.split(".")
        operation, _, model_name = codename.partition("_")
        model: type[models.Model] = type(self)._meta.apps.get_model(app_label, model_name)
        if (
            not self.is_active
            or operation not in tuple(Operation)
            or not role_allows(self.role, Operation(operation), model)
        ):
            return False
        if obj is None or self.is_superuser:
            return True
        rows = model._default_manager.all()
        # Roles grant members nothing on models without an organization.
        assert isinstance(rows, TenantQuerySet)
        return rows.for_user(self).filter(pk=obj.pk).exists()

    def has_perms(self, perm_list: Iterable[str], obj: models.Model | None = None) -> bool:
        """Return whether ``has_perm`` holds for each permission."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Return whether the user may view any model of the app."""
        models_of_app = type(self)._meta.apps.get_app_config(app_label).get_models()
        return self.is_active and any(
            role_allows(self.role, Operation.VIEW, model) for model in models_of_app
        )


def _saves(column: str, save_options: SaveOptions) -> bool:
    return column in (save_options.get("update_fields") or (column,))
