"""Every test named in the tables of docs/security.md exists."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TEST_ID = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def table_rows() -> list[list[str]]:
    """Return the cells of every table row in docs/security.md, without the header rows."""
    lines = (ROOT / "docs" / "security.md").read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|") and not line.startswith("|---")
    ]
    return [row for row in rows if row[0] != "Requirement"]


@cache
def find_functions(path: str) -> set[str]:
    """Return the names of the functions defined in a file."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_named_test_exists() -> None:
    assert len(table_rows()) > 30
    for requirement, control, tests in table_rows():
        assert requirement
        assert control
        named = _TEST_ID.findall(tests)
        assert named, f"{control} names no test"
        # Every code span in the cell must be a test id.
        assert len(named) == tests.count("`") / 2, control
        for path, name in named:
            assert name.startswith("test_"), name
            assert name in find_functions(path), f"{path} has no {name}"


def test_every_risk_of_the_owasp_api_security_top_10_has_a_row() -> None:
    named = set(re.findall(r"API\d+", " ".join(row[0] for row in table_rows())))
    assert named == {f"API{number}" for number in range(1, 11)}
