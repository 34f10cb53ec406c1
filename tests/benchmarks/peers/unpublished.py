"""The service without the hints that it publishes for streams."""

from typing import Any

from webchat_project.wsgi import application
from webchats.conversations import events


def _publish_nothing(hint: Any) -> None:
    pass


events.publish = _publish_nothing

__all__ = ["application"]
