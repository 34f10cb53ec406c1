"""Requests and responses of the authentication endpoints."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from organizations.auth.roles import AccessRole
from organizations.models import User
from webchat_project.api.fields import IdField, StringField
from webchat_project.api.request_serializers import RequestSerializer


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "The demo's administrator",
            {"email": "admin@example.com", "password": "demo-password"},
            request_only=True,
        )
    ]
)
class LoginSerializer(RequestSerializer):
    """An e-mail address and a password."""

    email = StringField(max_length=254)
    password = StringField(trim_whitespace=False, max_length=1000)


class RefreshSerializer(RequestSerializer):
    """The refresh token to exchange or to revoke."""

    refreshToken = StringField(max_length=4000)


class TokenPairSerializer(serializers.Serializer[User]):
    """An access token and a refresh token."""

    token = serializers.CharField()
    refreshToken = serializers.CharField()


class SignedInUserSerializer(serializers.Serializer[User]):
    """The user who has signed in."""

    id = IdField()
    email = serializers.EmailField()
    fullName = serializers.CharField(source="full_name")
    displayName = serializers.CharField(
        source="public_name", help_text="The name that visitors see."
    )
    organizationId = IdField(source="organization_id", allow_null=True)
    accessRole = serializers.ChoiceField(AccessRole.choices, source="role")


class LoginResponseSerializer(TokenPairSerializer):
    """A pair of tokens and their user."""

    user = SignedInUserSerializer()


class MessageSerializer(serializers.Serializer[User]):
    """A message about the outcome."""

    message = serializers.CharField()
