"""Sample canned replies of the demo."""

from typing import Final, NamedTuple

from organizations.models import User
from webchats.conversations.models import CannedReply
from webchats.demo_shop import OPENING_HOURS, RETURN_DAYS


class _Canned(NamedTuple):
    shortcut: str
    title: str
    text: str


_CANNED_REPLIES: Final = (
    _Canned("hello", "Greeting", "Hello {visitor.name|there}, this is {rep.name}. How can I help?"),
    _Canned(
        "hours",
        "Opening hours",
        OPENING_HOURS,
    ),
    _Canned(
        "return",
        "Return an item",
        f"You can return everything within {RETURN_DAYS} days:\n- Print the label in your parcel\n"
        "- Bring the parcel to any post office",
    ),
    _Canned(
        "email",
        "Confirm the e-mail address",
        "Shall I send the details to {visitor.email}?",
    ),
    _Canned(
        "bye",
        "Goodbye",
        "Thank you for writing to {organization.name}, {visitor.name|and have a good day}!",
    ),
)


def seed_canned_replies(user: User) -> None:
    """Create the canned replies of the demo, unless the organization has any."""
    if CannedReply.objects.for_user(user).exists():
        return
    for values in _CANNED_REPLIES:
        reply = CannedReply(organization_id=str(user.organization_id), **values._asdict())
        reply.full_clean()
        reply.save()
