"""The page inside the iframe. The admin's preview is this page too, drawn from unsaved values."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string


def render_frame(request: HttpRequest, config: Mapping[str, Any], *, preview: bool) -> str:
    """The page, from what ``WidgetConfigSerializer`` gives.

    It has no inline script or style, and every address in it is absolute, so that it also works
    as an ``iframe``'s ``srcdoc`` under the embedding page's ``script-src 'self'``. With
    ``preview`` it shows sample messages and the survey, so that every colour can be judged, and
    listens to nobody.

    The template gets no request: nothing in the page may depend on who asks for it.
    """
    return render_to_string("widget/frame.html", {"config": config, "preview": preview})
