"""Authentication endpoints: login, refresh, logout and verification of a token."""

from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations.auth import serializers
from organizations.auth.authentication import BearerAuthentication
from organizations.auth.refresh_tokens import RefreshToken, issue_token_pair
from organizations.auth.throttling import LoginAttemptView
from organizations.auth.tokens import get_unrevoked_user
from organizations.models import User

_TAGS = ["authentication"]


def _valid_refresh_token(request: Request) -> tuple[RefreshToken, User]:
    """Return the refresh token in the request's body and its user.

    Raise ``ValidationError`` for a malformed body and ``InvalidCredential`` for a token that is
    expired, revoked or forged.
    """
    serializer = serializers.RefreshSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    token = RefreshToken.parse(serializer.validated_data["refreshToken"])
    return token, get_unrevoked_user(token)


class AnonymousView(APIView):
    """A view that requires no credential."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        """Return the challenge without which DRF turns ``AuthenticationFailed`` into a 403."""
        return BearerAuthentication().authenticate_header(request)


@extend_schema(tags=_TAGS, auth=[])
class LoginView(LoginAttemptView, AnonymousView):
    """Sign in with an e-mail address and a password."""

    @extend_schema(
        operation_id="login",
        summary="Sign in",
        request=serializers.LoginSerializer,
        responses=serializers.LoginResponseSerializer,
    )
    def post(self, request: Request) -> Response:
        """Return an access token, a refresh token and the user."""
        serializer = serializers.LoginSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        email, password = serializer.validated_data["email"], serializer.validated_data["password"]
        user = authenticate(request, username=email, password=password)
        if not isinstance(user, User):
            raise AuthenticationFailed("Wrong e-mail address or password", "invalid_credentials")
        update_last_login(User, user)
        signed_in = serializers.SignedInUserSerializer(user).data
        return Response({**issue_token_pair(user), "user": signed_in})


@extend_schema(tags=_TAGS, auth=[])
class RefreshView(AnonymousView):
    """Exchange a refresh token for a new pair of tokens."""

    @extend_schema(
        operation_id="refresh",
        summary="Refresh tokens",
        request=serializers.RefreshSerializer,
        responses=serializers.TokenPairSerializer,
    )
    def post(self, request: Request) -> Response:
        """Return a new pair of tokens. The given refresh token is revoked.

        A token that is sent twice may be stolen: all refresh tokens of its sign-in are revoked.
        """
        token, user = _valid_refresh_token(request)
        return Response(token.exchange(user))


@extend_schema(tags=_TAGS)
class LogoutView(APIView):
    """Sign out by revoking a refresh token."""

    @extend_schema(
        operation_id="logout",
        summary="Sign out",
        request=serializers.RefreshSerializer,
        responses=serializers.MessageSerializer,
    )
    def post(self, request: Request) -> Response:
        """Revoke a refresh token. A token that is already invalid returns 401."""
        token, _ = _valid_refresh_token(request)
        token.revoke()
        return Response({"message": "Signed out"})


@extend_schema(tags=_TAGS)
class VerifyTokenView(APIView):
    """Check whether a credential is valid."""

    @extend_schema(
        operation_id="verify_token",
        summary="Check credential",
        responses=serializers.MessageSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return 200 for a valid access token or API key, and 401 otherwise."""
        return Response({"message": "Token is good"})
