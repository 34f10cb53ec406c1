"""The models of webchats, their imports and their last loads."""

from organizations.models import Organization
from webchats.icons.references import register_icon_field
from webchats.models.appearance import COLOR_FIELDS, Position
from webchats.models.imports import ImportRecord, ImportStatus, PendingImport
from webchats.models.last_load import LastLoad
from webchats.models.querysets import WebchatQuerySet
from webchats.models.webchat import Webchat

__all__ = [
    "COLOR_FIELDS",
    "ImportRecord",
    "ImportStatus",
    "LastLoad",
    "PendingImport",
    "Position",
    "Webchat",
    "WebchatQuerySet",
]

register_icon_field(Webchat, "icon")
register_icon_field(Organization, "default_icon")
