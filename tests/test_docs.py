"""The documentation agrees with the code: links, settings, commands, endpoints."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.management import get_commands
from drf_spectacular.generators import SchemaGenerator

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS, *sorted((ROOT / ".github").glob("*.md"))]
CONFIGURATION = ROOT / "docs" / "configuration.md"
#: Read by Docker Compose itself.
COMPOSE_VARIABLES = {"COMPOSE_PROFILES"}

_CODE_BLOCK = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
_VARIABLE = r"[A-Z][A-Z0-9_]+"

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def read_text(page: Path) -> str:
    """Return a page's text without its code blocks."""
    return _CODE_BLOCK.sub("", page.read_text())


def find_headings(page: Path) -> list[tuple[int, str]]:
    """Return level and text of every heading."""
    found = re.findall(r"^(#+) (.+)$", read_text(page), re.MULTILINE)
    return [(len(marks), heading) for marks, heading in found]


def to_anchor(heading: str) -> str:
    """Return the anchor that GitHub generates for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def find_relative_links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield target file and anchor of every link that does not lead to another host."""
    for match in _LINK.finditer(read_text(page)):
        link = match[1] or match[2]
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = unquote(link).partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


# --- README and links ---


def test_readme_has_at_most_900_words() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 900


def test_readme_begins_with_a_picture() -> None:
    first_screen = (ROOT / "README.md").read_text().splitlines()[:20]
    assert any(".screenshots/" in line for line in first_screen)


@every_page
def test_relative_links_resolve(page: Path) -> None:
    for target, anchor in find_relative_links(page):
        assert target.exists(), f"{page.name} links to {target}"
        if anchor:
            anchors = [to_anchor(heading) for _, heading in find_headings(target)]
            assert anchor in anchors, f"{page.name} links to {target.name}#{anchor}"


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_contents_list_every_section(page: Path) -> None:
    sections = [heading for level, heading in find_headings(page) if level == 2]
    listed = re.findall(r"^- \[(.+)\]\(#(.+)\)$", read_text(page), re.MULTILINE)
    assert listed == [(section, to_anchor(section)) for section in sections]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_readme_links_to_every_page(page: Path) -> None:
    assert page in [target for target, _ in find_relative_links(ROOT / "README.md")]


# --- Settings ---


def setting_calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield name and call of every read of the environment in settings.py."""
    tree = ast.parse((ROOT / "webchat_project" / "settings.py").read_text())
    own_functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    readers = re.compile(rf"env(\.\w+)?|os\.environ\.\w+|os\.getenv|{'|'.join(own_functions)}")
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and readers.fullmatch(ast.unparse(node.func))
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value), node


def deployment_variables() -> set[str]:
    """Return the variables that compose.yaml and the image's server read."""
    interpolated = re.findall(rf"\$\{{({_VARIABLE})", (ROOT / "compose.yaml").read_text())
    server = re.findall(r"\b(GRANIAN_\w+)=", (ROOT / "Dockerfile").read_text())
    return {*interpolated, *server, *COMPOSE_VARIABLES}


def documented_defaults() -> dict[str, str]:
    """Return the default of every variable in docs/configuration.md, as it is written there."""
    pattern = rf"^\| `({_VARIABLE})` \| (.*?) ?\| .+ \|$"
    rows = re.findall(pattern, CONFIGURATION.read_text(), re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a variable is documented twice"
    return dict(rows)


def test_every_variable_is_documented_and_in_the_example() -> None:
    read = {name for name, _ in setting_calls()} | deployment_variables()
    example = (ROOT / ".env.example").read_text()
    in_example = re.findall(rf"^#?({_VARIABLE})=", example, re.MULTILINE)
    assert set(documented_defaults()) == read
    assert sorted(in_example) == sorted(read)


def find_literal_default(call: ast.Call) -> str | None:
    """Return the default in a call as it is written in the documentation.

    ``None`` if there is no default, or one that depends on another setting.
    """
    for keyword in call.keywords:
        nodes = ast.walk(keyword.value)
        if keyword.arg == "default" and not any(isinstance(node, ast.Name) for node in nodes):
            default: Any = eval(ast.unparse(keyword.value))
            text = str(default).lower() if isinstance(default, bool) else str(default)
            return f"`{text}`" if text else ""
    return None


def test_documented_defaults_are_those_of_the_settings() -> None:
    documented = documented_defaults()
    compared = {
        name: (documented[name], default)
        for name, call in setting_calls()
        # A default in words ("the value of …") describes more than the literal.
        if (default := find_literal_default(call)) is not None
        and re.fullmatch(r"(`[^`]+`)?", documented[name])
    }
    assert len(compared) > 20
    assert {name: pair for name, pair in compared.items() if pair[0] != pair[1]} == {}


def test_every_system_check_is_documented() -> None:
    check_id = r"(?:webchat_project|organizations|webchats|conversations|observability)\.[EW]\d{3}"
    modules = [path for path in ROOT.rglob("checks.py") if ".venv" not in path.parts]
    ids = {found for path in modules for found in re.findall(rf'"({check_id})"', path.read_text())}
    assert (
        set(re.findall(rf"^\| `({check_id})` \|", CONFIGURATION.read_text(), re.MULTILINE)) == ids
    )


# --- Commands, endpoints, files ---


def test_source_tree_in_the_design_exists() -> None:
    page = (ROOT / "docs" / "design.md").read_text()
    tree = page.split("## Source tree")[1].split("```")[1]
    package = ""
    for indent, name in re.findall(r"^( {0,2})([\w./]+)", tree, re.MULTILINE)[1:]:
        package = package if indent else name
        path = ROOT / package / name if indent else ROOT / name
        assert path.is_dir() if name.endswith("/") else path.is_file(), path


@every_page
def test_named_management_commands_exist(page: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", page.read_text()))
    assert named <= get_commands().keys()


def test_every_endpoint_is_documented() -> None:
    schema: Any = SchemaGenerator().get_schema(request=None, public=True)
    methods = {"get", "post", "put", "patch", "delete"}
    endpoints = {
        f"{method.upper()} {path}"
        for path, operations in schema["paths"].items()
        for method in methods & operations.keys()
    }
    pages = [(ROOT / "docs" / name).read_text() for name in ("api.md", "widget.md")]
    documented = re.findall(r"^\| `([A-Z]+ /\S+)` \|", "\n".join(pages), re.MULTILINE)
    # Views without a place in the OpenAPI document.
    plain = {
        "GET /embed.js",
        "GET /widget/frame.css",
        "GET /widget/frame.js",
        "GET /widget/survey.css",
        "GET /widget/survey.html",
        "GET /widget/survey.js",
        "GET /widget/{id}",
        "GET /widget/{id}/config",
    }
    endpoints = {endpoint.replace("{webchat_id}", "{id}") for endpoint in endpoints}
    assert set(documented) - plain == endpoints


def test_systemd_unit_starts_the_server_of_the_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    command = json.loads(dockerfile.split("\nCMD ")[1].replace("\\\n", ""))
    page = (ROOT / "docs" / "operations.md").read_text()
    unit = re.search(r"^ExecStart=\S+/granian (.+)$", page, re.MULTILINE)
    assert unit
    assert unit[1].replace("--host 127.0.0.1", "--host 0.0.0.0").split() == command[1:]
