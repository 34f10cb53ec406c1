"""The scripts of the widget, as browsers receive them: without comments and indentation."""

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

#: They are a quarter of the compressed size.
_COMMENTS_AND_INDENTATION: Final = re.compile(rb"^(?:[ \t]*//.*\n|[ \t]+)", re.MULTILINE)


def read_scripts(names: tuple[str, ...]) -> bytes:
    """Return the scripts, concatenated."""
    # During development the files may change.
    return _read(names) if settings.DEBUG else _cached(names)


def scripts_version(names: tuple[str, ...]) -> str:
    """Return a digest of the scripts, for the query string of their URL."""
    return hashlib.sha256(read_scripts(names)).hexdigest()[:12]


def _read(names: tuple[str, ...]) -> bytes:
    files = (STATIC / name for name in names)
    return b"".join(_COMMENTS_AND_INDENTATION.sub(b"", file.read_bytes()) for file in files)


@cache
def _cached(names: tuple[str, ...]) -> bytes:
    return _read(names)
