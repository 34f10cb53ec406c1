"""Authentication by e-mail address and password, for the API and the admin site."""

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from organizations.auth.hashers import prefer
from organizations.models import KnownAddress, User
from webchat_project.client_address import client_network
from webchat_project.observability.security_log import (
    SecurityEvent,
    account_digest,
    log_event,
)


class PasswordBackend(ModelBackend):
    """Django's model backend, with a security event for each attempt.

    The address of a successful sign-in is stored, for ``LoginAccountThrottle`` and for the places
    that the password hasher reserves.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: object,
    ) -> User | None:
        """Return the active user with this e-mail address and password, or ``None``."""
        network = client_network(request.META) if request is not None else ""
        is_known = username and network and KnownAddress.objects.is_known(username, network)
        with prefer(bool(is_known)):
            user = super().authenticate(request, username, password, **kwargs)
        if isinstance(user, User):
            log_event(SecurityEvent.SIGNED_IN, user=user.pk, organization=user.organization_id)
            if network:
                KnownAddress.objects.remember(user, network)
            return user
        if username:
            log_event(SecurityEvent.SIGN_IN_FAILED, account=account_digest(username))
        return None
