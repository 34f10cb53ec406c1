"""The models of webchats, their imports and their last loads."""

from webchats.models.imports import ImportRecord, ImportStatus, PendingImport
from webchats.models.last_load import LastLoad
from webchats.models.webchat import COLOR_NAMES, Position, Webchat, WebchatQuerySet

__all__ = [
    "COLOR_NAMES",
    "ImportRecord",
    "ImportStatus",
    "LastLoad",
    "PendingImport",
    "Position",
    "Webchat",
    "WebchatQuerySet",
]
