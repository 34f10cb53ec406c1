"""Text files of other programs: encodings, delimiters, line endings; malformed files."""

import io
import json

import pytest

from organizations.models import User
from tests.support import factories
from tests.webchats.imports.files import import_content, json_document, to_csv
from webchats.imports.formats import FORMATS, detect_format
from webchats.imports.formats.encoding import detect_encoding
from webchats.imports.rows import FileRefused
from webchats.models import Webchat


@pytest.fixture(autouse=True)
def _prompt(admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Sales")


# --- Encodings ---


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_the_encoding_of_csv_is_detected(admin: User, encoding: str) -> None:
    content = to_csv({"name": "Grüße – für 5 €"}).encode(encoding)
    assert import_content(content, admin).problems == []
    assert Webchat.objects.get().name == "Grüße – für 5 €"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("format_name", ["json", "ndjson"])
def test_the_encoding_of_json_is_detected(admin: User, encoding: str, format_name: str) -> None:
    content = "[]" if format_name == "json" else "\n"
    assert import_content(content.encode(encoding), admin, format_name=format_name).is_good


@pytest.mark.parametrize(
    ("content", "byte", "line", "reason"),
    [
        ("name\nGrüße\n".encode() + b"caf\xe9\n", 16, 3, "not UTF-8"),
        (b"name\ncaf\xe9 \x81\n", 10, 2, "neither UTF-8 nor Windows-1252"),
        ("name\nx\n".encode("utf-16") + b"\x00\xd8\n\x00", 16, 3, "not UTF-16"),
        (b"a" * 1_048_575 + "é".encode() + b"\n\n\xff", 1_048_579, 3, "not UTF-8"),
    ],
)
def test_an_undecodable_file_is_refused_with_byte_and_line(
    content: bytes, byte: int, line: int, reason: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        detect_encoding(io.BytesIO(content))
    assert refused.value.reason.startswith(f"Byte {byte} ")
    assert reason in refused.value.reason
    assert refused.value.line == line


# --- CSV ---


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_endings_are_detected(admin: User, delimiter: str, end: str) -> None:
    content = to_csv({"name": "a;b,c\td", "description": f"two{end}lines"}, more=("description",))
    content = content.replace('","', f'"{delimiter}"').replace("\r\n", "\n").replace("\n", end)
    header, rest = content.split(end, 1)
    report = import_content(f"{header.replace(',', delimiter)}{end}{rest}", admin)
    assert report.problems == []
    webchat = Webchat.objects.get()
    assert (webchat.name, webchat.description) == ("a;b,c\td", f"two{end}lines")


def test_the_line_of_a_problem_counts_line_breaks_inside_cells(admin: User) -> None:
    valid = to_csv({"description": "three\nlines\nhere"}, more=("description",))
    report = import_content(valid + "\r\n" + "x\r\n", admin)
    assert [problem.line for problem in report.problems] == [6]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("Yes", True),
        ("no", False),
        ("1", True),
        ("0", False),
    ],
)
def test_a_boolean_can_be_written_in_several_ways(admin: User, text: str, value: bool) -> None:
    more = ("isAutopilot", "isAutoAssigned", "isEnabled")
    import_content(to_csv(dict.fromkeys(more, text), more=more), admin)
    webchat = Webchat.objects.get()
    values = {webchat.is_autopilot, webchat.is_auto_assigned, webchat.is_enabled}
    assert values == {value}


def test_an_empty_cell_sets_the_default_of_a_new_row(admin: User) -> None:
    more = ("isEnabled", "offsetX", "statusTextColor", "position", "pipelineId")
    import_content(to_csv({}, more=more), admin)
    webchat = Webchat.objects.get()
    assert (webchat.is_enabled, webchat.offset_x) == (True, 24)
    assert (webchat.status_text_color, webchat.position) == ("#6B7280", "bottom-right")
    assert webchat.pipeline_id is None


def test_domains_in_a_cell_are_separated_by_spaces_or_line_breaks(admin: User) -> None:
    domains = "Example.com\n*.example.org  https://a.de"
    import_content(to_csv({"allowedDomains": domains}), admin)
    assert Webchat.objects.get().allowed_domains == ["example.com", "*.example.org", "https://a.de"]


# --- JSON ---


def test_an_error_in_an_array_is_reported_by_line(admin: User) -> None:
    content = '[\n{"name": "a"},\n{"name"\n: }]'
    report = import_content(content, admin, format_name="json")
    assert [problem.line for problem in report.problems][-1] == 4


@pytest.mark.parametrize("separator", [",", ",\n", ",\n\n"])
def test_problems_of_an_array_are_numbered_by_item(admin: User, separator: str) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    document = json_document(prompt.pk, _id="a" * 24)
    valid = json.dumps(document, indent=1 if "\n" in separator else None)
    content = "[" + separator.join([valid, "7", valid]) + "]"
    report = import_content(content, admin, format_name="json")
    assert [str(problem) for problem in report.problems] == [
        "item 2: Must be a JSON object.",
        "item 3: _id: Duplicate of item 1.",
    ]


def test_an_array_of_long_documents_is_imported(admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    # The white space makes each document longer than the chunks in which a file is read.
    documents = [
        json.dumps(json_document(prompt.pk, name=f"Row {number}")) + " " * 300_000
        for number in range(4)
    ]
    report = import_content(f"[{','.join(documents)}]", admin, format_name="json")
    assert (report.created, report.problems) == (4, [])


# --- Any format ---


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("a.csv", "csv"),
        ("a.TSV", "csv"),
        ("a.jsonl", "ndjson"),
        ("a.xlsx", "xlsx"),
        ("a.pdf", None),
    ],
)
def test_the_format_follows_from_the_file_name(name: str, format_name: str | None) -> None:
    assert detect_format(name) == format_name


@pytest.mark.parametrize(
    ("format_name", "content"),
    [
        ("csv", b""),
        ("csv", b"\n\n"),
        ("csv", b'name\n"never closed' + b"x" * 200_000),
        ("csv", b'name\n"a"b\n'),
        ("csv", b"\x00" * 100),
        ("json", b""),
        ("json", b"{}"),
        ("json", b"[{}"),
        ("json", b"[{} {}]"),
        ("json", b"[{}] x"),
        ("json", b"[{,}]"),
        ("json", b"[" * 100_000),
        ("json", b'["' + b"x" * 3_000_000),
        ("xlsx", b""),
        ("xlsx", b"PK\x03\x04 but not a workbook"),
        ("xlsx", b"name\na\n"),
    ],
)
def test_a_malformed_file_is_refused_with_a_reason(
    admin: User, format_name: str, content: bytes
) -> None:
    report = import_content(content, admin, format_name=format_name)
    assert report.status == "refused"
    assert report.problems
    assert report.problems[0].reason


@pytest.mark.parametrize("format_name", ["json", "ndjson"])
def test_short_values_count_as_the_memory_that_they_take(format_name: str) -> None:
    """A batch has fewer rows of them."""
    documents = [{"name": "x" * 10_000}, {"name": [[]] * 2_500}]
    lines = map(json.dumps, documents)
    content = f"[{','.join(lines)}]" if format_name == "json" else "\n".join(lines)
    with FORMATS[format_name].open_table(io.BytesIO(content.encode())) as table:
        text, nested = (row.length for row in table.rows)
    assert text < 11_000
    # An empty list takes 56 bytes.
    assert nested > 2_500 * 50
