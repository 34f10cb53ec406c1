"""The example conversation and contact of the API documentation."""

from typing import Final

from webchats import examples

CONVERSATION_ID: Final = "68a1b2c3d4e5f6a7b8c9d0e1"
CONTACT_ID: Final = "68a1b2c3d4e5f6a7b8c9d0e0"

#: The body of ``PATCH /api/conversations/{id}``.
CONVERSATION_UPDATE: Final[dict[str, object]] = {
    "assigneeId": examples.USER_ID,
    "isAutopilot": False,
}

CONVERSATION: Final[dict[str, object]] = {
    "_id": CONVERSATION_ID,
    "organizationId": examples.ORGANIZATION_ID,
    "webchatId": examples.DOCUMENT["_id"],
    "contactId": CONTACT_ID,
    "contact": {"_id": CONTACT_ID, "name": "Ada", "email": "ada@example.com", "phone": ""},
    "promptId": None,
    "isAutopilot": False,
    "state": "open",
    "handler": "waiting",
    "assigneeId": examples.USER_ID,
    "lastSequence": 1,
    "unread": 1,
    "lastMessage": {"author": "visitor", "text": "Do you have this tent in stock?"},
    "lastMessageAt": "2026-03-12T10:00:00.000Z",
    "waitingSince": "2026-03-12T10:00:00.000Z",
    "firstReplyAt": None,
    "closedAt": None,
    "rating": None,
    "createdAt": "2026-03-12T10:00:00.000Z",
    "updatedAt": "2026-03-12T10:00:05.000Z",
}

#: The body of ``POST /api/conversations/{id}/messages``.
MESSAGE_REQUEST: Final[dict[str, object]] = {
    "text": "Yes, in green and in **orange**.",
    "clientKey": "5d0c6f0e-9b1f-4a52-9c38-0c5c8a5f7f11",
    "after": 1,
}

#: The message that the request stores.
MESSAGE: Final[dict[str, object]] = {
    "sequence": 3,
    "kind": "text",
    "author": "rep",
    "authorName": "Alex",
    "text": MESSAGE_REQUEST["text"],
    "event": None,
    "sources": [],
    "isApproved": False,
    "clientKey": MESSAGE_REQUEST["clientKey"],
    "createdAt": "2026-03-12T10:01:00.000Z",
    "userId": examples.USER_ID,
    "approvedBy": None,
    "replyId": None,
}

#: The bodies of ``POST /api/drafts/{id}/approve``, ``…/reject`` and ``…/edit``.
DRAFT_APPROVAL: Final[dict[str, object]] = {"version": 1, "text": "Yes, in green and in orange."}
DRAFT_REJECTION: Final[dict[str, object]] = {
    "version": 1,
    "reason": "missing_knowledge",
    "comment": "The colors are not in the knowledge.",
}
DRAFT_EDITING: Final[dict[str, object]] = {"version": 1}

DRAFT: Final[dict[str, object]] = {
    "_id": "68a1b2c3d4e5f6a7b8c9d0e2",
    "conversationId": CONVERSATION_ID,
    "state": "pending",
    "version": 1,
    "text": "Yes, in green.",
    "sentText": None,
    "reason": None,
    "comment": "",
    "promptVersion": 1,
    "model": "gpt-5-mini",
    "sources": [{"number": 1, "title": "Colors", "link": "https://example.com/colors"}],
    "basedOnSequence": 1,
    "isStale": False,
    "editingBy": None,
    "editingUntil": None,
    "decidedBy": None,
    "decidedAt": None,
    "createdAt": "2026-03-12T10:00:03.000Z",
}

#: The body of ``POST /api/conversations/{id}/notes``.
NOTE_REQUEST: Final[dict[str, object]] = {"text": "Asked for orange last year, too."}

#: The body of ``POST /api/conversations/{id}/presence``.
PRESENCE_REQUEST: Final[dict[str, object]] = {"typing": False}

#: The body of ``POST /api/conversations/{id}/unsent-text``.
UNSENT_TEXT_REQUEST: Final[dict[str, object]] = {"text": "Yes, in green and", "isNote": False}

#: The body of ``POST /api/push-subscriptions``.
PUSH_SUBSCRIPTION_REQUEST: Final[dict[str, object]] = {
    "endpoint": "https://push.example.com/send/cXfG3eXo",
    "keys": {
        "p256dh": "BAgUltcGSoaRzbfpcZMw1xzpy2mNJfQ7ZUCK05HcMkygm2xOl9e9fdhrpdjMpBAs"
        "IZvp-E1Lc2jKaHC6QT0LiD4",
        "auth": "SNjEsHCVY23ipErakjHQ1A",
    },
    "device": "Firefox on Android",
}

#: The body of ``POST /api/conversations/{id}/read``.
READ_REQUEST: Final[dict[str, object]] = {"sequence": 3}

#: The body of ``POST /api/contacts``.
CONTACT_REQUEST: Final[dict[str, object]] = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "phone": "+44 20 7946 0000",
    "pipelineId": examples.PIPELINE_ID,
    "stageId": examples.STAGE_ID,
    "status": "new",
}

#: The body of ``PATCH /api/contacts/{id}``.
CONTACT_UPDATE: Final[dict[str, object]] = {
    "name": "Ada Lovelace",
    "pipelineId": examples.PIPELINE_ID,
    "stageId": examples.STAGE_ID,
}

CONTACT: Final[dict[str, object]] = {
    "_id": CONTACT_ID,
    "organizationId": examples.ORGANIZATION_ID,
    "webchatId": examples.DOCUMENT["_id"],
    "email": "ada@example.com",
    "phone": "",
    **CONTACT_UPDATE,
    "stageEnteredAt": "2026-03-12T10:02:00.000Z",
    "status": "new",
    "page": {
        "url": "https://example.com/tents",
        "title": "Tents",
        "referrer": "https://example.com/",
    },
    "locale": "en-GB",
    "firstSeenAt": "2026-03-12T10:00:00.000Z",
    "lastSeenAt": "2026-03-12T10:00:00.000Z",
    "createdAt": "2026-03-12T10:00:00.000Z",
    "updatedAt": "2026-03-12T10:02:00.000Z",
}

#: A contact to merge into ``CONTACT_ID``.
DUPLICATE_ID: Final = "68a1b2c3d4e5f6a7b8c9d0f1"

#: The body of ``POST /api/contacts/{id}/merge``.
MERGE_REQUEST: Final[dict[str, object]] = {"contactId": DUPLICATE_ID, "take": ["phone"]}

CONTACT_MERGE: Final[dict[str, object]] = {
    "_id": "68a1b2c3d4e5f6a7b8c9d0f2",
    "organizationId": examples.ORGANIZATION_ID,
    "contactId": CONTACT_ID,
    "keptContactId": CONTACT_ID,
    "removedContactId": DUPLICATE_ID,
    "removedContact": {"name": "Ada", "email": "ada@example.com", "phone": "+44 20 7946 0000"},
    "mergedBy": examples.USER_ID,
    "mergedByName": "Alex Meyer",
    "isUndoable": True,
    "undoableUntil": "2026-04-11T10:05:00.000Z",
    "undoneAt": None,
    "undoneBy": None,
    "createdAt": "2026-03-12T10:05:00.000Z",
}

#: The body of ``POST /api/canned-replies``.
CANNED_REPLY_REQUEST: Final[dict[str, object]] = {
    "shortcut": "hours",
    "title": "Opening hours",
    "text": "Hello {visitor.name|there}, we are open from Monday to Saturday, 10 to 19 o'clock.",
}

CANNED_REPLY: Final[dict[str, object]] = {
    "_id": "68a1b2c3d4e5f6a7b8c9d0e3",
    "organizationId": examples.ORGANIZATION_ID,
    **CANNED_REPLY_REQUEST,
    "createdAt": "2026-03-12T10:00:00.000Z",
    "updatedAt": "2026-03-12T10:00:00.000Z",
}

#: The body of ``POST /api/knowledge``.
KNOWLEDGE_REQUEST: Final[dict[str, object]] = {
    "question": "How long does delivery take?",
    "alsoAskedAs": ["When does my parcel arrive?"],
    "answer": "Two to three working days within Europe.",
    "link": "https://example.com/delivery",
    "language": "en",
    "promptIds": [examples.PROMPT_ID],
}

KNOWLEDGE: Final[dict[str, object]] = {
    "_id": "68a1b2c3d4e5f6a7b8c9d0e2",
    "organizationId": examples.ORGANIZATION_ID,
    **KNOWLEDGE_REQUEST,
    "isActive": True,
    "createdAt": "2026-03-12T10:00:00.000Z",
    "updatedAt": "2026-03-12T10:00:00.000Z",
}

#: The body of ``POST /api/inbox-views``.
SAVED_VIEW_REQUEST: Final[dict[str, object]] = {
    "name": "Unanswered in the shop",
    "query": f"state=open&handler=waiting&webchatId={examples.DOCUMENT['_id']}",
    "isShared": True,
}

SAVED_VIEW: Final[dict[str, object]] = {
    "_id": "68a1b2c3d4e5f6a7b8c9d0e3",
    "organizationId": examples.ORGANIZATION_ID,
    "userId": examples.USER_ID,
    **SAVED_VIEW_REQUEST,
    "createdAt": "2026-03-12T10:00:00.000Z",
    "updatedAt": "2026-03-12T10:00:00.000Z",
}

ERASURE: Final[dict[str, object]] = {
    "_id": "68a1b2c3d4e5f6a7b8c9d0f9",
    "organizationId": examples.ORGANIZATION_ID,
    "contactId": CONTACT_ID,
    "requestedBy": examples.USER_ID,
    "state": "running",
    "percent": 40,
    "conversations": 3,
    "deletedConversations": 1,
    "messages": 120,
    "deletedMessages": 48,
    "finishedAt": None,
    "createdAt": "2026-03-12T10:00:00.000Z",
}
