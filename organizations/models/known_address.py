"""Addresses from which users have signed in."""

import hashlib
from datetime import timedelta
from typing import ClassVar, Final

from django.db import models
from django.utils import timezone

from organizations.models.user import User
from webchat_project.observability.security_log import account_digest

#: An address is forgotten if the user has not signed in from it for this time.
KNOWN_FOR: Final = timedelta(days=90)
#: The most addresses that are known for one user: those used last.
MAX_ADDRESSES: Final = 20
#: The precision of ``last_used_at``, so that not every sign-in writes to the database.
LAST_USED_PRECISION: Final = timedelta(days=1)


class KnownAddressManager(models.Manager["KnownAddress"]):
    """The manager of known addresses."""

    def is_known(self, email: str, network: str) -> bool:
        """Return whether the user with this e-mail address has signed in from ``network``."""
        since = timezone.now() - KNOWN_FOR
        return self.filter(digest=_digest_of(email, network), last_used_at__gte=since).exists()

    def remember(self, user: User, network: str) -> None:
        """Store that ``user`` has signed in from ``network``."""
        now = timezone.now()
        known, is_new = self.get_or_create(
            digest=_digest_of(user.email, network), defaults={"user": user, "last_used_at": now}
        )
        if not is_new and now - known.last_used_at >= LAST_USED_PRECISION:
            self.filter(pk=known.pk).update(last_used_at=now)
        if is_new:
            newest = self.filter(user=user).order_by("-last_used_at", "-pk")
            kept = newest.filter(last_used_at__gte=now - KNOWN_FOR)[:MAX_ADDRESSES]
            self.filter(user=user).exclude(pk__in=[known.pk for known in kept]).delete()


class KnownAddress(models.Model):
    """An address from which a user has signed in with the right password.

    The addresses of a user are personal data, so that only a digest of each is stored.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_addresses")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_used_at = models.DateTimeField(editable=False)

    objects: ClassVar[KnownAddressManager] = KnownAddressManager()

    class Meta:
        verbose_name_plural = "known addresses"

    def __str__(self) -> str:
        return self.digest


def _digest_of(email: str, network: str) -> str:
    return hashlib.sha256(f"{account_digest(email)} {network}".encode()).hexdigest()
