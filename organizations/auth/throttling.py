"""Throttles of sign-in attempts, which the API and the admin site count together.

The attempts on an account are limited, whatever their addresses, because a password can be guessed
from many addresses. So that they do not lock its owner out, two kinds of attempts are allowed above
that limit: those from an address from which the owner has signed in before, and the first attempts
of any address, both within limits of their own.
"""

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from organizations.models import KnownAddress
from webchat_project.api.throttling import AnonymousRateThrottle, SlidingWindowThrottle
from webchat_project.observability.security_log import account_digest


class LoginAddressThrottle(SlidingWindowThrottle):
    """Counts the attempts of an address."""

    scope = "sign_in_address"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class _AccountThrottle(SlidingWindowThrottle):
    """Counts attempts on an account."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        # An e-mail address is personal, and may be too long for a cache key.
        account = account_digest(_email_of(request))
        return self.cache_format % {"scope": self.scope, "ident": account}


class _NewAddressThrottle(_AccountThrottle):
    """Counts the first attempts of addresses on an account whose limit is reached."""

    scope = "sign_in_new_address"


class _OwnThrottle(_AccountThrottle):
    """Counts the attempts of one address on one account, with the rate of the account."""

    scope = "sign_in_account"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return f"{super().get_cache_key(request, view)}:{self.get_ident(request)}"


class _FirstAttemptsThrottle(_OwnThrottle):
    """Counts the first attempts of one address on one account."""

    scope = "sign_in_first_attempts"
    rate = "3/hour"


class LoginAccountThrottle(_AccountThrottle):
    """Counts the attempts on an account, and allows some above the limit: see the module."""

    scope = "sign_in_account"

    def count_request(self, request: Request, view: APIView) -> bool:
        email = _email_of(request)
        if not email:
            return True
        self.log_fields = {"account": account_digest(email)}
        # Each attempt counts for these, whether the result is needed or not.
        is_within_own_limit = _OwnThrottle().count_request(request, view)
        is_first = _FirstAttemptsThrottle().count_request(request, view)
        if super().count_request(request, view):
            return True
        if is_within_own_limit and KnownAddress.objects.is_known(email, self.get_ident(request)):
            return True
        return is_first and _NewAddressThrottle().count_request(request, view)


class PasswordFormThrottle(SlidingWindowThrottle):
    """Counts the forms with a password that a signed-in user sends.

    Each hashes a password, which keeps others waiting, and may guess the user's own one.
    """

    scope = "sign_in_account"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        self.log_fields = {"user": str(request.user.pk)}
        return self.cache_format % {"scope": self.scope, "ident": f"user:{request.user.pk}"}


def _email_of(request: Request) -> str:
    """Return the e-mail address of the attempt, or an empty text if there is none."""
    email = request.data.get("email") if isinstance(request.data, dict) else None
    return email if isinstance(email, str) else ""


class LoginAttemptView(APIView):
    """A view whose requests are sign-in attempts."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (AnonymousRateThrottle, LoginAddressThrottle, LoginAccountThrottle)

    def check_throttles(self, request: Request) -> None:
        """Raise ``Throttled`` if a throttle refuses the request.

        The throttles after it do not count the request. DRF calls all of them, so that an address
        that is already throttled could use up the limits of accounts.
        """
        for throttle in self.get_throttles():
            if not throttle.allow_request(request, self):
                self.throttled(request, throttle.wait() or 1)
