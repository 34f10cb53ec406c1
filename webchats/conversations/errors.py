"""Errors of sessions, and of actions that the state of a conversation does not allow."""

from rest_framework import status
from rest_framework.exceptions import APIException, AuthenticationFailed

from organizations.models import User
from webchat_project.api.exceptions import ErrorItem
from webchats.conversations.models import Contact, Draft, Message, StageMove
from webchats.conversations.models.rating import CHANGEABLE_FOR


class AnswerItem(ErrorItem):
    """Another person's answer. ``message`` is its text."""

    sequence: int
    authorName: str


class DraftItem(ErrorItem):
    """The current draft. ``message`` describes the change."""

    state: str
    version: int


class MovedContactItem(ErrorItem):
    """The stage where the contact is now. ``movedByName`` moved it there."""

    stageId: str | None
    stage: str
    movedByName: str


class SessionExpired(AuthenticationFailed):
    """The visitor's session token is missing, invalid, expired or ended."""

    default_detail = "The session has expired. Start a new one."
    default_code = "session_expired"


class WebchatDisabled(APIException):
    """The webchat is disabled or deleted."""

    status_code = status.HTTP_410_GONE
    default_detail = "This chat is closed."
    default_code = "disabled"


class ConversationConflict(APIException):
    """An action that the conversation's state does not allow."""

    status_code: int = status.HTTP_409_CONFLICT


class ConversationDeleted(ConversationConflict):
    """The conversation has been deleted, or is being deleted."""

    status_code = status.HTTP_404_NOT_FOUND
    default_detail = "The conversation has been deleted."
    default_code = "not_found"


class ConversationClosed(ConversationConflict):
    """The conversation is closed."""

    default_detail = "The conversation is closed. Reopen it first."
    default_code = "closed"


class ConversationNotClosed(ConversationConflict):
    """A rating of a conversation that is still open."""

    default_detail = "The conversation is open. It can be rated once it is closed."
    default_code = "not_closed"


class RatingFinal(ConversationConflict):
    """A change of a rating that is too old."""

    default_detail = f"A rating can be changed for {CHANGEABLE_FOR.days} days only."
    default_code = "rating_final"


class SurveyDisabled(ConversationConflict):
    """A rating in a webchat without a survey."""

    default_detail = "This webchat has no survey."
    default_code = "survey_disabled"


class VisitorMovedOn(ConversationConflict):
    """The visitor has another open conversation."""

    default_detail = "The visitor has started another conversation. Answer there."
    default_code = "visitor_moved_on"


class WebchatDeleted(ConversationConflict):
    """The webchat was deleted, so that the conversation stays closed."""

    default_detail = (
        "The webchat was deleted: the visitor would not see a reply. Add a note instead."
    )
    default_code = "webchat_deleted"


class ClientKeyUsed(ConversationConflict):
    """The key of a representative's message is used by a message of another author."""

    default_detail = "Another message of the conversation has this key. Choose another one."
    default_code = "client_key_used"


class AnsweredMeanwhile(ConversationConflict):
    """Somebody else has answered since the representative last looked."""

    default_detail = "Somebody else has answered meanwhile."
    default_code = "answered_meanwhile"

    def __init__(self, answer: Message) -> None:
        super().__init__()
        self.answer = answer

    @property
    def details(self) -> list[AnswerItem]:
        """Return the answer, for the body of the error."""
        return [
            {
                "field": "after",
                "code": self.default_code,
                "message": self.answer.text,
                "sequence": self.answer.sequence,
                "authorName": self.answer.author_name,
            }
        ]


class AssignedMeanwhile(ConversationConflict):
    """Another user has become the assignee since the representative loaded the page."""

    default_code = "assigned_meanwhile"

    def __init__(self, assignee: User | None) -> None:
        name = assignee.get_full_name() if assignee else "Nobody"
        super().__init__(f"{name} is the assignee now. To change that, assign the conversation.")


class AiUnavailable(ConversationConflict):
    """The AI cannot answer the conversation."""

    default_detail = (
        "Automatic answers are not possible here. Select an active prompt whose provider can be "
        "used, or add knowledge."
    )
    default_code = "ai_unavailable"


class DraftChanged(ConversationConflict):
    """The draft has another version than the caller has seen, or is not pending any more."""

    default_detail = "The draft has changed meanwhile. Read it again."
    default_code = "draft_changed"

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft

    @property
    def details(self) -> list[DraftItem]:
        """Return the state of the draft, for the body of the error."""
        return [
            {
                "field": "version",
                "code": self.default_code,
                "message": f"The draft is {self.draft.state}, version {self.draft.version}.",
                "state": self.draft.state,
                "version": self.draft.version,
            }
        ]


class ContactGone(ConversationConflict):
    """A contact was merged into another one, or deleted, since the caller read it."""

    default_detail = "The contact was merged or deleted meanwhile. Nothing was changed."
    default_code = "contact_gone"


class ContactBusy(ConversationConflict):
    """Another transaction, such as an import, changes one of the contacts of a merge."""

    default_detail = "One of the contacts is being changed. Nothing was merged. Try again."
    default_code = "contact_busy"


class ContactTooLarge(ConversationConflict):
    """A contact with too many conversations for a merge that would move them."""

    default_code = "contact_too_large"


class MergeFinal(ConversationConflict):
    """A merge that cannot be undone, or not yet."""

    default_code = "merge_final"


class MovedMeanwhile(ConversationConflict):
    """The contact is not in the stage where the caller has seen it."""

    default_code = "moved_meanwhile"

    def __init__(self, contact: Contact, last: StageMove | None) -> None:
        self.contact = contact
        self.moved_by = last.moved_by_name if last else ""
        stage = contact.stage.name if contact.stage else "no stage"
        super().__init__(
            f"{self.moved_by or 'Somebody else'} has moved {contact} to {stage} meanwhile."
        )

    @property
    def details(self) -> list[MovedContactItem]:
        """Return where the contact is, for the body of the error."""
        stage = self.contact.stage
        return [
            {
                "field": "fromStageId",
                "code": self.default_code,
                "message": str(self.detail),
                "stageId": self.contact.stage_id,
                "stage": stage.name if stage else "",
                "movedByName": self.moved_by,
            }
        ]
