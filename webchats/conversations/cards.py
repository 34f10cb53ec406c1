"""Masking of payment card numbers in messages."""

import re
from typing import Final

_MIN_DIGITS: Final = 13
_MAX_DIGITS: Final = 19
#: Digits in groups that single spaces or hyphens separate, as on a card.
_GROUPS: Final = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_GROUP: Final = re.compile(r"[0-9]+")
#: The last digits stay, so that visitor and representative can talk about the card.
_VISIBLE: Final = 4


def mask_card_numbers(text: str) -> str:
    """Return the text with all but the last four digits of card numbers replaced by ``•``.

    A card number has 13 to 19 digits and a valid Luhn check digit (ISO/IEC 7812-1). It consists of
    whole groups: ``2 4111 1111 1111 1111`` contains one.
    """
    return _GROUPS.sub(lambda match: _mask_groups(match[0]), text)


def _mask_groups(text: str) -> str:
    groups = list(_GROUP.finditer(text))
    for first, start in enumerate(groups):
        digits = ""
        for group in groups[first:]:
            digits += group[0]
            if len(digits) > _MAX_DIGITS:
                break
            if _is_card_number(digits):
                rest = _mask_groups(text[group.end() :])
                return text[: start.start()] + _mask(text[start.start() : group.end()]) + rest
    return text


def _mask(number: str) -> str:
    hidden = sum(map(str.isdigit, number)) - _VISIBLE
    masked = ""
    for character in number:
        masked += "•" if character.isdigit() and hidden > 0 else character
        hidden -= character.isdigit()
    return masked


def _is_card_number(digits: str) -> bool:
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS:
        return False
    values = [int(digit) for digit in reversed(digits)]
    doubled = (sum(divmod(2 * value, 10)) for value in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0
