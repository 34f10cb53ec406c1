"""The example report of the API documentation."""

from typing import Final

from webchats import examples

_PERIOD: Final = {"from": "2026-11-01", "to": "2026-11-30", "timeZone": "Europe/Berlin"}
_RATINGS: Final[dict[str, object]] = {
    "key": "rating",
    "distribution": {"1": 1, "2": 0, "3": 1, "4": 4, "5": 14},
    "count": 20,
    "satisfied": 0.9,
    "mean": 4.5,
}

_SUMMARY: Final[dict[str, object]] = {
    **_PERIOD,
    "loadedAt": "2026-12-01T08:00:00.000Z",
    "conversations": 100,
    "retained": 0,
    "firstReplies": {
        "reply": {"count": 96, "median": 6, "percentile90": 310},
        "withoutAnswer": 4,
        "repReply": {"count": 21, "median": 95, "percentile90": 420},
        "withoutRepReply": 1,
    },
    "waiting": {
        "waitCount": 310,
        "mean": 24.5,
        "longest": {"count": 96, "median": 12, "percentile90": 430},
        "unanswered": 7,
    },
    "resolution": {
        "resolved": {"count": 98, "median": 540, "percentile90": 5_400},
        "unresolved": 2,
        "reopened": 5,
        "reopenRate": 0.05,
    },
    "ai": {
        "withAi": 80,
        "aiConfirmed": 12,
        "confirmedRate": 0.15,
        "aiAssumed": 50,
        "assumedRate": 0.625,
        "handedOver": 22,
        "handOverRate": 0.275,
        "askedForPerson": 9,
    },
    "drafts": {
        "draftsSent": 30,
        "draftsEdited": 6,
        "draftsRejected": 4,
        "draftsSuperseded": 3,
        "acceptance": 0.75,
        "editedWords": 200,
        "changedWords": 30,
        "editSize": 0.15,
    },
    "ratings": {
        "surveyed": 98,
        "rated": 20,
        "responseRate": 0.204,
        "all": _RATINGS,
        "aiOnly": {**_RATINGS, "key": "rating_ai_only"},
        "withRep": {
            "key": "rating_with_rep",
            "distribution": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0},
            "count": 0,
            "satisfied": None,
            "mean": None,
        },
    },
}
#: The content of ``GET /api/reports/summary``.
SUMMARIES: Final[dict[str, object]] = {
    "current": _SUMMARY,
    "before": {**_SUMMARY, "from": "2026-10-02", "to": "2026-10-31"},
}

#: The content of ``GET /api/reports/volume``, with one hour instead of all.
VOLUME: Final[dict[str, object]] = {
    **_PERIOD,
    "days": [{"key": "day=2026-11-01", "day": "2026-11-01", "count": 3}],
    "hours": [[{"key": "hour=1-0", "label": "Monday 00:00", "count": 1}]],
    "webchats": [
        {
            "key": f"webchat={examples.DOCUMENT['_id']}",
            "label": "Website",
            "count": 100,
            "id": examples.DOCUMENT["_id"],
        }
    ],
    "users": [{"key": "rep=none", "label": "None", "count": 74, "id": None}],
    "prompts": [
        {
            "key": f"prompt={examples.PROMPT_ID}-3",
            "label": "Support, version 3",
            "count": 80,
            "id": examples.PROMPT_ID,
        }
    ],
    "promptUsage": [
        {
            "promptId": examples.PROMPT_ID,
            "name": "Support",
            "version": 3,
            "calls": 240,
            "inputTokens": 182_000,
            "outputTokens": 21_000,
            "estimated": 1,
            "cost": "0.41500000",
        }
    ],
}

CONVERSATION: Final[dict[str, object]] = {
    "_id": "6752d0f1c3a4e80012ab4110",
    "webchatId": examples.DOCUMENT["_id"],
    "userId": examples.USER_ID,
    "promptId": examples.PROMPT_ID,
    "promptVersion": 3,
    "firstMessageAt": "2026-11-03T13:20:00.000Z",
    "lastMessageAt": "2026-11-03T13:31:00.000Z",
    "replySeconds": 6,
    "handedOverAt": "2026-11-03T13:22:00.000Z",
    "askedForPerson": True,
    "repReplySeconds": 95,
    "unansweredSince": None,
    "waitCount": 3,
    "waitSeconds": 120,
    "longestWaitSeconds": 95,
    "hadAi": True,
    "aiWrote": True,
    "repWrote": True,
    "aiConfirmed": False,
    "aiAssumed": False,
    "draftsSent": 0,
    "draftsEdited": 0,
    "draftsRejected": 0,
    "draftsSuperseded": 0,
    "editedWords": 0,
    "changedWords": 0,
    "closedAt": "2026-11-03T13:35:00.000Z",
    "closedBy": "rep",
    "resolutionSeconds": 900,
    "reopenCount": 0,
    "isSurveyed": True,
    "ratingScore": 5,
}
