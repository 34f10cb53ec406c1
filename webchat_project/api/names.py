"""Names of a document: the model field of each name, and unknown names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework.exceptions import ErrorDetail

#: The ``detail`` of a ``ValidationError``, or a part of it.
Detail: TypeAlias = "ErrorDetail | Sequence[Detail] | Mapping[str, Detail]"

#: The similarity from which two names count as one with a typing error: 0 to 1.
_CUTOFF = 0.75
#: The most candidates that are compared, and their maximum length. A body can have 80,000 unknown
#: names, whose comparison would take seconds.
_MAX_CANDIDATES = 100
_MAX_LENGTH = 64


def model_field_name(model: type[models.Model], name: str) -> str:
    """Return the model field of a document's field: ``_id`` → ``id``, ``promptId`` → ``prompt``."""
    if name == "_id":
        return "id"
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    try:
        return model._meta.get_field(snake.removesuffix("_id")).name
    except FieldDoesNotExist:
        return snake


def find_similar(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``name`` is another spelling of: ``primary_color``, ``statusTxt``.

    ``None`` if there is none among the first hundred. Case, ``_`` and ``-`` make no difference.
    """
    compared = islice(candidates, _MAX_CANDIDATES)
    spellings = {_simplify(name): name for name in compared if len(name) <= _MAX_LENGTH}
    matches = get_close_matches(_simplify(name), spellings, n=1, cutoff=_CUTOFF)
    return spellings[matches[0]] if matches else None


def explain_missing(detail: Detail, name: str, unknown: Iterable[str]) -> Detail:
    """Return the ``ValidationError.detail`` of a field.

    If the field is missing, add the unknown name that was sent in its place.
    """
    if isinstance(detail, Mapping):
        return detail
    is_missing = isinstance(detail, list) and getattr(detail[0], "code", "") == "required"
    if is_missing and (sent := find_similar(name, unknown)):
        return [ErrorDetail(f'{detail[0]} You sent "{sent}": the name is "{name}".', "required")]
    return detail


def _simplify(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
