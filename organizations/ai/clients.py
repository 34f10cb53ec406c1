"""``make_client``: the only place that imports an SDK. Only the worker calls it."""

import importlib
from typing import Final, Protocol, cast

from organizations.ai.addresses import AddressRefused, parse_endpoint
from organizations.ai.client import ModelClient
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.providers import ProviderSettings
from organizations.models.ai_provider import ProviderKind

#: The modules with a function ``make_client``. Each imports the SDK of its protocol.
_MODULES: Final = {
    ProviderKind.OPENAI: "organizations.ai.openai_client",
    ProviderKind.ANTHROPIC: "organizations.ai.anthropic_client",
}


class _ClientModule(Protocol):
    def make_client(self, settings: ProviderSettings) -> ModelClient: ...


def make_client(settings: ProviderSettings) -> ModelClient:
    """Return a client of the provider. The caller closes it with ``aclose``.

    Raise ``ProviderError`` if the API key cannot be decrypted or the base URL is not allowed, and
    ``ValueError`` for ``builtin``, which has no client of this package.
    """
    if settings.is_builtin:
        raise ValueError("The builtin provider has no client.")
    if settings.key_error:
        raise ProviderError(ErrorKind.UNAUTHORIZED, settings.key_error)
    try:
        parse_endpoint(settings.base_url)
    except AddressRefused as error:
        raise ProviderError(ErrorKind.REFUSED_ADDRESS, str(error)) from None
    module = cast("_ClientModule", importlib.import_module(_MODULES[settings.kind]))
    return module.make_client(settings)


def load_sdk(settings: ProviderSettings) -> None:
    """Import the SDK of the provider, which takes a second. Call it in a thread, not in a loop."""
    if not settings.is_builtin:
        importlib.import_module(_MODULES[settings.kind])
