"""Parsers of request bodies."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request

#: A key of ``request.META``: the value that ``StrictJSONParser`` returned.
PARSED: Final = "api.parsed_json"

#: How much of a key an error message contains.
_SHOWN_KEY: Final = 100


class InvalidJSON(ValueError):
    """A text that Python's decoder accepts, but that is not interoperable JSON."""


def object_from(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object with these members. Raise ``InvalidJSON`` for a duplicate key."""
    document = dict(pairs)
    if len(document) != len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        name = json.dumps(key[:_SHOWN_KEY], ensure_ascii=False)
        raise InvalidJSON(f"an object has the key {name} twice")
    return document


def _reject_constant(name: str) -> NoReturn:
    raise InvalidJSON(f"{name} is not allowed")


class StrictJSONParser(JSONParser):
    """Parses JSON as RFC 8259 defines it: UTF-8, without ``NaN`` and without duplicate keys.

    The value is also stored as ``request.META[PARSED]``, so that its memory can be freed.
    """

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, object] | None = None,
    ) -> Any:
        try:
            text = stream.read().decode("utf-8-sig")
            value = json.loads(text, object_pairs_hook=object_from, parse_constant=_reject_constant)
        except RecursionError:
            raise ParseError("The JSON body is nested too deeply.") from None
        except UnicodeDecodeError:
            raise ParseError("The JSON body is not UTF-8.") from None
        except (json.JSONDecodeError, InvalidJSON) as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from None
        except ValueError:
            raise ParseError("The JSON body has a number that is too long.") from None
        request = (parser_context or {}).get("request")
        if isinstance(request, Request):
            request.META[PARSED] = value
        return value


class FileParser(MultiPartParser):
    """Parses a multipart body with the field ``file``."""

    #: What to send, in the error of another media type.
    accepts = "multipart/form-data with the field “file”"


class FilesParser(MultiPartParser):
    """Parses a multipart body with the field ``files``, once or repeated."""

    accepts = "multipart/form-data with the field “files”"
