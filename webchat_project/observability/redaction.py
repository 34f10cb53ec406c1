"""Removal of secrets from texts for logs and crash reports, such as messages of exceptions."""

import re
from functools import cache

from django.conf import settings

REMOVED = "[removed]"
#: The first characters of every API key, by which leaked keys can be found.
API_KEY_PREFIX = "wck_"
#: A shorter secret could also occur in harmless text.
_MIN_LENGTH = 8

_PATTERNS = re.compile(
    "|".join(
        (
            # JSON Web Tokens, signed or not, and API keys. The look-ahead stops at the next prefix:
            # without it, a text of many prefixes would take quadratic time.
            r"eyJ(?:(?!eyJ)[\w-]){4,}\.[\w-]+(?:\.[\w-]*)?",
            rf"{API_KEY_PREFIX}[\w-]+",
            # API keys of OpenAI and Anthropic.
            r"\bsk-[\w-]{8,}",
            # Values of headers, parameters and form fields with credentials.
            r"(?<=bearer )[^\s\"'\\,}]+",
            r"(?<=basic )[A-Za-z0-9+/=]{4,}",
            r"(?:(?<=signature=)|(?<=credential=)|(?<=security-token=))[^&\s\"'\\]+",
            r"(?:(?<=password=)|(?<=sessionid=)|(?<=csrftoken=)|(?<=token=))[^&;\s\"'\\]+",
            # User and password in a URL.
            r"(?<=://)[^/\s:@\"'\\]*:[^/\s@\"'\\]+(?=@)",
        )
    ),
    re.IGNORECASE,
)
#: PostgreSQL quotes the row in this part of an error.
_ROWS = re.compile(r"DETAIL:.*?(?=\n\n(?:The above exception|During handling)|\Z)", re.DOTALL)


def redacted(text: str) -> str:
    """Return the text with ``REMOVED`` in place of everything that looks like a secret."""
    for secret in _configured_secrets():
        text = text.replace(secret, REMOVED)
    if "DETAIL:" in text:
        text = _ROWS.sub(f"DETAIL: {REMOVED}", text)
    return _PATTERNS.sub(REMOVED, text)


@cache
def _configured_secrets() -> tuple[str, ...]:
    """Return the secrets of the settings."""
    icons = settings.STORAGES["icons"].get("OPTIONS", {})
    values = [
        settings.SECRET_KEY,
        *settings.SECRET_KEY_FALLBACKS,
        settings.SIMPLE_JWT["SIGNING_KEY"],
        *settings.JWT_SIGNING_KEY_FALLBACKS,
        settings.METRICS_TOKEN,
        settings.DATABASES["default"].get("PASSWORD"),
        icons.get("secret_key"),
        settings.AI_API_KEY,
        *settings.AI_KEYS,
        settings.VAPID_PRIVATE_KEY,
    ]
    return tuple({str(value) for value in values if len(str(value or "")) >= _MIN_LENGTH})
