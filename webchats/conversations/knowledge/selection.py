"""Which of the organization's answers a model is given."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db.models import QuerySet, Sum

from organizations.models import Prompt
from organizations.tenancy.large_responses import Bytes
from webchats.conversations.knowledge.search import search
from webchats.conversations.models import KnowledgeEntry

#: Tokens of knowledge in a request.
MAX_TOKENS: Final = 6_000
#: Entries that the search returns. The smallest ones have about 100 tokens.
_MAX_ENTRIES: Final = 60
#: An estimate that errs on the high side, for every language.
_BYTES_PER_TOKEN: Final = 3


@dataclass(frozen=True)
class Source:
    """An answer of the organization, with the number by which a model cites it, from 1."""

    number: int
    entry_id: str
    title: str
    #: A link with one of ``models.knowledge.LINK_SCHEMES``, or empty.
    link: str
    #: The question with its other wordings, and the answer.
    questions: str
    answer: str


class Knowledge(NamedTuple):
    """The answers that a model is given, and whether the prompt has any knowledge."""

    sources: list[Source]
    is_empty: bool


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many."""
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)


def cut_to_tokens(text: str, limit: int) -> str:
    """Return the beginning of a text that has at most ``limit`` tokens by ``estimate_tokens``."""
    return text.encode()[: limit * _BYTES_PER_TOKEN].decode(errors="ignore")


def select_sources(prompt: Prompt, question: str) -> list[Source]:
    """Return the sources of ``select_knowledge``."""
    return select_knowledge(prompt, question).sources


def select_knowledge(prompt: Prompt, question: str) -> Knowledge:
    """Return all active entries of the prompt while they have at most ``MAX_TOKENS``.

    Above it, return the best for the question by full text, as many as fit. The prompt may be
    unsaved.
    """
    entries = KnowledgeEntry.objects.for_prompt(prompt)
    size = _count_bytes(entries)
    if size is None:
        return Knowledge([], is_empty=True)
    # Their texts are loaded only if they can fit.
    is_large = size > MAX_TOKENS * _BYTES_PER_TOKEN
    rows = [] if is_large else list(entries)
    if is_large or len(_that_fit(rows)) < len(rows):
        rows = search(entries, question, _MAX_ENTRIES)
    sources = [
        Source(number, row.pk, row.question, row.link, row.questions, row.answer)
        for number, row in enumerate(_that_fit(rows), start=1)
    ]
    return Knowledge(sources, is_empty=False)


def _count_bytes(entries: QuerySet[KnowledgeEntry]) -> int | None:
    """Return the bytes of the texts of the entries together, and ``None`` without entries."""
    total = Sum(Bytes("questions") + Bytes("answer"))
    size: int | None = entries.order_by().aggregate(total=total)["total"]
    return size


def _that_fit(rows: Iterable[KnowledgeEntry]) -> list[KnowledgeEntry]:
    """Return the first rows that have at most ``MAX_TOKENS`` together."""
    fitting, tokens = [], 0
    for row in rows:
        tokens += estimate_tokens(row.questions) + estimate_tokens(row.answer)
        if tokens > MAX_TOKENS:
            break
        fitting.append(row)
    return fitting
