"""The actions on conversations. Each is one transaction that locks the conversation's row.

The lock orders the messages of a conversation, so that ``sequence`` has no gap, and lets each
action see the result of the one before it.
"""

from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone

from organizations.models import User
from webchats.conversations.appending import append, append_event
from webchats.conversations.cards import mask_card_numbers
from webchats.conversations.contacts import update_contact
from webchats.conversations.errors import AnsweredMeanwhile, ClientKeyUsed, VisitorMovedOn
from webchats.conversations.events import conversation_changed
from webchats.conversations.locking import lock, lock_open, require_open, save
from webchats.conversations.models import Author, Conversation, Message, Note
from webchats.conversations.transitions import Action, Handler, State, next_handler
from webchats.conversations.validation import ContactDetails, Page
from webchats.models import Webchat


class Sent(NamedTuple):
    """A stored message. ``created`` is false if it had been sent before with this key."""

    message: Message
    created: bool


def send_visitor_message(
    *,
    webchat: Webchat,
    visitor_id: str,
    text: str,
    client_key: str,
    contact: ContactDetails | None = None,
    page: Page | None = None,
) -> Sent:
    """Store a visitor's message, in the visitor's open conversation or a new one.

    The first message also stores the contact, in the webchat's entry stage. A message within 24
    hours of closing reopens the conversation. The arguments must have passed ``validation``.
    """
    arguments = (webchat, visitor_id, text, client_key, contact or {}, page or {})
    try:
        return _send_visitor_message(*arguments)
    except IntegrityError:
        # Another request of the visitor has started the conversation, or stored this message.
        return _send_visitor_message(*arguments)


@transaction.atomic
def _send_visitor_message(
    webchat: Webchat,
    visitor_id: str,
    text: str,
    client_key: str,
    details: ContactDetails,
    page: Page,
) -> Sent:
    own = Conversation.objects.of_visitor(webchat, visitor_id)
    newest = own.select_for_update(of=("self",), no_key=True).first()
    sent = Message.objects.filter(conversation__in=own.order_by(), client_key=client_key).first()
    if sent is not None:
        return Sent(sent, created=False)
    now = timezone.now()
    person = update_contact(webchat, newest.contact if newest else None, details, page)
    if newest is None or newest.is_over(now):
        conversation = Conversation(
            organization_id=webchat.organization_id,
            webchat=webchat,
            contact=person,
            visitor_id=visitor_id,
            last_message_at=now,
        )
        conversation.save(force_insert=True)
    else:
        conversation = newest
        if conversation.state == State.CLOSED:
            _reopen(conversation)
    conversation.handler = next_handler(conversation.handler, Action.VISITOR_MESSAGE)
    if webchat.organization.mask_card_numbers:
        text = mask_card_numbers(text)
    message = append(
        conversation,
        author=Author.VISITOR,
        author_name=person.name,
        text=text,
        client_key=client_key,
    )
    save(conversation)
    return Sent(message, created=True)


def send_rep_message(
    *, conversation: Conversation, user: User, text: str, client_key: str, after: int | None = None
) -> Sent:
    """Store a representative's message, which takes the conversation over.

    With ``after``, the sequence of the last message that the representative has seen, raise
    ``AnsweredMeanwhile`` if somebody else has answered since. Raise ``ConversationClosed`` if the
    conversation is closed, and ``ClientKeyUsed`` if a message of the visitor has the key.
    """
    with transaction.atomic():
        locked = lock(conversation)
        sent = locked.messages.filter(client_key=client_key).first()
        if sent is not None:
            # Visitors choose keys, too.
            if sent.author != Author.REP:
                raise ClientKeyUsed
            return Sent(sent, created=False)
        require_open(locked)
        if after is not None:
            _require_unanswered(locked, user, after)
        _join(locked, user, Action.REP_MESSAGE)
        message = append(
            locked,
            author=Author.REP,
            author_name=user.public_name,
            user=user,
            text=text,
            client_key=client_key,
        )
        save(locked)
    return Sent(message, created=True)


@transaction.atomic
def take_over(*, conversation: Conversation, user: User) -> Conversation:
    """Make ``user`` the one who answers. Raise ``ConversationClosed`` if it is closed."""
    locked = lock_open(conversation)
    locked.assignee = user
    _join(locked, user, Action.TAKE_OVER)
    save(locked)
    return locked


@transaction.atomic
def ask_for_person(*, conversation: Conversation) -> Conversation:
    """Hand the conversation over to a person. Raise ``ConversationClosed`` if it is closed."""
    locked = lock_open(conversation)
    handler = next_handler(locked.handler, Action.ASK_FOR_PERSON)
    if handler != locked.handler:
        locked.handler = handler
        locked.waiting_since = locked.waiting_since or timezone.now()
        append_event(locked, "handed_over")
        save(locked)
    return locked


@transaction.atomic
def assign(*, conversation: Conversation, assignee: User | None) -> Conversation:
    """Set the representative who is responsible, or nobody."""
    locked = lock(conversation)
    locked.assignee = assignee
    save(locked, "assignee")
    return locked


@transaction.atomic
def close(*, conversation: Conversation, user: User | None = None) -> Conversation:
    """Close the conversation. ``user`` is ``None`` if the visitor ends it.

    A closed conversation stays as it is.
    """
    locked = lock(conversation)
    if locked.state == State.OPEN:
        append_event(locked, "closed", user=user)
        locked.state = State.CLOSED
        locked.closed_at = timezone.now()
        locked.waiting_since = None
        save(locked)
    return locked


def reopen(*, conversation: Conversation, user: User) -> Conversation:
    """Reopen the conversation for ``user``. An open one stays as it is.

    Raise ``VisitorMovedOn`` if the visitor has another open conversation.
    """
    try:
        with transaction.atomic():
            locked = lock(conversation)
            if locked.state == State.CLOSED:
                locked.assignee = user
                _reopen(locked)
                save(locked)
            return locked
    except IntegrityError:
        raise VisitorMovedOn from None


@transaction.atomic
def mark_read(*, conversation: Conversation, reader: Author, sequence: int) -> Conversation:
    """Record that the visitor or the organization has read the messages up to ``sequence``.

    A position never goes back, and never past the last message.
    """
    locked = lock(conversation)
    column = "visitor_read_sequence" if reader == Author.VISITOR else "organization_read_sequence"
    position = min(sequence, locked.last_sequence)
    if position > getattr(locked, column):
        setattr(locked, column, position)
        save(locked, column)
    return locked


def add_note(*, conversation: Conversation, user: User, text: str) -> Note:
    """Store a note for staff. Raise ``ValidationError`` for a text that is empty or too long."""
    note = Note(conversation=conversation, user=user, text=text)
    note.full_clean()
    with transaction.atomic():
        note.save(force_insert=True)
        conversation_changed(conversation)
    return note


def _require_unanswered(conversation: Conversation, user: User, after: int) -> None:
    answers = conversation.messages.filter(sequence__gt=after, author__in=[Author.AI, Author.REP])
    answer = answers.exclude(user=user).order_by("-sequence").first()
    if answer is not None:
        raise AnsweredMeanwhile(answer)


def _join(conversation: Conversation, user: User, action: Action) -> None:
    """Make a representative the handler, with an event for the visitor if nobody was before."""
    if conversation.assignee_id is None:
        conversation.assignee = user
    if conversation.handler != Handler.REP:
        conversation.handler = next_handler(conversation.handler, action)
        append_event(conversation, "joined", user=user)


def _reopen(conversation: Conversation) -> None:
    conversation.state = State.OPEN
    conversation.closed_at = None
    assignee = conversation.assignee
    is_active = assignee is not None and assignee.is_active
    conversation.handler = Handler.REP if is_active else Handler.WAITING
    if not is_active:
        conversation.assignee = None
    append_event(conversation, "reopened")
