"""Rules of the code base: layers, imports, names, lengths, and reads of the environment."""

import ast
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("webchat_project", "organizations", "webchats")

#: The layers from the bottom up. A module belongs to the longest prefix of its dotted name, so
#: that a nested app is a separate layer.
LAYERS = (
    frozenset(
        {
            "webchat_project.api",
            "webchat_project.observability",
            "webchat_project.cache",
            "webchat_project.circuit_breaker",
            "webchat_project.client_address",
            "webchat_project.limited_lock",
            "webchat_project.subscription",
        }
    ),
    frozenset({"organizations"}),
    frozenset({"webchats"}),
    frozenset({"webchats.conversations"}),
    frozenset({"webchat_project"}),
)
RANKS = {prefix: rank for rank, layer in enumerate(LAYERS) for prefix in layer}

FORBIDDEN_NAMES = {"utils", "helpers", "common", "core", "misc", "base", "lib"}
#: Django imports this module of a database backend.
NAMED_BY_DJANGO = "webchat_project.postgresql.base"
MAX_MODULE_LINES = 250
UNLIMITED = {"webchat_project.settings"}
MAX_FUNCTION_LINES = 40


def get_rank(module: str) -> int:
    """Return the layer of a dotted module name."""
    parts = module.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next(RANKS[prefix] for prefix in prefixes if prefix in RANKS)


def is_first_party(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in PACKAGES


@cache
def sources() -> dict[str, Path]:
    """Return the paths of the project's modules by dotted name, without migrations."""
    paths = chain.from_iterable(sorted((ROOT / package).rglob("*.py")) for package in PACKAGES)
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
        if "migrations" not in path.parts
    }


@cache
def parse_module(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text())


def find_imports(module: str) -> Iterator[str]:
    """Yield the project's modules that ``module`` imports, also for the type checker only."""
    for node in ast.walk(parse_module(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_first_party(alias.name))
        elif isinstance(node, ast.ImportFrom) and is_first_party(str(node.module)):
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in sources() else str(node.module)


def find_strings(module: str) -> Iterator[tuple[int, str]]:
    """Yield every string of code, docstrings left out, with its line."""
    tree = parse_module(module)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield node.lineno, node.value


def report(violations: list[str]) -> str:
    """Return a message with one violation per line."""
    return "\n".join(["", *violations])


def test_modules_import_only_from_their_layer_and_below() -> None:
    upward = [
        f"{module} imports {name}"
        for module in sources()
        for name in find_imports(module)
        if get_rank(name) > get_rank(module)
    ]
    assert not upward, report(upward)


def test_no_import_is_relative() -> None:
    relative = [
        f"{module}:{node.lineno}"
        for module in sources()
        for node in ast.walk(parse_module(module))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative, report(relative)


def test_imports_are_not_circular() -> None:
    """Imports for the type checker are dependencies, too."""
    graph = {module: set(find_imports(module)) - {module} for module in sources()}
    done: set[str] = set()
    cycles = []

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            cycles.append(" → ".join([*path[path.index(module) :], module]))
        elif module not in done:
            for name in sorted(graph[module]):
                visit(name, [*path, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])
    assert not cycles, report(cycles)


def test_no_string_names_a_module_of_an_upper_layer() -> None:
    """``settings.py`` names classes by dotted path, but nothing ranks above it."""
    upward = [
        f"{module}:{line} names {text!r}"
        for module in sources()
        for line, text in find_strings(module)
        if is_first_party(text) and "." in text and " " not in text
        if get_rank(text) > get_rank(module)
    ]
    assert not upward, report(upward)


def test_no_lower_layer_uses_a_related_name_of_an_upper_one() -> None:
    """A foreign key adds an attribute to its target, which the target's layer must not use."""
    names_by_module: dict[str, set[str]] = {}
    for model in apps.get_models():
        for relation in model._meta.related_objects if is_first_party(model.__module__) else ():
            upper = relation.related_model.__module__
            if is_first_party(upper) and get_rank(upper) > get_rank(model.__module__):
                names = names_by_module.setdefault(model.__module__, set())
                names |= {relation.name, str(relation.get_accessor_name())}
    assert any("webchats" in names for names in names_by_module.values())
    ranked = [
        (get_rank(module), name) for module, names in names_by_module.items() for name in names
    ]
    used = [
        f"{module}:{line} uses {name!r}"
        for module in sources()
        for rank, name in ranked
        if get_rank(module) <= rank
        for line, text in attributes_and_lookups(module)
        if name in text.split("__")
    ]
    assert not used, report(used)


def attributes_and_lookups(module: str) -> Iterator[tuple[int, str]]:
    yield from find_strings(module)
    for node in ast.walk(parse_module(module)):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.value.lineno, node.arg


def test_the_environment_is_read_in_the_settings_only() -> None:
    """Entry points set ``DJANGO_SETTINGS_MODULE``, which reads nothing."""
    readers = []
    for module in sources():
        if module == "webchat_project.settings":
            continue
        for node in ast.walk(parse_module(module)):
            match node:
                case ast.Import(names=names) if any(a.name == "environ" for a in names):
                    readers.append(f"{module}:{node.lineno}")
                case ast.ImportFrom(module="os", names=names) if any(
                    a.name in {"environ", "environb", "getenv", "getenvb"} for a in names
                ):
                    readers.append(f"{module}:{node.lineno}")
                case ast.ImportFrom(module="environ"):
                    readers.append(f"{module}:{node.lineno}")
                case ast.Attribute(attr="getenv" | "getenvb" | "environ" | "environb"):
                    readers.append(f"{module}:{node.lineno}")
    allowed = {"webchat_project.asgi", "webchat_project.wsgi"}
    unexpected = [place for place in readers if place.split(":")[0] not in allowed]
    assert not unexpected, report(unexpected)
    # Each entry point names the settings module once, and does nothing else with the environment.
    for module in allowed:
        calls = [
            node
            for node in ast.walk(parse_module(module))
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        ]
        assert len(calls) == 1
        assert 'os.environ.setdefault("DJANGO_SETTINGS_MODULE"' in sources()[module].read_text()


def test_nothing_is_imported_inside_a_function() -> None:
    inside = [
        f"{module}:{inner.lineno}"
        for module in sources()
        for node in ast.walk(parse_module(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not inside, report(inside)


def test_module_names_are_specific() -> None:
    refused = [
        module
        for module in sources()
        if FORBIDDEN_NAMES & set(module.split(".")) and module != NAMED_BY_DJANGO
    ]
    assert not refused, report(refused)


def test_modules_are_short() -> None:
    long = [
        f"{module}: {lines} lines"
        for module, path in sources().items()
        if module not in UNLIMITED
        and (lines := len(path.read_text().splitlines())) > MAX_MODULE_LINES
    ]
    assert not long, report(long)


def test_functions_are_short() -> None:
    long = [
        f"{module}:{node.lineno} {node.name}: {lines} lines"
        for module in sources()
        for node in ast.walk(parse_module(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert not long, report(long)


@pytest.mark.parametrize(
    ("module", "rank"),
    [
        ("webchat_project.api.filters", 0),
        ("webchat_project.cache", 0),
        ("organizations.models.user", 1),
        ("webchats.models", 2),
        ("webchats.conversations.models", 3),
        ("webchat_project.settings", 4),
    ],
)
def test_nested_app_is_a_separate_layer(module: str, rank: int) -> None:
    assert get_rank(module) == rank
