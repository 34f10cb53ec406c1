"""The form that uploads a file to import."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from organizations.auth.roles import Operation, role_allows
from organizations.models import Organization, User
from organizations.templatetags.sizes import file_size
from webchats.imports.formats import FORMATS, detect_format

_EXTENSIONS = ", ".join(f".{name}" for name in FORMATS)


class ImportForm(forms.Form):
    """A file, the options of its import, and for superusers the organization to import into."""

    organization = forms.ModelChoiceField(Organization.objects.all(), empty_label="Choose…")
    file = forms.FileField(
        widget=forms.FileInput(attrs={"accept": f"{_EXTENSIONS},.jsonl,.tsv,.txt"})
    )
    update = forms.BooleanField(
        required=False,
    )
    skip_invalid = forms.BooleanField(
        required=False,
        label="Skip invalid rows",
        help_text="Import the valid rows only. If off, one invalid row stops the whole import.",
    )

    def __init__(
        self,
        user: User,
        data: QueryDict | None = None,
        files: MultiValueDict[str, UploadedFile[bytes]] | None = None,
        *,
        model: type[models.Model],
        name_column: str,
    ) -> None:
        super().__init__(data, files)
        self.label_suffix = ""
        self._user = user
        if user.organization is not None:
            del self.fields["organization"]
        names = model._meta
        self.fields["update"].label = f"Update existing {names.verbose_name_plural}"
        self.fields["update"].help_text = (
            f"Update the {names.verbose_name_plural} with the same _id, or else with the same "
            f"{name_column}. If off, every row creates a new {names.verbose_name}."
        )
        if not role_allows(user.role, Operation.CHANGE, model):
            del self.fields["update"]
        size = file_size(settings.MAX_UPLOAD_BYTES)
        self.fields["file"].widget.attrs |= {
            "data-max-bytes": settings.MAX_UPLOAD_BYTES,
            "data-too-large": f"The file is larger than {size}. Split it into smaller files.",
        }
        self.fields["file"].help_text = (
            f"Choose a file or drop it here: CSV, Excel (.xlsx), JSON or NDJSON, at most {size}. "
            "The file is checked first. Nothing is imported before you confirm."
        )

    def clean_file(self) -> UploadedFile[bytes]:
        """Return the file. Raise ``ValidationError`` if its name has no supported extension."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if detect_format(file.name or "") is None:
            raise ValidationError(f"The file name must end in one of {_EXTENSIONS}.")
        return file

    @property
    def target(self) -> Organization:
        """The organization to import into, once the form is valid."""
        organization: Organization = self._user.organization or self.cleaned_data["organization"]
        return organization
