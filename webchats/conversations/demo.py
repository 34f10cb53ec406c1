"""Sample conversations of the demo, so that its inbox is not empty, and answers of its widget."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.utils import timezone

from organizations.auth.roles import AccessRole
from organizations.models import User
from webchats.conversations import services
from webchats.conversations.models import Contact, Conversation, KnowledgeEntry, Message, Note
from webchats.conversations.validation import ContactDetails, Page
from webchats.demo import WEBCHAT_ID
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
    "last_message_at",
    "waiting_since",
    "first_reply_at",
    "closed_at",
    "rated_at",
)
_SHOP: Final = "https://shop.example.com"
_SAMPLES: Final = (
    _Sample(
        {"name": "Maja Lindgren", "email": "maja@example.com", "phone": "+46 70 123 45 67"},
        {"url": f"{_SHOP}/tents/ridge-2", "title": "Ridge 2 tent", "referrer": f"{_SHOP}/tents"},
        (
            _Line("visitor", "Hi! Is the *Ridge 2* still in stock in green?", 8),
            _Line("visitor", "I would need it before Friday.", 7),
        ),
    ),
    _Sample(
        {"name": "Tom Becker", "email": "tom.becker@example.com"},
        {"url": f"{_SHOP}/checkout", "title": "Checkout"},
        (_Line("visitor", "The checkout does not accept my address in Luxembourg.", 23),),
    ),
    _Sample(
        {"name": "Aylin Demir", "email": "aylin@example.com"},
        {"url": f"{_SHOP}/packs/alpine-45", "title": "Alpine 45 pack"},
        (
            _Line("visitor", "Does the Alpine 45 fit as cabin luggage?", 95),
            _Line("rep", "Hello Aylin! Packed flat it is **55 × 36 × 22 cm**, so it does.", 92),
            _Line("note", "Asks for the second time, maybe add the size to the page.", 91),
            _Line("visitor", "Great. And the rain cover, is it included?", 90),
            _Line("rep", "Yes:\n- rain cover\n- hip belt pocket\n- a repair kit", 88),
            _Line("visitor", "Perfect, thank you! One more thing: can I return it?", 3),
        ),
    ),
    _Sample(
        {"name": "Jonas Weber", "phone": "+49 151 2345678"},
        {"url": f"{_SHOP}/orders", "title": "Your orders"},
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


class _Answer(NamedTuple):
    question: str
    also_asked_as: list[str]
    answer: str
    link: str = ""


_ANSWERS: Final = (
    _Answer(
        "How long does delivery take?",
        ["When does my parcel arrive?", "What are your shipping times?"],
        "We deliver within two to three working days in Europe, and within a week elsewhere.",
        f"{_SHOP}/delivery",
    ),
    _Answer(
        "What does shipping cost?",
        ["Is delivery free?", "How much are the shipping costs?"],
        "Shipping costs 4.90 euros. Orders above 80 euros are free of shipping costs.",
        f"{_SHOP}/delivery",
    ),
    _Answer(
        "Can I return an item?",
        ["How do I send something back?", "What is your return policy?"],
        "Yes, within 60 days, even after a weekend outdoors. The return label is in your parcel.",
        f"{_SHOP}/returns",
    ),
    _Answer(
        "Which tents do you have?",
        ["Do you sell tents?", "Which tent fits two people?"],
        "The Ridge 2 sleeps two and weighs 1.8 kg. The Ridge 4 sleeps four and weighs 3.4 kg.",
        f"{_SHOP}/tents",
    ),
    _Answer(
        "Which packs do you have?",
        ["Do you sell backpacks?", "Which rucksack is good for a weekend?"],
        "The Alpine 45 is made for a weekend, the Alpine 65 for a week. Both have a rain cover.",
        f"{_SHOP}/packs",
    ),
    _Answer(
        "Do you repair tents and packs?",
        ["My zipper is broken, can you fix it?"],
        "Yes. Repairs are free for two years, and cost 20 euros afterwards.",
        f"{_SHOP}/repairs",
    ),
    _Answer(
        "How can I pay?",
        ["Which payment methods do you accept?", "Can I pay by credit card?"],
        "By credit card, bank transfer, or invoice.",
    ),
    _Answer(
        "What are your opening hours?",
        ["When is your shop open?", "Are you open on Saturday?"],
        "Our shop is open from Monday to Saturday, 10 to 19 o'clock.",
        "tel:+4930123456",
    ),
)


def seed_knowledge(user: User) -> None:
    """Create the knowledge entries of the demo, unless the organization has any.

    The built-in provider answers from them. Call it after ``seed_conversations``, whose visitors
    wait for a person.
    """
    if KnowledgeEntry.objects.for_user(user).exists():
        return
    for answer in _ANSWERS:
        entry = KnowledgeEntry(
            organization_id=str(user.organization_id), language="en", **answer._asdict()
        )
        entry.full_clean()
        entry.save()


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
            organization=webchat.organization,
            full_name="Kim Rivera",
            access_role=AccessRole.SALES_REP,
        )
    now = timezone.now()
    for number, sample in enumerate(_SAMPLES):
        _create(webchat, user, f"{number:032x}", sample, now)


def _create(webchat: Webchat, user: User, visitor_id: str, sample: _Sample, now: datetime) -> None:
    conversation: Conversation | None = None
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
        _move_to_past(conversation, now - timedelta(minutes=line.minutes_ago), now)


def _move_to_past(conversation: Conversation, moment: datetime, now: datetime) -> None:
    """Change the times of the rows that have been created since ``now`` to ``moment``."""
    Message.objects.filter(conversation=conversation, created_at__gte=now).update(created_at=moment)
    Note.objects.filter(conversation=conversation, created_at__gte=now).update(created_at=moment)
    conversations = Conversation.objects.filter(pk=conversation.pk)
    for name in _TIMES:
        conversations.filter(**{f"{name}__gte": now}).update(**{name: moment})
    contacts = Contact.objects.filter(pk=conversation.contact_id)
    contacts.filter(first_seen_at__gte=now).update(first_seen_at=moment)
    contacts.update(last_seen_at=moment)
