"""``python -m tests.benchmarks.proxy_streams [--streams N]``: visitors' streams through Caddy.

The proxy has the repository's Caddyfile, and a certificate of its own authority. It prints the
memory of the proxy per stream, its CPU time per new stream and new streams per second: without
TLS, with TLS over HTTP/1.1, and over HTTP/2 with a connection per visitor, as browsers open them.
Each has a new proxy. ``live``, PostgreSQL, Valkey and the clients share the machine.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from tests.benchmarks.tls_client import TlsClient
from tests.deployment import service
from tests.deployment.conversation_stack import Stack, running_stack
from tests.deployment.proxy import CADDY, adapted

PROTOCOLS: Final = ("http", "http/1.1", "h2")
#: Streams that are open before memory is first read, and that are opened at a time.
WARM: Final = 200
CONCURRENCY: Final = 50
#: Until what the handshakes leave behind has been collected.
SETTLE_SECONDS: Final = 8


def configuration(protocol: str, port: int, live_port: int) -> dict[str, Any]:
    """Return the Caddyfile's configuration, on the loopback interface."""
    scheme = "http://" if protocol == "http" else ""
    config = adapted(f"{scheme}{service.HOST}")
    servers = config["apps"]["http"]["servers"]
    (server,) = (one for one in servers.values() if service.HOST in json.dumps(one))
    https: dict[str, Any] = {"disable_redirects": True}
    server |= {
        "listen": [f"127.0.0.1:{port}"],
        "automatic_https": {"disable": True} if scheme else https,
    }
    text = json.dumps(server)
    for name in ("live", "web-1", "web-2"):
        text = text.replace(f'"{name}:8000"', f'"127.0.0.1:{live_port}"')
    config["apps"]["http"]["servers"] = {"site": json.loads(text)}
    policy = {"subjects": [service.HOST], "issuers": [{"module": "internal"}]}
    config["apps"]["tls"] = {"automation": {"policies": [policy]}}
    authority = {"local": {"install_trust": False}}
    config["apps"]["pki"] = {"certificate_authorities": authority}
    return {**config, "admin": {"disabled": True}}


@contextmanager
def running(protocol: str, live_port: int) -> Iterator[tuple[psutil.Process, int]]:
    """Run a proxy, and yield its process and port."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), service.free_port()
        config = folder / "caddy.json"
        config.write_text(json.dumps(configuration(protocol, port, live_port)))
        env = {"PATH": os.defpath, "HOME": name, "GOMEMLIMIT": "1800MiB"}
        command = [CADDY, "run", "--config", str(config)]
        with service.running_process(command, env, folder / "log") as process:
            yield psutil.Process(process.pid), port


async def open_streams(
    port: int, path: str, tokens: list[str], protocol: str
) -> tuple[list[TlsClient], int]:
    """Open a stream with each token. Return the clients, and how many failed."""
    rest, clients, failures = iter(tokens), [], []

    async def work() -> None:
        for token in rest:
            try:
                clients.append(await TlsClient.connect(port, path, token, protocol))
            except (OSError, TimeoutError) as error:
                failures.append(error)

    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    if failures:
        print(f"{protocol}: {failures[0]!r}", file=sys.stderr)
    return clients, len(failures)


async def wait_for_proxy(port: int, path: str, token: str, protocol: str) -> None:
    """Return when a stream can be opened, with the certificate made."""
    for _ in range(100):
        try:
            client = await TlsClient.connect(port, path, token, protocol)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            client.transport.abort()
            return
    raise RuntimeError("the proxy did not start")


async def measure(
    proxy: psutil.Process, port: int, path: str, tokens: list[str], protocol: str
) -> dict[str, float | str]:
    """Open all streams, and return the figures."""
    await wait_for_proxy(port, path, tokens[0], protocol)
    warm, _ = await open_streams(port, path, tokens[:WARM], protocol)
    await asyncio.sleep(SETTLE_SECONDS)
    memory, cpu, started = proxy.memory_info().rss, sum(proxy.cpu_times()[:2]), time.monotonic()
    clients, failures = await open_streams(port, path, tokens[WARM:], protocol)
    seconds = time.monotonic() - started
    cpu = sum(proxy.cpu_times()[:2]) - cpu
    first = proxy.memory_info().rss
    await asyncio.sleep(SETTLE_SECONDS)
    lost = sum(client.is_lost for client in warm + clients)
    settled, opened = proxy.memory_info().rss, max(len(clients), 1)
    for client in warm + clients:
        client.transport.abort()
    return {
        "protocol": protocol,
        "streams": len(warm) + len(clients),
        "failures": failures + lost,
        "KiB per stream": round((settled - memory) / 1024 / opened, 1),
        "KiB per stream, at once": round((first - memory) / 1024 / opened, 1),
        "MiB before": round(memory / 2**20, 1),
        "new streams per second": round(opened / seconds),
        "ms CPU per new stream": round(1000 * cpu / opened, 2),
    }


def add_visitors(stack: Stack, count: int) -> dict[str, Any]:
    """Return a webchat, and visitors with their tokens."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.live_data", str(count)],
        cwd=service.ROOT,
        env=service.production_environment(stack.database_url, DEBUG="true"),
        stdout=subprocess.PIPE,
        check=True,
    )
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def main() -> None:
    """Run the services, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=2_000)
    streams = parser.parse_args().streams
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with running_stack(LIVE_STREAMS_PER_SESSION="100000") as stack:
        data = add_visitors(stack, streams)
        command = " ".join(stack.parts["live"].command)
        live_port = int(command.partition("--port")[2].lstrip("= ").split()[0])
        path = f"/live/widget/{data['webchat']}"
        tokens = [row["token"] for row in data["visitors"]]
        for protocol in PROTOCOLS:
            with running(protocol, live_port) as (proxy, port):
                print(asyncio.run(measure(proxy, port, path, tokens, protocol)), flush=True)


if __name__ == "__main__":
    main()
