"""The scripts and styles of the widget, without comments, indentation and most white space."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings

STATIC: Final = Path(__file__).parent.parent / "static" / "webchats"
LOADER: Final = ("embed.js",)
#: In the order in which they run. One download: compressed together they are a quarter smaller.
FRAME: Final = ("frame_colors.js", "message_text.js", "chat_client.js", "chat.js")
FRAME_STYLES: Final = ("frame.css",)
#: Downloaded once there is a conversation.
SURVEY: Final = ("survey.js",)
SURVEY_STYLES: Final = ("survey.css",)

#: They are a quarter of the compressed size.
_LEFT_OUT: Final = re.compile(
    rb"^(?:[ \t]*//.*\n|[ \t]*/\*[^*]*(?:\*(?!/)[^*]*)*\*/\n|[ \t]+|\n)|(?<=[{(\[,;])\n",
    re.MULTILINE,
)
#: What style sheets do not need, either. No string in them contains it.
_LEFT_OUT_OF_STYLES: Final = re.compile(rb"(?<=[:,]) | (?=\{)|;(?=\})|(?<=\})\n")


def read_assets(names: tuple[str, ...]) -> bytes:
    """Return the files, concatenated."""
    # During development the files may change.
    return _read(names) if settings.DEBUG else _cached(names)


def assets_version(names: tuple[str, ...]) -> str:
    """Return a digest of the files, for the query string of their URL."""
    return hashlib.sha256(read_assets(names)).hexdigest()[:12]


def _read(names: tuple[str, ...]) -> bytes:
    return b"".join(_read_file(STATIC / name) for name in names)


def _read_file(file: Path) -> bytes:
    content = _LEFT_OUT.sub(b"", file.read_bytes())
    return _LEFT_OUT_OF_STYLES.sub(b"", content) if file.suffix == ".css" else content


@cache
def _cached(names: tuple[str, ...]) -> bytes:
    return _read(names)
