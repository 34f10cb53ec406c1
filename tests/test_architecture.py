"""Imports point down, and names say something."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: From the bottom up: an app may import itself and what stands before it.
LAYERS = ["organizations", "webchats", "webchat_project"]
REFUSED = {"utils", "helpers", "common", "core", "misc", "base", "lib"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield str(node.module)


@pytest.mark.parametrize("layer", LAYERS[:-1])
def test_an_app_imports_only_from_below(layer: str) -> None:
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    upward = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(layer)
        for name in imported(path)
        if name.split(".")[0] in above
    ]
    assert upward == []


def test_the_kernel_does_not_name_the_apps_above_it() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in sources("organizations")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(("webchats.", "webchat_project."))
    ]
    assert named == []


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_is_imported_inside_a_function(layer: str) -> None:
    inside = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in sources(layer)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


@pytest.mark.parametrize("layer", LAYERS)
def test_no_module_has_a_name_that_says_nothing(layer: str) -> None:
    # ``django.core`` and the like are other people's names.
    assert [str(path) for path in sources(layer) if path.stem in REFUSED] == []


def test_the_environment_is_read_in_the_settings_only() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for layer in LAYERS
        for path in sources(layer)
        if ({"environ"} & set(imported(path)) or "os.environ[" in path.read_text())
    ]
    assert readers == ["webchat_project/settings.py"]
