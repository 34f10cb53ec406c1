"""Short-lived tokens by which pages of the admin site open the stream of their organization."""

from datetime import timedelta
from typing import Final

from organizations.auth.tokens import AccessToken
from organizations.models import User

#: The first characters of every staff token.
PREFIX: Final = "wcs_"


class StaffToken(AccessToken):
    """A JWT that opens streams, and that the API does not accept."""

    token_type = "stream"  # noqa: S105 - the name of the type
    lifetime = timedelta(minutes=5)


def issue_staff_token(user: User) -> str:
    """Return a token for the stream of the user's organization, valid for five minutes."""
    return f"{PREFIX}{StaffToken.for_user(user)}"


def parse_staff_token(token: str) -> StaffToken:
    """Return the verified token. Raise ``InvalidCredential`` for any other text."""
    return StaffToken.parse(token.removeprefix(PREFIX))
