"""The server command, health check and variables of the Dockerfile."""

import json
import re
import shlex

from tests.deployment.service import ROOT

_comments = re.compile(r"^#.*\n", re.MULTILINE)
_line_breaks = re.compile(r"\\\n\s*")
TEXT = _line_breaks.sub("", _comments.sub("", (ROOT / "Dockerfile").read_text()))


def _arguments(instruction: str) -> list[str]:
    """Return the arguments of an instruction in the exec form, ``CMD ["program", "option"]``."""
    (found,) = re.findall(rf"^{instruction} .*?(\[.*\])$", TEXT, re.MULTILINE)
    arguments: list[str] = json.loads(found)
    return arguments


COMMAND = _arguments("CMD")
HEALTH_CHECK = _arguments("HEALTHCHECK")
VARIABLES = dict(
    pair.split("=", 1)
    for line in re.findall(r"^ENV (.*)$", TEXT, re.MULTILINE)
    for pair in shlex.split(line)
)


def on_port(command: list[str], port: int) -> list[str]:
    """Return a command of the image for another port, and for the loopback interface only."""
    changed = [word.replace("0.0.0.0", "127.0.0.1").replace("8000", str(port)) for word in command]
    assert changed != command
    return changed
