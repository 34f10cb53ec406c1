"""The README's table of what the service does for its security names tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[list[str]]:
    """The cells of each row of the table under “Security”."""
    section = (ROOT / "README.md").read_text().split("\n## Security\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def functions(path: str) -> set[str]:
    """The names of the functions in a file."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_row_names_tests_that_exist() -> None:
    assert len(rows()) > 30
    for point, does, tests in rows():
        assert point
        assert does
        named = _TEST.findall(tests)
        assert named, f"{point} names no test"
        # Nothing stands in the cell that looks like a test and is none.
        assert len(named) == tests.count("`") / 2, point
        for path, name in named:
            assert name.startswith("test_"), name
            assert name in functions(path), f"{path} has no {name}"


def test_every_point_of_the_api_security_top_ten_has_a_row() -> None:
    named = set(re.findall(r"API\d+", " ".join(point for point, *_ in rows())))
    assert named == {f"API{number}" for number in range(1, 11)}
