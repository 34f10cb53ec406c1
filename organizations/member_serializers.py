"""Documents of organizations and their users."""

from rest_framework import serializers

from organizations.auth.roles import AccessRole
from organizations.models import Organization, User
from organizations.tenancy.serializers import TenantScopedSerializer


class OrganizationSerializer(TenantScopedSerializer[Organization]):
    """An organization and its settings.

    Open conversations are closed after ``inactivityHours`` without a message. 0: never. ``null``:
    24 hours with automatic answers, else 72. ``timeZone`` (IANA) sets the days of reports.

    Closed conversations are deleted ``retentionDays`` after they were closed, and contacts without
    conversations ``contactRetentionDays`` after they were last seen, both once a day. ``null``:
    they are kept. The figures of deleted conversations stay in the reports.
    """

    class Meta:
        model = Organization
        fields = (
            "_id",
            "name",
            "assistantName",
            "maskCardNumbers",
            "inactivityHours",
            "timeZone",
            "retentionDays",
            "contactRetentionDays",
            "createdAt",
            "updatedAt",
        )


class UserSerializer(TenantScopedSerializer[User]):
    """A user. Visitors see ``displayName``, or the first word of ``fullName`` if it is empty."""

    accessRole = serializers.ChoiceField(AccessRole.choices, source="role", read_only=True)

    class Meta:
        model = User
        fields = (
            "_id",
            "organizationId",
            "email",
            "fullName",
            "displayName",
            "accessRole",
            "isActive",
            "createdAt",
            "updatedAt",
        )
        # The admin site changes accounts, with its checks of the current user.
        read_only_fields = ("organizationId", "email", "isActive")
