"""Import and export of knowledge entries."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from organizations.models import Organization, Prompt, User
from tests.support import factories
from webchats.conversations.imports import columns, importer
from webchats.conversations.models import KnowledgeEntry
from webchats.models.imports import ImportRecord

pytestmark = pytest.mark.django_db

Run = Callable[..., None]


@pytest.fixture
def run(admin: User) -> Run:
    """``run("import_knowledge", path)`` runs a command for the organization of ``admin``."""

    def call(*arguments: Any, **options: Any) -> None:
        call_command(*map(str, arguments), organization=admin.organization_id, **options)

    return call


@pytest.fixture
def prompt(organization: Organization) -> Prompt:
    prompt: Prompt = factories.PromptFactory.create(organization=organization, name="Shop, Europe")
    return prompt


def _write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def _stored() -> list[dict[str, Any]]:
    entries = KnowledgeEntry.objects.order_by("pk").prefetch_related("prompts")
    fields = ("question", "also_asked_as", "answer", "link", "language", "is_active", "questions")
    return [
        {name: getattr(entry, name) for name in fields}
        | {"_id": entry.pk, "prompts": {prompt.pk for prompt in entry.prompts.all()}}
        for entry in entries
    ]


@pytest.mark.parametrize("format_name", ["csv", "json", "ndjson", "xlsx"])
def test_a_round_trip_changes_nothing(
    run: Run, organization: Organization, prompt: Prompt, tmp_path: Path, format_name: str
) -> None:
    def create(**values: Any) -> KnowledgeEntry:
        entry: KnowledgeEntry = factories.KnowledgeEntryFactory.create(
            organization=organization, **values
        )
        return entry

    create(question="=1+1 is what?", also_asked_as=["-1, or +1?", "“Sum”; really"], answer="2\n'3'")
    entry = create(link="mailto:a@example.com", language="pt-BR", is_active=False)
    entry.prompts.add(prompt, factories.PromptFactory.create(organization=organization))
    factories.KnowledgeEntryFactory.create(question="Of another organization")
    before = _stored()
    path = tmp_path / f"out.{format_name}"
    run("export_knowledge", output=path)
    run("import_knowledge", path, update=True)
    assert _stored() == before
    assert ImportRecord.objects.get().unchanged == 2
    KnowledgeEntry.objects.for_organization(organization.pk).delete()
    run("import_knowledge", path)
    assert _stored() == before


def test_rows_are_created_with_prompts_by_name_and_a_history(
    run: Run, admin: User, prompt: Prompt, tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_text(
        "question,alsoAskedAs,answer,isActive,prompts\n"
        f'When?,"At what time?\nHow late?",At 9.,no,"{prompt.name}"\n'
    )
    run("import_knowledge", path)
    entry = KnowledgeEntry.objects.get()
    assert entry.also_asked_as == ["At what time?", "How late?"]
    assert entry.questions == "When?\nAt what time?\nHow late?"
    assert (entry.is_active, list(entry.prompts.all())) == (False, [prompt])
    record = entry.history.get()
    assert (record.history_type, record.history_user) == ("+", admin)
    stored = ImportRecord.objects.get()
    assert (stored.resource, stored.status, stored.created) == ("knowledge", "completed", 1)


def test_an_update_finds_entries_by_id_or_question(
    run: Run, organization: Organization, prompt: Prompt, tmp_path: Path
) -> None:
    first, second = factories.KnowledgeEntryFactory.create_batch(2, organization=organization)
    path = _write(
        tmp_path / "in.ndjson",
        {"_id": first.pk, "question": "Renamed", "promptIds": [prompt.pk]},
        {"question": second.question, "answer": "Changed"},
        {"question": "New", "answer": "Added"},
    )
    run("import_knowledge", path, update=True)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.question, first.questions, first.answer) == ("Renamed", "Renamed", first.answer)
    assert list(first.prompts.all()) == [prompt]
    assert second.answer == "Changed"
    assert second.history.first().history_type == "~"
    assert KnowledgeEntry.objects.filter(question="New").exists()
    run("import_knowledge", path, update=True)
    record = ImportRecord.objects.first()
    assert record is not None
    assert (record.created, record.updated, record.unchanged) == (0, 0, 3)


def test_one_invalid_row_prevents_the_import_and_every_error_is_reported(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = factories.PromptFactory.create(name="Foreign")
    path = _write(
        tmp_path / "in.ndjson",
        {"question": "Good", "answer": "Yes"},
        {"answer": "Yes"},
        {"question": "a", "answer": 1, "link": "javascript:1", "alsoAskedAs": ["ok", 2]},
        {"question": "b", "answer": "c", "promptIds": [theirs.pk]},
        {"question": "b", "answer": "c", "prompts": ["Foreign"], "awnser": "x"},
        {"question": "c", "answer": "d", "prompts": [], "promptIds": []},
    )
    with pytest.raises(CommandError, match="5 of 6 rows have errors"):
        run("import_knowledge", path)
    assert not KnowledgeEntry.objects.exists()
    errors = capsys.readouterr().err
    for line in (
        "line 2: question: This field is required.",
        "line 3: answer: Must be a string.",
        "line 3: link: Enter a link",
        "line 3: alsoAskedAs.1: Must be a string.",
        "line 4: promptIds.0: This prompt does not exist.",
        "line 5: prompts.0: No prompt has this name.",
        "line 6: prompts: Give either prompts or promptIds, not both.",
        "line 5: awnser: Unknown column. Did you mean answer?",
    ):
        assert line in errors
    with pytest.raises(CommandError, match="5 of 6"):
        run("import_knowledge", path, dry_run=True)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"promptIds": ["a"] * 501}, "line 1: promptIds: Ensure this field has no more than 500"),
        ({"promptIds": [1] * 501}, "line 1: promptIds: Ensure this field has no more than 500"),
        ({"prompts": ["a"] * 501}, "line 1: prompts: Ensure this field has no more than 500"),
        ({"alsoAskedAs": [1] * 501}, "line 1: alsoAskedAs: Ensure this field has no more than 20"),
        ({"alsoAskedAs": ["a"] * 21}, "line 1: alsoAskedAs: Ensure this field has no more than 20"),
    ],
)
def test_a_list_of_too_many_entries_is_one_problem(
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    cells: dict[str, Any],
    problem: str,
) -> None:
    path = _write(tmp_path / "in.ndjson", {"question": "a", "answer": "b", **cells})
    with pytest.raises(CommandError):
        run("import_knowledge", path)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(problem)


def test_a_text_cell_of_too_many_entries_is_one_problem(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in.csv"
    wordings = "same\n" * 21
    path.write_text(
        f'question,answer,alsoAskedAs,promptIds\na,b,,{"a " * 15_000}\nc,d,"{wordings}",\n'
    )
    with pytest.raises(CommandError):
        run("import_knowledge", path)
    first, second = capsys.readouterr().err.splitlines()
    assert "promptIds: Ensure this field has no more than 500 entries" in first
    assert "alsoAskedAs: Ensure this field has no more than 20 entries" in second


def test_a_row_has_at_most_twenty_problems(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"question": "a", "answer": "b", "prompts": ["Unknown"] * 100}
    with pytest.raises(CommandError):
        run("import_knowledge", _write(tmp_path / "in.ndjson", row))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[-1] == "line 1: Further errors in this row are not listed."


def test_links_are_read_and_written_in_bounded_queries(
    run: Run, organization: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "LINK_CHUNK", 2)
    prompts = factories.PromptFactory.create_batch(3, organization=organization)
    ids = [prompt.pk for prompt in prompts]
    changed, other = factories.KnowledgeEntryFactory.create_batch(2, organization=organization)
    changed.prompts.add(prompts[0])
    other.prompts.add(prompts[0])
    path = _write(
        tmp_path / "in.ndjson",
        {"_id": changed.pk, "promptIds": ids},
        {"question": "New", "answer": "Added", "promptIds": ids},
    )
    queries: list[str] = []

    def record(execute: Callable[..., Any], sql: str, params: Any, *context: Any) -> Any:
        queries.append(f"{sql} {params}")
        return execute(sql, params, *context)

    # The import resets the queries that Django records.
    with connection.execute_wrapper(record):
        run("import_knowledge", path, update=True)
    through = KnowledgeEntry.prompts.through
    queries = [query for query in queries if through._meta.db_table in query]
    assert sum(query.startswith("INSERT") for query in queries) == 3
    [read] = [query for query in queries if query.startswith("SELECT")]
    assert changed.pk in read
    assert other.pk not in read
    links = through.objects.all()
    assert links.filter(knowledgeentry=changed).count() == 3
    assert links.filter(knowledgeentry__question="New").count() == 3
    assert list(other.prompts.all()) == [prompts[0]]


def test_invalid_rows_are_skipped_and_written_to_a_file(run: Run, tmp_path: Path) -> None:
    path = _write(tmp_path / "in.ndjson", {"question": "Good", "answer": "Yes"}, {"question": "a"})
    rejects = tmp_path / "rejects.csv"
    run("import_knowledge", path, skip_invalid=True, rejects=rejects)
    assert [entry.question for entry in KnowledgeEntry.objects.all()] == ["Good"]
    assert rejects.read_text().splitlines()[1:] == ["a,2,answer: This field is required."]


def test_an_existing_id_names_the_option_of_the_command(
    run: Run, organization: Organization, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = factories.KnowledgeEntryFactory.create(organization=organization)
    path = _write(tmp_path / "in.ndjson", {"_id": entry.pk, "question": "a", "answer": "b"})
    with pytest.raises(CommandError):
        run("import_knowledge", path)
    expected = "A knowledge entry with this id already exists. To change it, use --update."
    assert expected in capsys.readouterr().err


def test_rows_above_the_limit_of_the_organization_are_invalid(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(KnowledgeEntry, "max_per_organization", 1)
    rows = [{"question": text, "answer": "b"} for text in "ab"]
    with pytest.raises(CommandError, match="1 of 2"):
        run("import_knowledge", _write(tmp_path / "in.ndjson", *rows))
    assert "at most 1 knowledge entries" in capsys.readouterr().err


def test_a_sales_rep_cannot_be_the_author(run: Run, admin: User, tmp_path: Path) -> None:
    rep = factories.UserFactory.create(organization=admin.organization, access_role="SALES_REP")
    path = _write(tmp_path / "in.ndjson", {"question": "a", "answer": "b"})
    with pytest.raises(CommandError, match="no permission to add and change knowledge entries"):
        run("import_knowledge", path, user=rep.email)


def test_the_memory_of_an_export_does_not_grow_with_the_prompts(
    organization: Organization,
) -> None:
    prompts = factories.PromptFactory.create_batch(100, organization=organization)
    entries = factories.KnowledgeEntryFactory.create_batch(60, organization=organization)
    links = KnowledgeEntry.prompts.through
    links.objects.bulk_create(
        links(knowledgeentry_id=entry.pk, prompt_id=prompt.pk)
        for entry in entries
        for prompt in prompts
    )
    tracemalloc.start()
    try:
        rows = columns.read_rows(KnowledgeEntry.objects.all(), "csv")
        counts = [str(row[-1]).count(" ") for row in rows]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counts == [99] * 60
    assert peak < 2_500_000  # Of 20 entries at a time.
