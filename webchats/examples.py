"""The example webchat of the API documentation, the README and the demo."""

from typing import Final

ORGANIZATION_ID: Final = "65a0e0e0e0e0e0e0e0e0e0e0"
USER_ID: Final = "65b1f0a2c3d4e5f6a7b8c9d0"
PROMPT_ID: Final = "65b2a1c3d4e5f6a7b8c9d0e1"
PIPELINE_ID: Final = "66f0a0b0c0d0e0f0a0b0c0d0"
STAGE_ID: Final = "67f0a0b0c0d0e0f0a0b0c0d0"

#: The body of ``POST /api/webchats``.
REQUEST: Final[dict[str, object]] = {
    "name": "Marketing site widget",
    "description": "Bottom-right widget on the marketing site",
    "starterMessage": "Hi! Looking for pricing?",
    "backgroundColor": "#FFFFFF",
    "primaryColor": "#1F2937",
    "secondaryColor": "#3B82F6",
    "headerTextColor": "#FFFFFF",
    "statusText": "We typically reply within minutes",
    "statusTextColor": "#6B7280",
    "timestampColor": "#9CA3AF",
    "csatBackgroundColor": "#F3F4F6",
    "csatTextColor": "#111827",
    "csatThankYouMessage": "Thanks for your feedback!",
    "isSurveyEnabled": True,
    "promptId": PROMPT_ID,
    "allowedDomains": ["https://example.com"],
    "pipelineId": PIPELINE_ID,
    "pipelineStage": STAGE_ID,
    "initialStage": "new",
    "isAutopilot": True,
    "isAutoAssigned": True,
    "isEnabled": True,
}

#: The body of ``PATCH /api/webchats/{id}``.
UPDATE: Final[dict[str, object]] = {"statusText": "Back tomorrow at 9", "offsetX": 32}

#: The document in the response.
DOCUMENT: Final[dict[str, object]] = {
    "_id": "67d3a0b0c0d0e0f0a0b0c0d0",
    "organizationId": ORGANIZATION_ID,
    "userId": USER_ID,
    "createdBy": USER_ID,
    **REQUEST,
    "icon": None,
    "position": "bottom-right",
    "offsetX": 24,
    "offsetY": 24,
    "zIndex": 9999,
    "createdAt": "2026-03-12T10:00:00.000Z",
    "updatedAt": "2026-03-12T10:00:00.000Z",
}
