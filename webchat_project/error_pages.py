"""Error pages that need more than a template: see ``handler500`` of the URLconf."""

from django.http import HttpRequest, HttpResponseServerError
from django.template.loader import render_to_string

from webchat_project.observability.context import current_request


def server_error(request: HttpRequest) -> HttpResponseServerError:
    """Return the page for an unhandled exception, with the id that finds it in the log."""
    context = current_request.get()
    values = {"request_id": context.request_id if context else ""}
    return HttpResponseServerError(render_to_string("500.html", values))
