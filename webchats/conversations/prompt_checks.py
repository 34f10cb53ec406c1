"""Checks of a prompt: questions, each with its expected answer.

A file of checks is a JSON array of objects, see ``Expectation``.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, fields

from organizations.ai.client import Turn
from organizations.ai.errors import ProviderError
from organizations.models import Organization, Prompt
from organizations.models.ai_usage import Purpose
from webchats.conversations.knowledge.answer import Outcome
from webchats.conversations.knowledge.run_events import Finished, HandOver
from webchats.conversations.knowledge.runs import PromptRun, run_prompt


class InvalidChecks(Exception):
    """The file of checks is malformed. The message contains the position."""


@dataclass(frozen=True)
class Expectation:
    """A question, and the expectations of its answer. Texts are compared without case.

    ``earlier`` are the texts of the turns before the question, the first and every other one of the
    visitor. ``contains`` and ``excludes`` are texts. ``sources`` are questions of entries that
    the answer cites, among others. ``refuses`` and ``hands_over`` are compared if they are set.
    """

    question: str
    contains: list[str] = field(default_factory=list)
    excludes: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    refuses: bool | None = None
    hands_over: bool | None = None
    language: str = "en"


#: The names in a file.
_NAMES = {entry.name: entry.name for entry in fields(Expectation)} | {"hands_over": "handsOver"}


@dataclass(frozen=True)
class CheckResult:
    """The answer to a question, and why it is not the expected one."""

    question: str
    text: str
    failures: list[str]
    total_ms: int | None


def load_expectations(content: bytes) -> list[Expectation]:
    """Return the checks of a file. Raise ``InvalidChecks``."""
    try:
        rows = json.loads(content)
    except ValueError as error:
        raise InvalidChecks(f"Invalid JSON: {error}.") from None
    if not isinstance(rows, list) or not rows:
        raise InvalidChecks("The file must be a JSON array of objects, and not empty.")
    return [_to_expectation(number, row) for number, row in enumerate(rows, 1)]


def _to_expectation(number: int, row: object) -> Expectation:
    if not isinstance(row, dict) or not isinstance(row.get("question"), str):
        raise InvalidChecks(f"item {number}: Must be an object with a question.")
    by_name = {name: attribute for attribute, name in _NAMES.items()}
    for name, value in row.items():
        if name not in by_name:
            known = ", ".join(by_name)
            raise InvalidChecks(f"item {number}: Unknown name {name!r}. Known are: {known}.")
        if not _is_valid(by_name[name], value):
            raise InvalidChecks(f"item {number}: {name} has an invalid value.")
    return Expectation(**{by_name[name]: value for name, value in row.items()})


def _is_valid(name: str, value: object) -> bool:
    if name in ("question", "language"):
        return isinstance(value, str) and bool(value.strip())
    if name in ("refuses", "hands_over"):
        return value is None or isinstance(value, bool)
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


async def check_prompt(
    prompt: Prompt, organization: Organization, expectations: Sequence[Expectation]
) -> AsyncIterator[CheckResult]:
    """Yield the result of each check, one after another. The provider is the prompt's."""
    for expectation in expectations:
        texts = [*expectation.earlier, expectation.question]
        turns = [
            Turn("assistant" if index % 2 else "visitor", text) for index, text in enumerate(texts)
        ]
        run = PromptRun(
            prompt=prompt,
            organization=organization,
            turns=tuple(turns),
            language=expectation.language,
            purpose=Purpose.CHECK,
            prompt_version=prompt.version,
        )
        yield await _check(run, expectation)


async def _check(run: PromptRun, expectation: Expectation) -> CheckResult:
    result: Finished | HandOver | None = None
    try:
        async with aclosing(run_prompt(run)) as events:
            async for event in events:
                if isinstance(event, Finished | HandOver):
                    result = event
    except ProviderError as error:
        return CheckResult(expectation.question, "", [f"No answer: {error.message}"], None)
    assert result is not None, "a run ends with a result or an error"
    text = result.answer.text if isinstance(result, Finished) else ""
    return CheckResult(
        expectation.question, text, list(_failures(result, expectation)), result.trace.total_ms
    )


def _failures(result: Finished | HandOver, expected: Expectation) -> list[str]:
    """Return a sentence for each expectation that the result does not meet."""
    if isinstance(result, HandOver):
        is_expected = expected.hands_over and not (expected.contains or expected.sources)
        return [] if is_expected else [f"It handed over: {result.reason or 'no reason'}."]
    answer = result.answer
    text, cited = answer.text.casefold(), [source["title"] for source in answer.sources]
    failures = [f"It lacks “{part}”." for part in expected.contains if part.casefold() not in text]
    failures += [f"It has “{part}”." for part in expected.excludes if part.casefold() in text]
    known = {title.casefold() for title in cited}
    names = ", ".join(f"“{title}”" for title in cited) or "nothing"
    failures += [
        f"It does not cite “{title}”, but {names}."
        for title in expected.sources
        if title.casefold() not in known
    ]
    if expected.hands_over:
        failures.append("It did not hand over.")
    is_refusal = answer.outcome == Outcome.REFUSAL
    if expected.refuses is not None and expected.refuses != is_refusal:
        failures.append("It refused." if is_refusal else "It did not refuse.")
    return failures
