"""The form that takes a file of webchats on the staff's site."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from organizations.auth.roles import Operation, role_allows
from organizations.models import Organization, User
from webchats.imports.formats.readers import FORMATS
from webchats.imports.importer import format_of
from webchats.models import Webchat

_NAMES = ", ".join(f".{name}" for name in FORMATS)


class ImportForm(forms.Form):
    """A file, what to do with it, and, from a superuser, the organization it goes to."""

    organization = forms.ModelChoiceField(Organization.objects.all(), empty_label="Choose…")
    file = forms.FileField(widget=forms.FileInput(attrs={"accept": f"{_NAMES},.jsonl,.tsv,.txt"}))
    update = forms.BooleanField(
        required=False,
        label="Update existing webchats",
        help_text="Change the webchats of the same _id, else of the same name. Without it every "
        "row becomes a new webchat.",
    )
    skip_invalid = forms.BooleanField(
        required=False,
        label="Skip bad rows",
        help_text="Import the good rows of a file that has bad ones. Without it one bad row "
        "refuses the file.",
    )

    def __init__(self, user: User, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.label_suffix = ""
        self._user = user
        if user.organization is not None:
            del self.fields["organization"]
        if not role_allows(user.role, Operation.CHANGE, Webchat):
            del self.fields["update"]
        size = filesizeformat(settings.MAX_UPLOAD_BYTES)
        self.fields["file"].help_text = (
            f"CSV, Excel (.xlsx), JSON or NDJSON, at most {size}. It is checked first: nothing is "
            "written before you confirm."
        )

    def clean_file(self) -> UploadedFile[bytes]:
        """The file, whose name says its format."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if format_of(file.name or "") is None:
            raise ValidationError(f"The file’s name has to end in one of {_NAMES}.")
        return file

    @property
    def target(self) -> Organization:
        """Where the rows of a valid form go."""
        organization: Organization = self._user.organization or self.cleaned_data["organization"]
        return organization
