"""The live preview: the unsaved webchat of a posted form, drawn by the visitor's own template."""

import base64
from typing import Any

from django.http import HttpRequest

from webchats.admin.forms import WebchatForm
from webchats.models import COLOR_NAMES, Webchat
from webchats.serializers import WidgetConfigSerializer
from webchats.warnings import low_contrasts
from webchats.widget.frame import render_frame

#: What the picture shows; a mistake elsewhere on the form does not blank it.
_DRAWN = frozenset(
    {*COLOR_NAMES, "organization", "starter_message", "status_text", "csat_thank_you_message"}
)


def of_form(request: HttpRequest, form: WebchatForm) -> dict[str, Any]:
    """The picture (``None``: keep the last good one), what is wrong, what is hard to read, and
    the domains as they would be stored."""
    errors = {name: list(map(str, messages)) for name, messages in form.errors.items()}
    drawable = not _DRAWN & errors.keys()
    drawn = picture(request, form.instance, **_icon_of(form)) if drawable else {"html": None}
    return {
        **drawn,
        "errors": errors,
        "warnings": list(low_contrasts(form.instance)) if drawable else [],
        "domains": form.cleaned_data.get("allowed_domains"),
    }


def picture(request: HttpRequest, webchat: Webchat, **changes: Any) -> dict[str, Any]:
    """The page that visitors see, with sample messages, and what their launcher shows."""
    config = {**WidgetConfigSerializer(webchat, context={"request": request}).data, **changes}
    launcher = {name: config[name] for name in ("icon", "primaryColor", "primaryTextColor")}
    return {"html": render_frame(request, config, preview=True), "launcher": launcher}


def _icon_of(form: WebchatForm) -> dict[str, str | None]:
    """An icon that was chosen but is not stored yet, inside the page itself."""
    image = form.cleaned_data.get("icon_file")
    if image:
        content = base64.b64encode(image.content).decode()
        return {"icon": f"data:{image.content_type};base64,{content}"}
    if form.cleaned_data.get("remove_icon"):
        form.instance.icon = ""
    return {}


def snippet(request: HttpRequest, webchat: Webchat) -> str:
    """What a customer pastes into their pages, the same for ever."""
    address = request.build_absolute_uri("/embed.js")
    return f'<script src="{address}" data-webchat="{webchat.pk}" async></script>'
