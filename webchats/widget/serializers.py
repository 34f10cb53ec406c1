"""The public configuration of a webchat: the fields that visitors' browsers receive."""

from typing import Final, TypedDict

from django.http import HttpRequest

from organizations.colors import mix, readable_shade, readable_text_color
from webchats.icons.storage import signed_url
from webchats.models import Webchat
from webchats.models.appearance import DEFAULT_TIMESTAMP_COLOR

#: The share of black or white in the bubbles of replies; the rest is the panel's background.
_REPLY_SHADE: Final = 0.06


class PublicConfig(TypedDict):
    """The public fields. They are an allowlist: anyone may read them.

    The last five colors are computed here, so that scripts do not repeat the formula.
    """

    _id: str
    title: str
    #: A signed URL, absolute if ``public_config`` got the request.
    icon: str | None
    starterMessage: str
    statusText: str
    csatThankYouMessage: str
    isSurveyEnabled: bool
    backgroundColor: str
    primaryColor: str
    secondaryColor: str
    headerTextColor: str
    statusTextColor: str
    timestampColor: str
    csatBackgroundColor: str
    csatTextColor: str
    position: str
    offsetX: int
    offsetY: int
    zIndex: int
    #: Text on the launcher and on buttons.
    primaryTextColor: str
    #: Text in the visitor's bubbles.
    secondaryTextColor: str
    #: The bubbles of replies, and their text.
    replyColor: str
    replyTextColor: str
    #: Times, names and events: ``timestampColor``, or a readable shade of the default.
    timestampTextColor: str


def public_config(webchat: Webchat, request: HttpRequest | None = None) -> PublicConfig:
    """Return the public configuration of a webchat, which may be unsaved.

    With ``request`` the icon's URL is absolute, as pages of other sites need it.
    """
    icon = webchat.icon_or_default
    background = webchat.background_color
    reply = mix(background, readable_text_color(background), _REPLY_SHADE)
    return {
        "_id": webchat.pk,
        "title": webchat.organization.public_title,
        "icon": signed_url(icon, request) if icon else None,
        "starterMessage": webchat.starter_message,
        "statusText": webchat.status_text,
        "csatThankYouMessage": webchat.csat_thank_you_message,
        "isSurveyEnabled": webchat.is_survey_enabled,
        "backgroundColor": background,
        "primaryColor": webchat.primary_color,
        "secondaryColor": webchat.secondary_color,
        "headerTextColor": webchat.header_text_color,
        "statusTextColor": webchat.status_text_color,
        "timestampColor": webchat.timestamp_color,
        "csatBackgroundColor": webchat.csat_background_color,
        "csatTextColor": webchat.csat_text_color,
        "position": webchat.position,
        "offsetX": webchat.offset_x,
        "offsetY": webchat.offset_y,
        "zIndex": webchat.z_index,
        "primaryTextColor": readable_text_color(webchat.primary_color),
        "secondaryTextColor": readable_text_color(webchat.secondary_color),
        "replyColor": reply,
        "replyTextColor": readable_text_color(reply),
        "timestampTextColor": _timestamp_text_color(webchat),
    }


def _timestamp_text_color(webchat: Webchat) -> str:
    """Return the configured color. Only the default color is made readable on the background."""
    color, background = webchat.timestamp_color, webchat.background_color
    if color.upper() != DEFAULT_TIMESTAMP_COLOR:
        return color
    return readable_shade(color, background)
