"""Classification of the exceptions of the SDKs and the HTTP client."""

import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.guard import ConnectionRefused
from organizations.ai.limits import ResponseRefused
from organizations.ai.providers import ProviderSettings
from organizations.ai.text import remove_unstorable

#: Characters of a provider's own message that staff read.
_DETAIL_LENGTH: Final = 200
#: A shorter key could also occur in harmless text.
_MIN_KEY_LENGTH: Final = 6

_KINDS: Final = {
    401: ErrorKind.UNAUTHORIZED,
    402: ErrorKind.QUOTA,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.TIMEOUT,
    413: ErrorKind.CONTEXT_OVERFLOW,
    429: ErrorKind.RATE_LIMITED,
}
#: Parts of the codes and messages of a 400 or 429 that is something else. Providers have no common
#: codes: these are those of OpenAI, Anthropic, llama.cpp, vLLM and Ollama.
_QUOTA_WORDS: Final = ("insufficient_quota", "exceeded your current quota", "credit balance")
_OVERFLOW_WORDS: Final = (
    "context_length",
    "context length",
    "exceed_context_size",
    "context size",
    "context window",
    "prompt is too long",
)
_EXPLANATIONS: Final = {
    ErrorKind.UNAUTHORIZED: "The provider does not accept the API key. Enter a valid one.",
    ErrorKind.FORBIDDEN: "The API key may not use this model. Check its permissions.",
    ErrorKind.NOT_FOUND: "The provider does not know the model, or the base URL is wrong.",
    ErrorKind.QUOTA: "The account has no credit left. Add credit at the provider.",
    ErrorKind.CONTEXT_OVERFLOW: "The request is longer than the model allows. Shorten the "
    "instructions or the knowledge, or select a model with a larger context.",
    ErrorKind.RATE_LIMITED: "The provider limits the rate of requests.",
    ErrorKind.SERVER_ERROR: "The provider has an internal error or is overloaded.",
    ErrorKind.CONNECTION: "The connection to the provider failed. Check the base URL.",
    ErrorKind.TIMEOUT: "The provider did not respond in time.",
    ErrorKind.INCOMPLETE: "The response ended before it was complete.",
    ErrorKind.MALFORMED: "The response is not one of this protocol. Check kind and base URL.",
    ErrorKind.REFUSED_ADDRESS: "The provider answers with a redirect. Enter its final address.",
}


def make_error(
    kind: ErrorKind, *, detail: str = "", retry_after: float | None = None
) -> ProviderError:
    """Return an error with the explanation of its kind, and the provider's own words."""
    quoted = f" The provider says: {detail}" if detail else ""
    return ProviderError(kind, _EXPLANATIONS[kind] + quoted, retry_after)


def classify(error: Exception, settings: ProviderSettings) -> ProviderError:
    """Return the ``ProviderError`` for an exception of an SDK, of httpx2, or of parsing."""
    for cause in _causes(error):
        if isinstance(cause, ConnectionRefused):
            return ProviderError(ErrorKind.REFUSED_ADDRESS, str(cause))
        if isinstance(cause, ResponseRefused):
            return make_error(ErrorKind.MALFORMED)
        if isinstance(cause, httpx2.TimeoutException):
            return make_error(ErrorKind.TIMEOUT)
        if isinstance(cause, httpx2.RemoteProtocolError):
            return make_error(ErrorKind.INCOMPLETE)
        if isinstance(cause, httpx2.TransportError):
            return make_error(ErrorKind.CONNECTION)
    # Both SDKs have it, but no common base class.
    response = getattr(error, "response", None)
    body = getattr(error, "body", None)
    if isinstance(response, httpx2.Response) and response.status_code >= 300:
        return _classify_response(response, _text_of(body), settings)
    if body is not None:
        # An error event in a stream whose status was 200.
        text = _text_of(body)
        return make_error(
            _kind_of_text(text) or ErrorKind.SERVER_ERROR, detail=_quotable(body, settings)
        )
    return make_error(ErrorKind.MALFORMED)


def _classify_response(
    response: httpx2.Response, text: str, settings: ProviderSettings
) -> ProviderError:
    status = response.status_code
    if status < 400:
        return make_error(ErrorKind.REFUSED_ADDRESS)
    kind = _KINDS.get(status, ErrorKind.SERVER_ERROR if status >= 500 else ErrorKind.MALFORMED)
    if status in (400, 422, 429):
        kind = _kind_of_text(text) or kind
    if kind == ErrorKind.MALFORMED:
        message = f"The provider refuses the request ({status})."
        detail = _quotable(text, settings)
        return ProviderError(kind, f"{message} The provider says: {detail}" if detail else message)
    # Messages about a key quote it.
    detail = "" if kind == ErrorKind.UNAUTHORIZED else _quotable(text, settings)
    return make_error(kind, detail=detail, retry_after=_retry_after(response.headers))


def _kind_of_text(text: str) -> ErrorKind | None:
    lowered = text.lower()
    if any(word in lowered for word in _QUOTA_WORDS):
        return ErrorKind.QUOTA
    if any(word in lowered for word in _OVERFLOW_WORDS):
        return ErrorKind.CONTEXT_OVERFLOW
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _text_of(body: object) -> str:
    if isinstance(body, str):
        return body
    try:
        return json.dumps(body, default=str)
    except (ValueError, RecursionError):
        return ""


def _quotable(body: object, settings: ProviderSettings) -> str:
    """Return the message in the body of an error, in one short line and without the API key."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return ""  # Such as an HTML page.
    while isinstance(body, dict) and "error" in body:
        body = body["error"]
    message = body.get("message") if isinstance(body, dict) else body
    if not isinstance(message, str):
        return ""
    # Before the key is replaced, which could be interrupted by them.
    message = remove_unstorable(message)
    if len(settings.api_key) >= _MIN_KEY_LENGTH:
        message = message.replace(settings.api_key, "…")
    line = " ".join(message.split())
    return line if len(line) <= _DETAIL_LENGTH else f"{line[:_DETAIL_LENGTH]}…"


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return the seconds of ``Retry-After`` (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
