"""What of a model's text is shown."""

from collections.abc import Iterable

import pytest

from webchats.conversations.knowledge.answer import Answer, AnswerParser, Outcome
from webchats.conversations.knowledge.phrases import refusal
from webchats.conversations.knowledge.selection import Source

SOURCES = [
    Source(1, "a" * 24, "Opening hours", "https://example.com/hours", "When?", "From 9 to 5."),
    Source(2, "b" * 24, "Delivery", "", "How long?", "Two days."),
]


def parse(chunks: Iterable[str], sources: list[Source] = SOURCES) -> tuple[str, Answer]:
    """Return the text that was shown while it arrived, and the answer."""
    parser = AnswerParser(sources, language="en")
    shown = "".join([parser.feed(chunk) for chunk in chunks])
    return shown, parser.finish()


def test_text_after_the_sources_is_shown_as_it_arrives() -> None:
    parser = AnswerParser(SOURCES, language="en")
    assert [parser.feed(text) for text in ("sour", "ces: 1, 2", "\nWe ope", "n at 9.")] == [
        "",
        "",
        "We ope",
        "n at 9.",
    ]
    answer = parser.finish()
    assert (answer.outcome, answer.text) == (Outcome.ANSWER, "We open at 9.")
    assert answer.sources == [
        {"number": 1, "title": "Opening hours", "link": "https://example.com/hours"},
        {"number": 2, "title": "Delivery", "link": ""},
    ]


@pytest.mark.parametrize(
    "line", ["Sources: 2", "**sources: 2**", "  source: 2", "sources : [2]", "\n\nsources: 2, 99"]
)
def test_known_forms_of_the_first_line(line: str) -> None:
    _, answer = parse(f"{line}\nIn two days.")
    assert answer.text == "In two days."
    assert [source["number"] for source in answer.sources] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "sources: none",
        "sources: none\nBut I think at nine.",
        "sources: 7\nAt nine.",
        "sources: 99999999999999999999\nAt nine.",
        "sources:\nAt nine.",
        "sources: 1",
        "At nine, I believe.",
        "At nine, I believe [7].",
        "",
        "\n\n",
        "a" * 500,
        "The sources: 1\nAt nine.",
    ],
)
def test_text_without_a_known_source_is_never_shown(text: str) -> None:
    shown, answer = parse(text)
    assert not shown
    assert answer == Answer(Outcome.REFUSAL, refusal("en"), [])


def test_courtesy_needs_no_source() -> None:
    shown, answer = parse("sources: courtesy\nHello!")
    assert shown == answer.text == "Hello!"
    assert (answer.outcome, answer.sources) == (Outcome.COURTESY, [])


def test_text_without_the_line_is_held_until_it_cites_a_source() -> None:
    shown, answer = parse(["We open at 9", " [1]."])
    assert not shown
    assert answer.text == "We open at 9 [1]."
    assert [source["number"] for source in answer.sources] == [1]


def test_prompt_without_knowledge_answers_freely() -> None:
    shown, answer = parse(["Sure", ", we are."], [])
    assert shown == answer.text == "Sure, we are."
    assert answer.outcome == Outcome.ANSWER


def test_unasked_line_of_sources_is_not_shown() -> None:
    shown, answer = parse("sources: 1\nSure.", [])
    assert shown == answer.text == "Sure."
    assert answer.sources == []


def test_refusal_is_in_the_language_of_the_visitor() -> None:
    parser = AnswerParser(SOURCES, language="de-AT")
    parser.feed("sources: none\n")
    assert parser.finish().text == refusal("de")
