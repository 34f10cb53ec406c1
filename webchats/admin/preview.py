"""The live preview: an unsaved webchat, rendered by the template of the visitor's frame."""

import base64
from typing import NotRequired, TypedDict

from django.http import HttpRequest

from webchats.admin.forms import WebchatForm
from webchats.models import COLOR_FIELDS, Webchat
from webchats.warnings import low_contrasts
from webchats.widget.serializers import public_config
from webchats.widget.views import render_frame

#: The fields that the preview shows. Errors of other fields do not prevent it.
_SHOWN_FIELDS = frozenset(
    {*COLOR_FIELDS, "organization", "starter_message", "status_text", "csat_thank_you_message"}
)


class Launcher(TypedDict):
    """The properties of the launcher in the preview; ``icon`` is a URL."""

    icon: str | None
    primaryColor: str
    primaryTextColor: str


class Rendering(TypedDict):
    """The frame's page with sample messages, and its launcher."""

    html: str
    launcher: Launcher


class Preview(TypedDict):
    """The response to a posted form."""

    #: ``None`` if a field that the preview shows is invalid: the page keeps the last rendering.
    html: str | None
    launcher: NotRequired[Launcher]
    #: Messages by field name; ``__all__`` has the non-field errors.
    errors: dict[str, list[str]]
    #: The names of invalid fields that prevent the rendering.
    missing: list[str]
    #: One sentence for each pair of colors with low contrast.
    warnings: list[str]
    #: The canonical entries; ``None`` if one is invalid.
    domains: list[str] | None


def preview_form(request: HttpRequest, form: WebchatForm) -> Preview:
    """Return the preview of a bound form."""
    errors = {name: [str(message) for message in found] for name, found in form.errors.items()}
    domains: list[str] | None = form.cleaned_data.get("allowed_domains")
    if missing := [name for name in errors if name in _SHOWN_FIELDS]:
        return {
            "html": None,
            "errors": errors,
            "missing": missing,
            "warnings": [],
            "domains": domains,
        }
    return {
        **render_webchat(request, form.instance, icon=_unsaved_icon(form)),
        "errors": errors,
        "missing": [],
        "warnings": list(low_contrasts(form.instance)),
        "domains": domains,
    }


def render_webchat(request: HttpRequest, webchat: Webchat, *, icon: str | None = None) -> Rendering:
    """Render a webchat, with the URL of another icon if one is given."""
    config = public_config(webchat, request)
    config["icon"] = icon or config["icon"]
    return {
        "html": render_frame(config, preview=True),
        "launcher": {
            "icon": config["icon"],
            "primaryColor": config["primaryColor"],
            "primaryTextColor": config["primaryTextColor"],
        },
    }


def _unsaved_icon(form: WebchatForm) -> str | None:
    """Return the uploaded icon as a ``data:`` URL. Clear the instance's icon to be removed."""
    image = form.cleaned_data.get("icon_file")
    if image:
        content = base64.b64encode(image.content).decode()
        return f"data:{image.content_type};base64,{content}"
    if form.cleaned_data.get("remove_icon"):
        form.instance.icon = ""
    return None


def snippet(request: HttpRequest, webchat: Webchat) -> str:
    """Return the HTML that embeds the webchat in a customer's page."""
    source = request.build_absolute_uri("/embed.js")
    return f'<script src="{source}" data-webchat="{webchat.pk}" async></script>'
