"""The keyword arguments of Django's methods, for overrides that pass them on."""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Generic, TypeAlias, TypedDict, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.db.models.base import ModelBase
from django.forms.renderers import BaseRenderer
from django.forms.utils import ErrorList
from django.utils.datastructures import MultiValueDict

_Row = TypeVar("_Row", bound=models.Model)

#: The first two arguments of a form.
FormData: TypeAlias = Mapping[str, object] | None
FormFiles: TypeAlias = MultiValueDict[str, UploadedFile[bytes]] | None


class ModelFormOptions(TypedDict, Generic[_Row], total=False):
    """The arguments of ``forms.ModelForm`` besides ``data`` and ``files``."""

    auto_id: bool | str
    prefix: str | None
    initial: MutableMapping[str, object] | None
    error_class: type[ErrorList]
    label_suffix: str | None
    empty_permitted: bool
    instance: _Row | None
    use_required_attribute: bool | None
    renderer: BaseRenderer | None


class SaveOptions(TypedDict, total=False):
    """The arguments of ``Model.save()``."""

    force_insert: bool | tuple[ModelBase, ...]
    force_update: bool
    using: str | None
    update_fields: Iterable[str] | None


class FieldOptions(TypedDict, total=False):
    """The arguments of a model field that the models of the project use."""

    verbose_name: str
    primary_key: bool
    max_length: int
    blank: bool
    default: object
    editable: bool
    help_text: str
