"""Masking of payment card numbers in messages."""

import re
from collections.abc import Sequence
from re import Match
from typing import Final

_MIN_DIGITS: Final = 13
_MAX_DIGITS: Final = 19
#: Digits in groups that single spaces or hyphens separate, as on a card.
_GROUPS: Final = re.compile(r"[0-9]+(?:[ -][0-9]+)*")
_GROUP: Final = re.compile(r"[0-9]+")
#: The sum of the digits of twice a digit.
_DOUBLED: Final = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}
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
    masked = ""
    position = first = 0
    while first < len(groups):
        last = _find_last_group(groups, first)
        if last is None:
            first += 1
            continue
        start, end = groups[first].start(), groups[last].end()
        masked += text[position:start] + _mask(text[start:end])
        position, first = end, last + 1
    return masked + text[position:]


def _find_last_group(groups: Sequence[Match[str]], first: int) -> int | None:
    """Return the last group of the card number that begins with the group ``first``, if any."""
    digits = ""
    for index in range(first, min(first + _MAX_DIGITS, len(groups))):
        digits += groups[index][0]
        if len(digits) > _MAX_DIGITS:
            break
        if _is_card_number(digits):
            return index
    return None


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
    backward = digits[::-1]
    return (sum(map(int, backward[::2])) + sum(map(_DOUBLED.__getitem__, backward[1::2]))) % 10 == 0
