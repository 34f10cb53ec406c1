"""Admin pages of users."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.http import HttpRequest
from django.utils.safestring import SafeString

from organizations.admin.badges import badge
from organizations.admin.site import site
from organizations.models import Organization, User
from organizations.tenancy.admin import TenantAdmin, TenantForm


class MemberForm(TenantForm[User]):
    """A person; which of the fields are offered to whom, the admin says."""

    organization = forms.ModelChoiceField(
        Organization.objects.all(),
        required=False,
        help_text="A member has one, and keeps it; a superuser has none.",
    )


class NewMemberForm(MemberForm, BaseUserCreationForm[User]):
    """A person with a first password."""


@admin.register(User, site=site)
class MemberAdmin(TenantAdmin[User], UserAdmin[User]):
    """People and their roles. An administrator manages those of the own organization; only a
    superuser makes superusers, and nobody changes the own role or locks themselves out."""

    form = MemberForm
    add_form = NewMemberForm
    add_form_template = "admin/change_form.html"
    list_display: Any = ("email", "full_name", "role_badge", "state", "last_login")
    list_filter: ClassVar[Any] = ("access_role", "is_active")
    search_fields: ClassVar[Any] = ("email", "full_name")
    ordering: ClassVar[Any] = ("email",)
    filter_horizontal: ClassVar[Any] = ()
    fieldsets: ClassVar[Any] = (
        ("Person", {"fields": ("email", "full_name")}),
        ("Access", {"fields": ("access_role", "is_active", "last_login")}),
    )
    add_fieldsets: Any = (
        ("Person", {"fields": ("email", "full_name")}),
        ("Access", {"fields": ("access_role", "password1", "password2")}),
    )
    readonly_fields: ClassVar[Any] = ("last_login",)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            fieldsets = [*fieldsets, ("Superuser", {"fields": ("is_superuser",)})]
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fixed = super().get_readonly_fields(request, obj)
        if obj is not None and obj.pk == request.user.pk:
            return (*fixed, "access_role", "is_active", "is_superuser")
        return fixed

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """As the roles say, but not oneself."""
        oneself = obj is not None and obj.pk == request.user.pk
        return not oneself and super().has_delete_permission(request, obj)

    @admin.display(description="role", ordering="access_role")
    def role_badge(self, user: User) -> SafeString:
        return badge(user.role.label, "warn" if user.is_superuser else "quiet")

    @admin.display(description="state", ordering="is_active")
    def state(self, user: User) -> SafeString:
        return badge("Active", "good") if user.is_active else badge("Deactivated", "bad")
