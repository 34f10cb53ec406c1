"""Reading a request's body."""

import json
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class _NotStrict(ValueError):
    """What Python's reader would let pass."""


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _NotStrict("a name stands twice in one object")
    return document


def _refuse_constant(name: str) -> Any:
    raise _NotStrict(f"{name} is not JSON")


class StrictJSONParser(JSONParser):
    """JSON as RFC 8259 has it: in UTF-8, without NaN, and without a name that stands twice
    (of which every reader takes another value)."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        """The document; raises ``ParseError`` (400) for what is none."""
        try:
            text = stream.read().decode("utf-8-sig")
            return json.loads(text, object_pairs_hook=_object_of, parse_constant=_refuse_constant)
        except RecursionError:
            raise ParseError("The JSON body is nested too deeply.") from None
        except UnicodeDecodeError:
            raise ParseError("The JSON body is not UTF-8.") from None
        except (json.JSONDecodeError, _NotStrict) as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from None
        except ValueError:
            raise ParseError("The JSON body has a number that is too long.") from None
