"""Texts of the messages of the benchmark ``inbox``: words as frequent as in a language.

The word of rank ``r`` is used about ``1 / r`` times as often as the first one (Zipf's law).
"""

import itertools
import random
from collections.abc import Iterator
from typing import Final

from django.db import connection

#: Conversations whose first message has the same code. All are of one organization.
OF_ONE_CODE: Final = 20
#: Conversations whose first message has the same model, for more than a page. All are of one
#: organization.
OF_ONE_MODEL: Final = 100
#: Different words. The rarest ones are in one of about 10,000 messages.
WORDS: Final = 20_000
#: Texts that are combined to messages, in pairs.
PARTS: Final = 100_000
#: The most words of a part.
LONGEST: Final = 24
#: The most frequent words, by their rank.
FREQUENT: Final = (
    "the I is my to and it a you for of in have not order with on this can be please when "
    "that hello are your but was me at thank help delivery what if one from will do or how has "
    "tent yet number we still there get back they an would two know as which return so before "
    "received need email pay account price days address send size like color refund ordered "
    "arrived card question package shop invoice tracking store green website today problem "
    "another exchange blue code discount payment week password login article shipping paid "
    "stock possible wrong broken customer service found parcel again already cancel change "
    "available business winter summer jacket shoes sleeping bag stove lamp bottle rope boots "
    "gloves warranty repair manual zipper pole seam pocket strap buckle fabric leather cotton"
)
_SYLLABLES: Final = ("ba", "ke", "li", "mo", "ru", "sa", "te", "vi", "no", "da", "fe", "gi")


def words() -> list[str]:
    """Return the words, the most frequent one first. Rare ones are made of syllables."""
    made = map("".join, itertools.product(_SYLLABLES, repeat=4))
    frequent = FREQUENT.split()
    return [*frequent, *itertools.islice(made, WORDS - len(frequent))]


def _parts() -> Iterator[str]:
    """Yield texts: the same ones in every run."""
    source = random.Random(1)
    vocabulary = words()
    weights = [*itertools.accumulate(1 / rank for rank in range(1, len(vocabulary) + 1))]
    for _ in range(PARTS):
        # Short ones are more frequent.
        length = min(source.randint(2, LONGEST), source.randint(2, LONGEST))
        yield " ".join(source.choices(vocabulary, cum_weights=weights, k=length))


def create_parts() -> None:
    """Create a temporary table ``parts`` with a text by number."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE parts (number int PRIMARY KEY, text text)")
        with cursor.copy("COPY parts FROM STDIN") as copy:
            for row in enumerate(_parts()):
                copy.write_row(row)
        cursor.execute("ANALYZE parts")


def part(number: str) -> str:
    """Return SQL for the text of a part. ``number`` is SQL."""
    return f"(SELECT p.text FROM parts p WHERE p.number = ({number}) % {PARTS})"
