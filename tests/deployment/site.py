"""A migrated database with data, and the image's server command to serve it."""

import json
import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import psycopg

from tests.deployment import image, service
from tests.deployment.load import Outcome, Request, running_load

LOAD_NAME = "Created by the load"


@dataclass
class Site:
    """A seeded database and the server command for it."""

    database: str
    folder: Path
    #: What ``tests/deployment/seed.py`` returns: credentials, ids and a request body.
    seeded: dict[str, Any]
    #: A server command with ``{port}`` in it; the image's own if empty.
    command: str = ""
    clients: int = 8
    #: Seconds between a response and the next request of a client.
    pause: float = 0
    #: Changes to the image's variables.
    variables: dict[str, str] = field(default_factory=dict)
    _started: int = field(default=0, init=False)

    @classmethod
    def create(cls, database: str, folder: Path, webchats: int = 5, **options: Any) -> "Site":
        """Migrate and fill an empty database."""
        return cls(database, folder, service.seed_database(database, webchats), **options)

    @contextmanager
    def served(self, port: int) -> Iterator[Popen[bytes]]:
        """Run the server on a port until the end of the block; yield its process."""
        self._started += 1
        log = self.folder / f"server-{self._started}.log"
        server_variables = {
            name: value for name, value in image.VARIABLES.items() if name.startswith("GRANIAN_")
        }
        env = service.production_environment(
            self.database,
            **{
                "STATIC_ROOT": str(self.folder),
                **server_variables,
                # The proxy in front of it does not use TLS.
                "SECURE_SSL_REDIRECT": "false",
                "DRAIN_FILE": str(self.drain_file(port)),
                **self.variables,
            },
        )
        command = shlex.split(self.command.format(port=port)) or image.on_port(image.COMMAND, port)
        with service.running_process(command, env, log) as process:
            service.wait_until_healthy(port, process, log)
            yield process

    def drain_file(self, port: int) -> Path:
        """Return the ``DRAIN_FILE`` of the instance on a port."""
        return self.folder / f"draining-{port}"

    @property
    def requests(self) -> list[Request]:
        """Reads and writes. The last one creates a row, so that a repeated request is noticed."""
        webchat = f"/api/webchats/{self.seeded['webchats'][0]}"
        body = json.dumps({**self.seeded["body"], "name": LOAD_NAME})
        return [
            Request("GET", "/api/webchats?limit=5"),
            Request("PUT", webchat, '{"offsetX": 9}'),
            Request("GET", webchat),
            Request("POST", "/api/webchats", body),
        ]

    def load(self, port: int) -> AbstractContextManager[Outcome]:
        """Send ``requests`` to a port during the block; half of the clients use keep-alive."""
        return running_load(
            port, self.requests, self.seeded["key"], clients=self.clients, pause=self.pause
        )

    def created(self) -> int:
        """Return the number of rows created by the load."""
        with psycopg.connect(self.database) as connection:
            count = connection.execute(
                "SELECT count(*) FROM webchats_webchat WHERE name = %s", [LOAD_NAME]
            ).fetchone()
        assert count
        return int(count[0])
