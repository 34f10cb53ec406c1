"""URLs and requests of the admin pages of webchats."""

from typing import Any, Protocol

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from webchats.models import Webchat

LIST = "/admin/webchats/webchat/"
ADD = f"{LIST}add/"
PREVIEW = f"{LIST}add/preview/"
IMPORT = f"{LIST}import/"
CONFIRM = f"{LIST}import/confirm/"
RECORDS = "/admin/webchats/importrecord/"


class FormData(Protocol):
    """Returns the values of a valid form, with changes; a change to ``None`` leaves out a field."""

    def __call__(self, **changes: Any) -> dict[str, Any]: ...


def change_url(webchat: Webchat) -> str:
    """Return the URL of the webchat's form."""
    return f"{LIST}{webchat.pk}/change/"


def get_errors(response: Any) -> dict[str, list[str]]:
    """Return the errors of a form by field."""
    return dict(response.context["adminform"].errors)


def run_action(client: Client, action: str, *webchats: Webchat) -> Any:
    """Run an action of the list on the webchats and return the final response."""
    body = {"action": action, "_selected_action": [webchat.pk for webchat in webchats]}
    return client.post(LIST, body, follow=True)


def check_file(client: Client, content: str, name: str = "in.csv", **options: str) -> Any:
    """Upload a file to import and return the response with its report."""
    file = SimpleUploadedFile(name, content.encode())
    return client.post(IMPORT, {"file": file, **options})


def confirm(client: Client, response: Any) -> Any:
    """Confirm the import of a report."""
    return client.post(CONFIRM, {"pending": response.context["pending"].pk})


def import_as_updates(client: Client, response: Any) -> Any:
    """Check the file of a report again, as updates of existing webchats."""
    return client.post(IMPORT, {"pending": response.context["pending"].pk, "as_updates": "on"})


def check_again(client: Client, response: Any) -> Any:
    """Check the file of a report again."""
    return client.post(IMPORT, {"pending": response.context["pending"].pk})
