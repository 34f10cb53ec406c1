"""The model admin of users."""

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django_stubs_ext import FieldsetSpec

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.models import Organization, User
from organizations.options import FormData
from organizations.tenancy.admin import TenantAdmin, TenantForm


class UserForm(TenantForm[User]):
    """The form of a user. ``UserAdmin`` determines its fields."""

    organization = forms.ModelChoiceField(
        Organization.objects.all(),
        required=False,
        empty_label="None",
        help_text="Required for a member. A superuser has no organization.",
    )


class NewUserForm(UserForm, BaseUserCreationForm[User]):
    """The form of a new user, with a password."""


# Generic in the stubs only.
class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """A new password for a user, without Django's option to disable passwords.

    There is no other way to sign in.
    """

    def __init__(self, user: User, data: FormData = None) -> None:
        super().__init__(user, data)
        self.fields.pop("usable_password", None)
        for field in self.fields.values():
            field.required = True


@admin.register(User, site=site)
class UserAdmin(TenantAdmin[User], DjangoUserAdmin[User]):
    """Users and their roles.

    An administrator manages the members of their own organization. Only a superuser can create
    superusers. Nobody can change their own role, or deactivate or delete themselves.
    """

    form = UserForm
    add_form = NewUserForm
    add_form_template = "admin/change_form.html"
    change_password_form = PasswordForm
    change_user_password_template = "admin/organizations/user/password.html"  # noqa: S105
    purpose = "Users sign in to this site and to the API. Their role determines what they may do."
    deletion_note = (
        "The user's API keys are revoked, and their open conversations wait for another person. "
        "Their messages stay. To only keep the user out, clear Active instead."
    )
    list_display = ("email", "full_name", "role_badge", "state", "last_login")
    list_filter = ("access_role", "is_active")
    search_fields = ("email", "full_name", "display_name")
    ordering = ("email",)
    filter_horizontal = ()
    fieldsets = (
        ("Person", {"fields": ("email", "full_name", "display_name")}),
        ("Access", {"fields": ("access_role", "is_active", "last_login")}),
    )
    add_fieldsets = (
        ("Person", {"fields": ("email", "full_name", "display_name")}),
        ("Access", {"fields": ("access_role", "password1", "password2")}),
    )
    readonly_fields = ("last_login",)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> FieldsetSpec:
        fieldsets = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            fieldsets = [*fieldsets, ("Superuser", {"fields": ("is_superuser",)})]
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        readonly = super().get_readonly_fields(request, obj)
        if obj is not None and obj.pk == request.user.pk:
            return (*readonly, "access_role", "is_active", "is_superuser")
        return readonly

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether the role allows it and ``obj`` is not the current user."""
        is_self = obj is not None and obj.pk == request.user.pk
        return not is_self and super().has_delete_permission(request, obj)

    def response_add(
        self, request: HttpRequest, obj: User, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Return to the list after *Save*. Django's ``UserAdmin`` opens the form again."""
        return admin.ModelAdmin.response_add(self, request, obj, post_url_continue)

    @admin.display(description="role", ordering="access_role")
    def role_badge(self, user: User) -> SafeString:
        return badge(user.role.label, "warn" if user.is_superuser else "quiet")

    @admin.display(description="state", ordering="is_active")
    def state(self, user: User) -> SafeString:
        return badge("Active", "good") if user.is_active else badge("Deactivated", "bad")
