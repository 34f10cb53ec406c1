"""What no log and no crash report may tell, taken out of texts that others wrote: messages of
exceptions, of libraries, of the database."""

import re
from functools import cache

from django.conf import settings

REMOVED = "[removed]"
#: The first characters of every API key, so that leaked keys can be found.
API_KEY_PREFIX = "wck_"
#: A value as short as this would be found in harmless text.
_SHORTEST_SECRET = 8

_PATTERNS = re.compile(
    "|".join(
        (
            # JSON web tokens, signed or not, and API keys. (A new beginning ends a vain attempt:
            # otherwise a text of nothing but beginnings costs the square of its length.)
            r"eyJ(?:(?!eyJ)[\w-]){4,}\.[\w-]+(?:\.[\w-]*)?",
            rf"{API_KEY_PREFIX}[\w-]+",
            # What follows the name of a credential: headers, parameters, fields of forms.
            r"(?<=bearer )[^\s\"'\\,}]+",
            r"(?<=basic )[A-Za-z0-9+/=]{4,}",
            r"(?:(?<=signature=)|(?<=credential=)|(?<=security-token=))[^&\s\"'\\]+",
            r"(?:(?<=password=)|(?<=sessionid=)|(?<=csrftoken=)|(?<=token=))[^&;\s\"'\\]+",
            # The password in a URL.
            r"(?<=://)[^/\s:@\"'\\]*:[^/\s@\"'\\]+(?=@)",
        )
    ),
    re.IGNORECASE,
)
#: PostgreSQL quotes whole rows in this part of an error.
_ROWS = re.compile(r"DETAIL:.*?(?=\n\n(?:The above exception|During handling)|\Z)", re.DOTALL)


def redacted(text: str) -> str:
    """``text`` without anything that is, or looks like, a secret."""
    for secret in _own_secrets():
        text = text.replace(secret, REMOVED)
    if "DETAIL:" in text:
        text = _ROWS.sub(f"DETAIL: {REMOVED}", text)
    return _PATTERNS.sub(REMOVED, text)


@cache
def _own_secrets() -> tuple[str, ...]:
    """The secrets among the settings."""
    icons = settings.STORAGES["icons"].get("OPTIONS", {})
    found = [
        settings.SECRET_KEY,
        *settings.SECRET_KEY_FALLBACKS,
        settings.SIMPLE_JWT["SIGNING_KEY"],
        *settings.JWT_SIGNING_KEY_FALLBACKS,
        settings.METRICS_TOKEN,
        settings.DATABASES["default"].get("PASSWORD"),
        icons.get("secret_key"),
    ]
    return tuple({str(value) for value in found if len(str(value or "")) >= _SHORTEST_SECRET})
