"""Sending and reading of messages."""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone

from organizations.models import User
from webchats.conversations.appending import append
from webchats.conversations.cards import mask_card_numbers
from webchats.conversations.contacts import update_contact
from webchats.conversations.errors import AnsweredMeanwhile, ClientKeyUsed, ConversationConflict
from webchats.conversations.locking import lock, require_open, save
from webchats.conversations.message_queries import (
    find_contact,
    find_sent,
    find_sent_by_visitor,
    lock_newest,
)
from webchats.conversations.models import Author, Contact, Conversation, Message
from webchats.conversations.notifications.requests import request_notifications
from webchats.conversations.replies.availability import can_answer
from webchats.conversations.replies.requests import outdate_draft, request_reply
from webchats.conversations.services.handlers import (
    hand_over,
    hand_over_locked,
    join_locked,
    reopen_locked,
    start_handling,
)
from webchats.conversations.services.unsent_texts import delete_unsent_text
from webchats.conversations.transitions import Action, Handler, State
from webchats.conversations.validation import ContactDetails, Page
from webchats.models import Webchat


class Sent(NamedTuple):
    """A stored message. ``created`` is false if it had been sent before with this key."""

    message: Message
    created: bool
    #: Whether one more reply of the AI was requested for it.
    requests_reply: bool = False


class Visit(NamedTuple):
    """The details of a visitor who sends a message."""

    webchat: Webchat
    visitor_id: str
    details: ContactDetails
    page: Page


def send_visitor_message(
    *,
    webchat: Webchat,
    visitor_id: str,
    text: str,
    client_key: str,
    contact: ContactDetails | None = None,
    page: Page | None = None,
    may_reply: Callable[[], bool] = lambda: True,
    check_start: Callable[[], None] | None = None,
) -> Sent:
    """Store a visitor's message, in the visitor's open conversation or a new one.

    The first message also stores the contact, in the webchat's entry stage. A message within 24
    hours of closing reopens the conversation. Where the AI answers, a worker replies. ``may_reply``
    is called for one more reply. If it returns false, as past a limit, a person is called instead.
    ``check_start`` is called before a conversation starts, and may raise. The other arguments must
    have passed ``validation``.
    """
    visit = Visit(webchat, visitor_id, contact or {}, page or {})
    sent = _send_or_retry(visit, text, client_key, may_start=check_start is None)
    # Both are called after the transaction: its locks must not wait for the server that counts the
    # throttles.
    if sent is None and check_start is not None:
        check_start()
        sent = _send_or_retry(visit, text, client_key, may_start=True)
    assert sent is not None
    if sent.requests_reply and not may_reply():
        # Before the worker replies, which waits for the visitor's next message.
        with suppress(ConversationConflict):
            hand_over(conversation=sent.message.conversation)
    return sent


def _send_or_retry(visit: Visit, text: str, client_key: str, *, may_start: bool) -> Sent | None:
    try:
        return _send_visitor_message(visit, text, client_key, may_start=may_start)
    except IntegrityError:
        # Another request of the visitor has started the conversation, or stored this message.
        return _send_visitor_message(visit, text, client_key, may_start=may_start)


@transaction.atomic
def _send_visitor_message(
    visit: Visit, text: str, client_key: str, *, may_start: bool
) -> Sent | None:
    """Store the message. If that would start a conversation and it may not, return ``None``."""
    webchat, visitor_id, details, page = visit
    newest = lock_newest(webchat, visitor_id)
    sent = find_sent_by_visitor(webchat, visitor_id, client_key)
    if sent is not None:
        return Sent(sent, created=False)
    if not may_start and (newest is None or newest.is_over(timezone.now())):
        return None
    was_open = newest is not None and newest.state == State.OPEN
    known = find_contact(newest.contact_id) if newest else None
    person = update_contact(webchat, known, details, page)
    conversation = _start_or_continue(webchat, visitor_id, newest, person)
    is_waiting = was_open and _waits_for_reply(conversation)
    requests_reply = conversation.handler == Handler.AI and not is_waiting
    if webchat.organization.mask_card_numbers:
        text = mask_card_numbers(text)
    message = append(
        conversation,
        author=Author.VISITOR,
        author_name=person.name,
        text=text,
        client_key=client_key,
    )
    if conversation.handler == Handler.AI:
        # The prompt or its provider may have changed since the last message.
        if not was_open or can_answer(conversation):
            outdate_draft(conversation)
            request_reply(conversation)
        else:
            requests_reply = False
            hand_over_locked(conversation, Action.HAND_OVER)
    else:
        request_notifications(conversation)
    save(conversation)
    return Sent(message, created=True, requests_reply=requests_reply)


def _start_or_continue(
    webchat: Webchat, visitor_id: str, newest: Conversation | None, contact: Contact
) -> Conversation:
    """Return the visitor's open conversation: the newest one, which may be reopened, or a new one.

    The caller has locked the newest one, and saves the conversation.
    """
    now = timezone.now()
    if newest is None or newest.is_over(now):
        conversation = Conversation(
            organization_id=webchat.organization_id,
            webchat=webchat,
            contact=contact,
            visitor_id=visitor_id,
            last_message_at=now,
        )
        start_handling(conversation)
        conversation.save(force_insert=True)
        return conversation
    # As it is now, and without a query.
    newest.webchat = webchat
    if newest.state == State.CLOSED:
        reopen_locked(newest)
    return newest


def _waits_for_reply(conversation: Conversation) -> bool:
    """Return whether a reply has been requested and has not begun, which answers all messages."""
    if conversation.handler != Handler.AI or conversation.last_message_author != Author.VISITOR:
        return False
    has_begun = conversation.replies.running().exists()
    return not has_begun and not conversation.drafts.pending().exists()


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
        sent = find_sent(locked, client_key)
        if sent is not None:
            # Visitors choose keys, too.
            if sent.author != Author.REP:
                raise ClientKeyUsed
            return Sent(sent, created=False)
        require_open(locked)
        if after is not None:
            _require_unanswered(locked, user, after)
        join_locked(locked, user, Action.REP_MESSAGE)
        message = append(
            locked,
            author=Author.REP,
            author_name=user.public_name,
            user=user,
            text=text,
            client_key=client_key,
        )
        delete_unsent_text(locked, user)
        save(locked)
    return Sent(message, created=True)


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


def _require_unanswered(conversation: Conversation, user: User, after: int) -> None:
    answers = conversation.messages.filter(sequence__gt=after, author__in=[Author.AI, Author.REP])
    answer = answers.exclude(user=user).order_by("-sequence").first()
    if answer is not None:
        raise AnsweredMeanwhile(answer)
