"""Every number of docs/scaling.md that follows from its inputs is what its formula yields."""

import ast
import math
import re
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "scaling.md"
#: The numbers of open widgets, which are the columns of tables.
WIDGETS: Final = (10_000, 100_000, 1_000_000)
_INPUT: Final = re.compile(r"^\| `(\w+)` \| ([\d.,]+) \| [^|]+ \|$", re.MULTILINE)
_ROW: Final = re.compile(r"^\| ([^|]+) \| `([^`]+)` \| (.+) \|$", re.MULTILINE)
_ALLOWED: Final = (
    *(ast.Expression, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow),
    *(ast.Call, ast.Name, ast.Load, ast.Constant),
)


def read_inputs() -> dict[str, float]:
    """Return the inputs by name."""
    found = _INPUT.findall(PAGE.read_text())
    inputs = {name: float(value.replace(",", "")) for name, value in found}
    assert len(found) == len(inputs) > 20
    return inputs


def read_rows() -> list[tuple[str, str, list[str]]]:
    """Return title, formula and cells of every row that has a formula."""
    rows = _ROW.findall(PAGE.read_text())
    return [(title, formula, cells.split(" | ")) for title, formula, cells in rows]


def evaluate(formula: str, values: dict[str, float]) -> float:
    """Return the value of a formula such as ``name = a * b / 2``, and add it to ``values``."""
    name, _, expression = formula.rpartition(" = ")
    tree = ast.parse(expression, mode="eval")
    assert all(isinstance(node, _ALLOWED) for node in ast.walk(tree)), formula
    known = {**values, "ceil": math.ceil, "max": max}
    result = float(eval(compile(tree, formula, "eval"), {"__builtins__": {}}, known))
    if name:
        values[name] = result
    return result


def show(value: float) -> str:
    """Return a value with three significant digits, as the page shows it."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 or rounded.is_integer() else f"{rounded:g}"


def test_every_number_matches_its_formula() -> None:
    rows = read_rows()
    assert len(rows) > 20
    for column, widgets in enumerate(WIDGETS):
        values = {**read_inputs(), "widgets": float(widgets)}
        for title, formula, cells in rows:
            result = show(evaluate(formula, values))
            if len(cells) == len(WIDGETS):
                assert cells[column] == result, (title, widgets)
            else:
                assert cells == [result], title


def test_every_input_is_used() -> None:
    used = set(re.findall(r"\w+", " ".join(formula for _, formula, _ in read_rows())))
    assert set(read_inputs()) - used == set()


@pytest.mark.parametrize(("value", "text"), [(0.1234, "0.123"), (12.0, "12"), (98_765, "98,800")])
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert show(value) == text
