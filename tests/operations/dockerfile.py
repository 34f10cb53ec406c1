"""A Dockerfile's own steps, carried out in a folder: for machines without a container engine.

The root of the stage that is being built is always ``FOLDER/root``, and the root of a finished
stage is moved aside, so that a path written into a file (a script's first line) holds in each.
Every image begins with this machine's Python; what a step does outside of the root's folders
cannot be carried out, and ``NotPossible`` says so.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

#: The folders of an image that are ours to fill.
OWN = ("app", "root", "usr/local")
_OWN = re.compile(rf"(?<![\w./-])/(?=(?:{'|'.join(OWN)})(?![\w.-]))")
#: How this machine reaches the registry of packages.
_PASSED_ON = ("PIP_", "SSL_", "UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_INDEX")


class NotPossible(Exception):
    """A step that needs a container engine."""


class Step(NamedTuple):
    """One instruction: its name, its flags (``--from=build``) and the rest."""

    name: str
    flags: dict[str, str]
    rest: str

    @property
    def words(self) -> list[str]:
        """The rest as the exec form, or split at blanks."""
        if self.rest.startswith("["):
            words: list[str] = json.loads(self.rest)
            return words
        return shlex.split(self.rest)


def steps(text: str) -> list[Step]:
    """Read a Dockerfile."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    found = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        name, _, rest = line.strip().partition(" ")
        flags = {}
        while flag := re.match(r"--([\w-]+)=(\S+)\s+", rest):
            flags[flag[1]] = flag[2]
            rest = rest[flag.end() :]
        found.append(Step(name.upper(), flags, rest.strip()))
    return found


def kept(context: Path) -> list[Path]:
    """The files of a build's context that its ``.dockerignore`` lets through."""
    lines = (context / ".dockerignore").read_text().splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    found = []
    for folder, folders, names in os.walk(context):
        here = Path(folder).relative_to(context)
        # A folder that is left out as a whole need not be looked through.
        folders[:] = [name for name in folders if not _ignored(here / name, patterns)]
        found += [here / name for name in names if not _ignored(here / name, patterns)]
    return sorted(found)


def _ignored(path: Path, patterns: list[str]) -> bool:
    tried = [str(part) for part in (path, *path.parents)][:-1]
    verdict = False
    for pattern in patterns:
        body = re.escape(pattern.removeprefix("!").strip("/"))
        for escaped, meant in (
            (r"\*\*/", "(?:.*/)?"),
            (r"\*", "[^/]*"),
            (r"\[", "["),
            (r"\]", "]"),
        ):
            body = body.replace(escaped, meant)
        if any(re.fullmatch(body, candidate) for candidate in tried):
            verdict = not pattern.startswith("!")
    return verdict


def _python_for_all() -> Path:
    """An interpreter that the image's account can reach too, or else this one."""
    own = Path(sys.executable).resolve()
    for path in (own, Path("/usr/bin") / own.name):
        if path.exists() and all(part.stat().st_mode & 0o001 for part in path.parents):
            return path
    return own


@dataclass
class Image:
    """What is being built."""

    folder: Path
    context: Path
    env: dict[str, str] = field(default_factory=dict)
    workdir: Path = Path("/")
    user: int | None = None
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    _stage: str = ""

    @property
    def root(self) -> Path:
        """Where the image's ``/`` is on this machine."""
        return self.folder / "root"

    def build(self) -> "Image":
        """Carry out every step of the context's Dockerfile, saying each and how long it took."""
        for step in steps((self.context / "Dockerfile").read_text()):
            started = time.monotonic()
            getattr(self, f"_{step.name.lower()}", self._unknown)(step)
            print(f"{time.monotonic() - started:6.1f} s  {step.name} {step.rest[:90]}", flush=True)
        return self

    def here(self, text: str) -> str:
        """A text of the image's with its absolute paths as they are on this machine."""
        return _OWN.sub(f"{self.root}/", text)

    def _unknown(self, step: Step) -> None:
        raise NotPossible(f"{step.name}: teach tests/operations/dockerfile.py what it does.")

    def _from(self, step: Step) -> None:
        _, *alias = re.split(r"\s+AS\s+", step.rest, flags=re.IGNORECASE)
        if self._stage:
            self.root.rename(self.folder / self._stage)
        self._stage, self.user = (alias or ["last"])[0], None
        prefix = self.root / "usr/local"
        python = str(_python_for_all())
        subprocess.run(["uv", "venv", "--seed", "--quiet", "--python", python, prefix], check=True)
        self.env = {
            **{name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)},
            "PATH": f"{prefix}/bin:/usr/bin:/bin",
            "HOME": f"{self.root}/root",
            "UV_PYTHON": f"{prefix}/bin/python",
        }

    def _arg(self, step: Step) -> None:
        """The base image's version: the machine's Python stands for it."""

    _expose = _stopsignal = _arg

    def _env(self, step: Step) -> None:
        for pair in shlex.split(step.rest):
            name, _, value = pair.partition("=")
            self.env[name] = self.here(value.replace("$PATH", self.env["PATH"]))

    def _workdir(self, step: Step) -> None:
        self.workdir = Path(self.here(step.rest))
        self.workdir.mkdir(parents=True, exist_ok=True)

    def _copy(self, step: Step) -> None:
        *sources, target = step.words
        place = Path(self.here(target)) if target.startswith("/") else self.workdir / target
        owner = int(step.flags["chown"].split(":")[0]) if "chown" in step.flags else None
        for source in sources:
            if stage := step.flags.get("from"):
                shutil.copytree(
                    self.folder / stage / PurePosixPath(source).relative_to("/"),
                    place,
                    symlinks=True,
                    dirs_exist_ok=True,
                )
            else:
                self._copy_context(Path(source), place)
        if owner is not None and os.geteuid() == 0:
            for path in (place, *place.rglob("*")):
                os.chown(path, owner, owner)

    def _copy_context(self, source: Path, place: Path) -> None:
        for file in kept(self.context):
            if source in (file, *file.parents):
                (place / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.context / file, place / file)

    def _run(self, step: Step) -> None:
        if target := re.search(r"target=/([\w./-]+)", step.flags.get("mount", "")):
            cache = self.root / target[1]
            cache.parent.mkdir(parents=True, exist_ok=True)
            kept_between_builds = Path.home() / PurePosixPath(target[1]).relative_to("root")
            kept_between_builds.mkdir(parents=True, exist_ok=True)
            if not cache.exists():
                cache.symlink_to(kept_between_builds)
        with (self.folder / "log").open("w+") as log:
            done = subprocess.run(
                ["sh", "-c", self.here(step.rest)],
                cwd=self.workdir,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
            log.seek(0)
            if done.returncode:
                raise SystemExit(f"RUN {step.rest}\n{log.read()}")

    def _user(self, step: Step) -> None:
        self.user = int(step.rest.split(":")[0])

    def _cmd(self, step: Step) -> None:
        if not step.rest.startswith("["):
            raise NotPossible("CMD in the shell's form: a signal would reach the shell.")
        self.command = [self.here(word) for word in step.words]

    def _healthcheck(self, step: Step) -> None:
        self.health = [self.here(word) for word in json.loads(step.rest.removeprefix("CMD "))]
