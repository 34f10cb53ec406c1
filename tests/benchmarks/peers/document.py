"""The field names, timestamps and pagination of the documents that every peer returns."""

from datetime import datetime

#: The model's attribute of each field, in the order of the document.
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
    "isSurveyEnabled": "is_survey_enabled",
    "promptId": "prompt_id",
    "allowedDomains": "allowed_domains",
    "pipelineId": "pipeline_id",
    "pipelineStage": "pipeline_stage_id",
    "initialStage": "initial_stage",
    "isAutopilot": "is_autopilot",
    "isAutoAssigned": "is_auto_assigned",
    "isEnabled": "is_enabled",
    "position": "position",
    "offsetX": "offset_x",
    "offsetY": "offset_y",
    "zIndex": "z_index",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}
#: The field name of each attribute.
ALIASES = {attribute: name for name, attribute in NAMES.items()}
#: The default length of a page.
LIMIT = 20


def timestamp(value: datetime) -> str:
    """Return an aware datetime in UTC as ISO 8601 with milliseconds and ``Z``."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pagination(page: int, limit: int, total: int) -> dict[str, int]:
    """Return the pagination object of a list."""
    return {"page": page, "limit": limit, "total": total, "totalPages": -(-total // limit)}
