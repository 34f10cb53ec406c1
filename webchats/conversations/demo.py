"""Sample conversations of the demo, so that its inbox is not empty."""

from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db.models import F, QuerySet

from organizations.auth.roles import AccessRole
from organizations.models import User
from webchats.conversations import services
from webchats.conversations.demo_contacts import place_contacts
from webchats.conversations.demo_knowledge import SHOP
from webchats.conversations.models import Contact, Conversation, Message, Note
from webchats.conversations.validation import ContactDetails, Page
from webchats.demo import PASSWORD, WEBCHAT_ID
from webchats.demo_shop import PACK, PACK_SIZE, TENT
from webchats.models import Webchat

COLLEAGUE_EMAIL: Final = "kim@example.com"


class _Line(NamedTuple):
    """A step of a sample conversation."""

    #: ``visitor``, ``rep``, ``note``, ``close`` or ``rating``, whose text is the comment.
    author: str
    text: str
    #: Before now.
    minutes_ago: float


class _Sample(NamedTuple):
    contact: ContactDetails
    page: Page
    lines: tuple[_Line, ...]


#: The columns of a conversation with times.
_TIMES: Final = (
    "created_at",
    "first_message_at",
    "last_message_at",
    "unanswered_since",
    "waiting_since",
    "first_reply_at",
    "handed_over_at",
    "closed_at",
    "rated_at",
)
_SAMPLES: Final = (
    _Sample(
        {"name": "Maja Lindgren", "email": "maja@example.com", "phone": "+46 70 123 45 67"},
        {"url": f"{SHOP}/tents/ridge-2", "title": TENT.name, "referrer": f"{SHOP}/tents"},
        (
            _Line("visitor", "Hi! Do you have the *Ridge 2* in red, too?", 8),
            _Line("visitor", "I would need it before Friday.", 7),
        ),
    ),
    _Sample(
        {"name": "Tom Becker", "email": "tom.becker@example.com"},
        {"url": f"{SHOP}/checkout", "title": "Checkout"},
        (_Line("visitor", "The checkout does not accept my address in Luxembourg.", 23),),
    ),
    _Sample(
        {"name": "Aylin Demir", "email": "aylin@example.com"},
        {"url": f"{SHOP}/packs/alpine-45", "title": PACK.name},
        (
            _Line("visitor", "Does the Alpine 45 fit as cabin luggage?", 95),
            _Line("rep", f"Hello Aylin! Packed flat it is **{PACK_SIZE}**, so it does.", 92),
            _Line("note", "Asks for the second time, maybe add the size to the page.", 91),
            _Line("visitor", "Great. And the rain cover, is it included?", 90),
            _Line("rep", "Yes:\n- rain cover\n- hip belt pocket\n- a repair kit", 88),
            _Line("visitor", "Perfect, thank you! One more thing: can I return it?", 3),
        ),
    ),
    _Sample(
        {"name": "Jonas Weber", "phone": "+49 151 2345678"},
        {"url": f"{SHOP}/orders", "title": "Your orders"},
        (
            _Line("visitor", "My parcel has been in Hamburg for four days.", 1600),
            _Line("rep", "Sorry about that. I have asked the carrier and come back to you.", 1590),
            _Line("rep", "It leaves Hamburg today: https://example.com/track/4711", 1300),
            _Line("visitor", "It has arrived. Thanks!", 1220),
            _Line("close", "", 1210),
            _Line("rating", "Quick help, thank you!", 1208),
        ),
    ),
)


def seed_conversations(user: User) -> None:
    """Create the conversations of the demo, and a colleague of ``user``, unless there are any."""
    webchat = Webchat.objects.filter(pk=WEBCHAT_ID).first()
    if webchat is None or Conversation.objects.for_user(user).exists():
        return
    create_conversations(webchat, user)


def create_conversations(webchat: Webchat, user: User) -> None:
    """Create the sample conversations of visitors of ``webchat``, which ``user`` has answered."""
    if not User.objects.filter(email=COLLEAGUE_EMAIL).exists():
        User.objects.create_user(
            COLLEAGUE_EMAIL,
            PASSWORD,
            organization=webchat.organization,
            full_name="Kim Rivera",
            access_role=AccessRole.SALES_REP,
        )
    for number, sample in enumerate(_SAMPLES):
        _create(webchat, user, f"{number:032x}", sample)
    place_contacts(webchat, user)


def _create(webchat: Webchat, user: User, visitor_id: str, sample: _Sample) -> None:
    conversation: Conversation | None = None
    ages = [line.minutes_ago for line in sample.lines]
    for number, line in enumerate(sample.lines):
        key = f"demo-{number}"
        if line.author == "visitor":
            conversation = services.send_visitor_message(
                webchat=webchat,
                visitor_id=visitor_id,
                text=line.text,
                client_key=key,
                contact=sample.contact,
                page=sample.page,
            ).message.conversation
        assert conversation is not None, "the visitor writes first"
        if line.author == "rep":
            services.send_rep_message(
                conversation=conversation, user=user, text=line.text, client_key=key
            )
        elif line.author == "note":
            services.add_note(conversation=conversation, user=user, text=line.text)
        elif line.author == "close":
            services.close(conversation=conversation, user=user)
        elif line.author == "rating":
            services.rate(conversation=conversation, score=5, comment=line.text)
        # The next line comes so much later, and the last one was said so long ago.
        _age(conversation, timedelta(minutes=line.minutes_ago - (*ages, 0)[number + 1]))


def _age(conversation: Conversation, age: timedelta) -> None:
    """Move all times of the conversation into the past."""
    rows: tuple[tuple[QuerySet[Any], tuple[str, ...]], ...] = (
        (Message.objects.filter(conversation=conversation), ("created_at",)),
        (Note.objects.filter(conversation=conversation), ("created_at",)),
        (Conversation.objects.filter(pk=conversation.pk), _TIMES),
        (Contact.objects.filter(pk=conversation.contact_id), ("first_seen_at", "last_seen_at")),
    )
    for queryset, names in rows:
        queryset.update(**{name: F(name) - age for name in names})
