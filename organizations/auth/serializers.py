"""Requests and responses of the authentication endpoints."""

from rest_framework import serializers

from organizations.models import User
from webchat_project.api.fields import StringField


class LoginSerializer(serializers.Serializer[User]):
    """An e-mail address and a password."""

    email = StringField(max_length=254)
    password = StringField(trim_whitespace=False, max_length=1000)


class RefreshSerializer(serializers.Serializer[User]):
    """The refresh token to exchange or to revoke."""

    refreshToken = StringField(max_length=4000)


class TokenPairSerializer(serializers.Serializer[User]):
    """An access token and a refresh token."""

    token = serializers.CharField()
    refreshToken = serializers.CharField()


class SignedInUserSerializer(serializers.Serializer[User]):
    """The user who has signed in."""

    id = serializers.CharField()
    email = serializers.CharField()
    fullName = serializers.CharField(source="full_name")
    organizationId = serializers.CharField(source="organization_id", allow_null=True)
    accessRole = serializers.CharField(source="role")


class LoginResponseSerializer(TokenPairSerializer):
    """A pair of tokens and their user."""

    user = SignedInUserSerializer()


class MessageSerializer(serializers.Serializer[User]):
    """A message about the outcome."""

    message = serializers.CharField()
