"""The knowledge that a prompt is given, by both databases."""

import tracemalloc

import pytest

from organizations.models import Organization, Prompt
from tests.support import factories
from webchats.conversations.knowledge import selection
from webchats.conversations.knowledge.selection import select_knowledge, select_sources
from webchats.conversations.models import KnowledgeEntry

pytestmark = pytest.mark.django_db

ENTRIES = [
    ("When are you open?", "From Monday to Friday, 8:00 to 18:00."),
    ("How much is delivery?", "Shipping costs 4.90 euro, and is free from 50 euro."),
    ("Can I return an item?", "Send unused goods back within 30 days."),
    ("Wo kann ich parken?", "Hinter dem Gebäude sind zwei Parkplätze."),
]


@pytest.fixture
def prompt() -> Prompt:
    return factories.PromptFactory.create()


@pytest.fixture
def entries(prompt: Prompt) -> list[KnowledgeEntry]:
    return [
        factories.KnowledgeEntryFactory.create(
            organization=prompt.organization, question=question, answer=answer
        )
        for question, answer in ENTRIES
    ]


def titles(prompt: Prompt, question: str) -> list[str]:
    return [source.title for source in select_sources(prompt, question)]


def test_all_entries_are_given_while_they_are_few(
    prompt: Prompt, entries: list[KnowledgeEntry]
) -> None:
    sources = select_sources(prompt, "anything")
    assert [source.entry_id for source in sources] == [entry.pk for entry in entries]
    assert [source.number for source in sources] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("what is the DELIVERY fee", "How much is delivery?"),
        ("I want to send this back", "Can I return an item?"),
        ("is shipping free", "How much is delivery?"),
        ("parken?", "Wo kann ich parken?"),
        ("opening hours, or are you open on Monday", "When are you open?"),
    ],
)
def test_the_best_entries_are_given_if_they_are_many(
    prompt: Prompt,
    entries: list[KnowledgeEntry],
    question: str,
    title: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "MAX_TOKENS", 60)
    assert titles(prompt, question)[0] == title


@pytest.mark.parametrize("question", ["weather in Rome", "", "the and of", "'\"!&|():*\\ <->"])
def test_nothing_is_given_if_nothing_of_many_matches(
    prompt: Prompt,
    entries: list[KnowledgeEntry],
    question: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selection, "MAX_TOKENS", 60)
    assert titles(prompt, question) == []


def test_other_wordings_are_found(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = prompt.organization
    for number in range(5):
        factories.KnowledgeEntryFactory.create(organization=organization, question=f"Item {number}")
    entry = factories.KnowledgeEntryFactory.create(
        organization=organization, question="Refunds", also_asked_as=["I want my money back"]
    )
    monkeypatch.setattr(selection, "MAX_TOKENS", 30)
    assert titles(prompt, "money") == ["Refunds"]
    entry.also_asked_as = []
    entry.save(update_fields=["also_asked_as"])
    assert titles(prompt, "money") == []


@pytest.mark.parametrize("question", ["delivery", "something else"])
def test_the_memory_of_a_selection_does_not_grow_with_the_entries(
    prompt: Prompt, question: str
) -> None:
    answer = "The delivery takes three days. " * 129
    rows = [
        KnowledgeEntry(organization=prompt.organization, question=f"Q {number}", answer=answer)
        for number in range(300)
    ]
    for row in rows:
        row.set_questions()
    KnowledgeEntry.objects.bulk_create(rows)
    select_sources(prompt, question)
    tracemalloc.start()
    try:
        select_sources(prompt, question)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 800_000  # Those of the 60 best entries: 300 have 1.2 MB.


def test_entries_of_other_prompts_and_organizations_are_not_given(prompt: Prompt) -> None:
    other_prompt = factories.PromptFactory.create(organization=prompt.organization)
    factories.KnowledgeEntryFactory.create(question="Foreign")
    factories.KnowledgeEntryFactory.create(
        organization=prompt.organization, question="Inactive", is_active=False
    )
    for name, prompts in (("Other", [other_prompt]), ("Own", [prompt, other_prompt])):
        entry = factories.KnowledgeEntryFactory.create(
            organization=prompt.organization, question=name
        )
        entry.prompts.set(prompts)
    assert titles(prompt, "anything") == ["Own"]
    assert not select_knowledge(prompt, "anything").is_empty
    assert titles(Prompt(organization=prompt.organization), "anything") == []


def test_prompt_of_an_organization_without_entries_has_no_knowledge(
    prompt: Prompt, entries: list[KnowledgeEntry]
) -> None:
    organization = Organization.objects.create(name="Other")
    prompt = factories.PromptFactory.create(organization=organization)
    assert select_knowledge(prompt, "open").is_empty
