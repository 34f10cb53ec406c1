"""Bodies of the visitor's requests and responses."""

from typing import Any, Final, get_args

from rest_framework import serializers

from webchat_project.api import fields
from webchat_project.api.request_serializers import RequestSerializer
from webchats.conversations import validation
from webchats.conversations.models import Author, MessageKind
from webchats.conversations.models.message import MAX_CLIENT_KEY_LENGTH, MAX_TEXT_LENGTH
from webchats.conversations.models.rating import COMMENT_LENGTH, HIGHEST_SCORE, LOWEST_SCORE
from webchats.conversations.replies.availability import AnsweredBy
from webchats.conversations.replies.visible import CHECKING, WRITING
from webchats.conversations.transitions import Handler, State

#: In characters. A ticket and a token are a few hundred characters long.
_MAX_TOKEN_LENGTH: Final = 2_000
#: The largest value of the column ``sequence``.
_MAX_SEQUENCE: Final = 2**31 - 1


class _OptionalTextField(fields.StringField):
    """A text that may be missing, empty or ``null``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_blank=True, allow_null=True, **options)


class _HintField(_OptionalTextField):
    """A text of any characters, because ``clean_page`` removes those that cannot be stored."""

    def __init__(self) -> None:
        super().__init__()
        self.validators = []


class StartSessionSerializer(RequestSerializer):
    """The body of ``POST session``."""

    ticket = fields.StringField(max_length=_MAX_TOKEN_LENGTH)
    token = _OptionalTextField(
        max_length=_MAX_TOKEN_LENGTH,
        help_text="An earlier token, whose visitor the new session continues.",
    )


class VisitorDetailsSerializer(RequestSerializer):
    """What a visitor enters about themselves."""

    name = _OptionalTextField()
    email = _OptionalTextField()
    phone = _OptionalTextField()


class VisitorPageSerializer(RequestSerializer):
    """The page on which the widget is open."""

    url = _HintField()
    title = _HintField()
    referrer = _HintField()


class VisitorSendSerializer(RequestSerializer):
    """The body of ``POST messages``."""

    clientKey = fields.StringField(
        trim_whitespace=False,
        max_length=MAX_CLIENT_KEY_LENGTH,
        validators=[validation.validate_client_key],
        help_text="Chosen by the client. A message with the same key is stored once.",
    )
    text = fields.StringField(
        trim_whitespace=False,
        max_length=MAX_TEXT_LENGTH,
        validators=[validation.validate_text],
        help_text="Stored as it is, except for masked payment card numbers.",
    )
    contact = VisitorDetailsSerializer(required=False, allow_null=True)
    page = VisitorPageSerializer(required=False, allow_null=True)

    def validate_contact(self, value: dict[str, str | None] | None) -> validation.ContactDetails:
        """Return the details without white space around them."""
        return validation.clean_contact(_texts(value))

    def validate_page(self, value: dict[str, str | None] | None) -> validation.Page | None:
        """Return the page as it is stored."""
        return validation.clean_page(_texts(value)) if value else None


def _texts(value: dict[str, str | None] | None) -> Any:
    """Return the values that are texts. ``Any``: the result fits the caller's ``TypedDict``."""
    return {name: text for name, text in (value or {}).items() if text is not None}


class PositionSerializer(RequestSerializer):
    """The query string of ``GET messages``: the position of the client."""

    conversation = serializers.CharField(required=False, allow_blank=True)
    after = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=_MAX_SEQUENCE
    )


class VisitorReadSerializer(RequestSerializer):
    """The body of ``POST read``."""

    sequence = fields.IntegerField(min_value=0, max_value=_MAX_SEQUENCE)


class RateSerializer(RequestSerializer):
    """The body of ``PUT rating``."""

    score = fields.IntegerField(min_value=LOWEST_SCORE, max_value=HIGHEST_SCORE)
    comment = _OptionalTextField(
        max_length=COMMENT_LENGTH, help_text="Shown to representatives as text."
    )

    def validate_comment(self, value: str | None) -> str:
        """Return the comment as it is stored."""
        return value or ""


# --- Responses, for the OpenAPI document ---


class VisitorTicketSerializer(serializers.Serializer[Any]):
    """The response to ``POST ticket``."""

    ticket = serializers.CharField()
    expiresIn = serializers.IntegerField(help_text="Seconds.")


class SourceSerializer(serializers.Serializer[Any]):
    """A source of an AI's answer."""

    number = serializers.IntegerField()
    title = serializers.CharField()
    link = serializers.CharField()


class VisitorRatingSerializer(serializers.Serializer[Any]):
    """The visitor's rating of a conversation."""

    score = serializers.IntegerField(min_value=LOWEST_SCORE, max_value=HIGHEST_SCORE)
    comment = serializers.CharField()
    changeableUntil = serializers.DateTimeField()


class VisitorMessageSerializer(serializers.Serializer[Any]):
    """A message as its visitor sees it."""

    sequence = serializers.IntegerField(help_text="Counts from 1 without gaps.")
    kind = fields.ChoiceField(choices=MessageKind.choices)
    author = fields.ChoiceField(choices=Author.choices)
    authorName = serializers.CharField()
    text = serializers.CharField(help_text="Never HTML. Empty for an event.")
    event = serializers.CharField(
        allow_null=True, help_text="Such as `closed`, `reopened` or `joined`; `null` for a text."
    )
    sources = SourceSerializer(many=True)
    isApproved = serializers.BooleanField(
        help_text="Whether a colleague has checked the automatic answer."
    )
    clientKey = serializers.CharField(
        allow_null=True, help_text="`null` unless the visitor is the author."
    )
    createdAt = serializers.DateTimeField()


class VisitorConversationSerializer(serializers.Serializer[Any]):
    """The state of a conversation as its visitor sees it."""

    _id = fields.IdField()
    lastSequence = serializers.IntegerField()
    state = fields.ChoiceField(choices=State.choices)
    handler = fields.ChoiceField(choices=Handler.choices)
    rating = VisitorRatingSerializer(allow_null=True)


def _answered_by_field() -> fields.ChoiceField:
    return fields.ChoiceField(
        choices=get_args(AnsweredBy),
        help_text="What would answer a new conversation. `builtin` is a search without a model.",
    )


class VisitorSessionSerializer(serializers.Serializer[Any]):
    """The response to ``POST session``."""

    token = serializers.CharField()
    expiresAt = serializers.DateTimeField()
    conversation = VisitorConversationSerializer(
        allow_null=True, help_text="The visitor's newest conversation."
    )
    answeredBy = _answered_by_field()


class PartialReplySerializer(serializers.Serializer[Any]):
    """An AI's answer that is being written."""

    replyId = fields.IdField()
    text = serializers.CharField()


class VisitorMessagesSerializer(serializers.Serializer[Any]):
    """The response to ``GET messages``."""

    conversationId = fields.IdField(allow_null=True)
    messages = VisitorMessageSerializer(many=True)
    lastSequence = serializers.IntegerField()
    state = fields.ChoiceField(choices=State.choices, allow_null=True)
    handler = fields.ChoiceField(choices=Handler.choices, allow_null=True)
    rating = VisitorRatingSerializer(allow_null=True)
    reply = PartialReplySerializer(
        allow_null=True, help_text="The automatic answer that is being written, without approval."
    )
    replyState = fields.ChoiceField(
        choices=[WRITING, CHECKING],
        allow_null=True,
        help_text="`writing`: an automatic answer is due. `checking`: a colleague checks it first.",
    )
    answeredBy = _answered_by_field()


class VisitorRatedSerializer(serializers.Serializer[Any]):
    """The response to ``PUT rating``."""

    conversationId = fields.IdField()
    rating = VisitorRatingSerializer()


class VisitorSentSerializer(serializers.Serializer[Any]):
    """The response to ``POST messages``."""

    conversationId = fields.IdField()
    message = VisitorMessageSerializer()
