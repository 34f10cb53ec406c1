"""The live preview: the unsaved webchat of a posted form, drawn by the visitor's own template."""

from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html

from webchats.advice import low_contrasts
from webchats.forms import WebchatForm
from webchats.models import COLOR_NAMES, Webchat

#: What the picture shows; a mistake elsewhere on the form does not blank it.
_DRAWN = frozenset(
    {*COLOR_NAMES, "organization", "starter_message", "status_text", "csat_thank_you_message"}
)


def of_form(request: HttpRequest, form: WebchatForm) -> dict[str, Any]:
    """The picture (``None``: keep the last good one), what is wrong, what is hard to read, and
    the domains as they would be stored."""
    errors = {name: list(map(str, messages)) for name, messages in form.errors.items()}
    drawable = not _DRAWN & errors.keys()
    return {
        "html": _frame(request, form.instance) if drawable else None,
        "errors": errors,
        "warnings": list(low_contrasts(form.instance)) if drawable else [],
        "domains": form.cleaned_data.get("allowed_domains"),
    }


def _frame(request: HttpRequest, webchat: Webchat) -> str:
    return format_html("<p>{}</p>", webchat.starter_message)


def snippet(request: HttpRequest, webchat: Webchat) -> str:
    """What a customer pastes into their pages, the same for ever."""
    address = request.build_absolute_uri("/embed.js")
    return f'<script src="{address}" data-webchat="{webchat.pk}" async></script>'
