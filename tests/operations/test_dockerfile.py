"""What can be said of the image before it is built; ``tests/operations/image.py`` builds it."""

import shutil
from pathlib import Path

from tests.operations.dockerfile import Step, kept, steps
from tests.operations.service import ROOT

STEPS = steps((ROOT / "Dockerfile").read_text())
FINAL = STEPS[[step.name for step in STEPS].index("FROM", 2) :]


def only(name: str, found: list[Step] = FINAL) -> Step:
    (step,) = [step for step in found if step.name == name]
    return step


def test_the_context_has_the_code_and_nothing_else(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    code = {"manage.py", "uv.lock", "webchats/icons.py", "templates/admin/index.html"}
    private = {
        ".env",
        ".git/config",
        "data/db.sqlite3",
        "tests/support/factories.py",
        "webchats.csv",
    }
    compiled = {"webchats/__pycache__/icons.cpython-311.pyc", "organizations/roles.pyc"}
    for name in code | private | compiled:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert {str(path) for path in kept(tmp_path)} == code


def test_every_module_of_the_service_is_in_the_context() -> None:
    folders = ("organizations", "templates", "webchats", "webchat_project")
    files = {
        path.relative_to(ROOT)
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(files) > 100
    assert files | {Path("manage.py")} <= set(kept(ROOT))


def test_the_server_is_started_without_a_shell_so_that_signals_reach_it() -> None:
    assert only("CMD").rest.startswith("[")
    assert only("CMD").words[0] == "granian"
    assert "ENTRYPOINT" not in [step.name for step in STEPS]


def test_the_image_does_not_run_as_root() -> None:
    assert only("USER").rest == "10001:10001"


def test_the_health_check_needs_no_program_but_python() -> None:
    check = only("HEALTHCHECK")
    assert check.rest.startswith('CMD ["python", ')
    assert "/healthz" in check.rest


def test_no_secret_is_left_in_the_image() -> None:
    lasting = " ".join(step.rest for step in STEPS if step.name in ("ARG", "ENV"))
    assert "SECRET" not in lasting
    assert "PASSWORD" not in lasting
