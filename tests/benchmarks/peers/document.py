"""What every peer knows of the document: its names, and how a moment is written."""

from datetime import datetime

#: The document's names in their order, each with the model's attribute.
NAMES = {
    "_id": "id",
    "organizationId": "organization_id",
    "userId": "user_id",
    "createdBy": "created_by_id",
    "name": "name",
    "description": "description",
    "starterMessage": "starter_message",
    "backgroundColor": "background_color",
    "primaryColor": "primary_color",
    "secondaryColor": "secondary_color",
    "icon": "icon",
    "headerTextColor": "header_text_color",
    "statusText": "status_text",
    "statusTextColor": "status_text_color",
    "timestampColor": "timestamp_color",
    "csatBackgroundColor": "csat_background_color",
    "csatTextColor": "csat_text_color",
    "csatThankYouMessage": "csat_thank_you_message",
    "promptId": "prompt_id",
    "allowedDomains": "allowed_domains",
    "pipelineId": "pipeline_id",
    "pipelineStage": "pipeline_stage_id",
    "initialStage": "initial_stage",
    "isAutopilot": "is_autopilot",
    "isEnabled": "is_enabled",
    "position": "position",
    "offsetX": "offset_x",
    "offsetY": "offset_y",
    "zIndex": "z_index",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}
#: The document's name of each attribute.
ALIASES = {attribute: name for name, attribute in NAMES.items()}
LIMIT = 20


def moment(value: datetime) -> str:
    """UTC with milliseconds and ``Z``; the databases' drivers give moments in UTC."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pagination(page: int, limit: int, total: int) -> dict[str, int]:
    """The list's envelope."""
    return {"page": page, "limit": limit, "total": total, "totalPages": -(-total // limit)}
