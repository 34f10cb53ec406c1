"""The JSON of messages, and of a conversation as its visitor sees it."""

from typing import TypedDict

from webchat_project.api.timestamps import format_timestamp
from webchats.conversations.models import Author, Conversation, Message


class SourceDocument(TypedDict):
    """A source of an AI's answer."""

    number: int
    title: str
    link: str


class RatingDocument(TypedDict):
    """The visitor's rating of a conversation."""

    score: int
    comment: str
    changeableUntil: str


class MessageDocument(TypedDict):
    """A message as its visitor sees it."""

    sequence: int
    kind: str
    author: str
    #: A display name, never an e-mail address.
    authorName: str
    text: str
    #: ``None`` for a text.
    event: str | None
    sources: list[SourceDocument]
    #: Whether a representative has approved the answer of the AI.
    isApproved: bool
    #: ``None`` for a message of another author.
    clientKey: str | None
    createdAt: str


class StaffMessageDocument(MessageDocument):
    """A message as staff see it, with the ids of users and of the AI's reply."""

    userId: str | None
    approvedBy: str | None
    #: ``None`` unless the AI wrote it.
    replyId: str | None


class VisitorConversationDocument(TypedDict):
    """The state of a conversation as its visitor sees it."""

    _id: str
    lastSequence: int
    state: str
    handler: str
    rating: RatingDocument | None


def visitor_message(message: Message) -> MessageDocument:
    """Return the document of a message for the visitor: no ids of users and no e-mail address."""
    is_own = message.author == Author.VISITOR
    return {
        "sequence": message.sequence,
        "kind": message.kind,
        "author": message.author,
        "authorName": message.author_name,
        "text": message.text,
        "event": message.event or None,
        "sources": message.sources,
        "isApproved": message.approved_by_id is not None,
        "clientKey": message.client_key if is_own else None,
        "createdAt": format_timestamp(message.created_at),
    }


def staff_message(message: Message) -> StaffMessageDocument:
    """Return the document of a message for staff, with the client key of any author."""
    return {
        **visitor_message(message),
        "clientKey": message.client_key or None,
        "userId": message.user_id,
        "approvedBy": message.approved_by_id,
        "replyId": message.reply_id,
    }


def visitor_rating(conversation: Conversation) -> RatingDocument | None:
    """Return the rating of a conversation for its visitor, ``None`` without one."""
    rating = conversation.rating
    if rating is None:
        return None
    return {
        "score": rating.score,
        "comment": rating.comment,
        "changeableUntil": format_timestamp(rating.changeable_until),
    }


def visitor_conversation(conversation: Conversation) -> VisitorConversationDocument:
    """Return the state of a conversation for its visitor."""
    return {
        "_id": conversation.pk,
        "lastSequence": conversation.last_sequence,
        "state": conversation.state,
        "handler": conversation.handler,
        "rating": visitor_rating(conversation),
    }
