"""All services of ``compose.yaml`` and a model, of which each can be killed or replaced."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.deployment import image, service
from tests.deployment.conversation_stack import (
    COMMANDS,
    Program,
    Stack,
    environment_of,
    start_servers,
    temporary_folder,
)
from tests.deployment.proxy import running_proxy

#: The sleep in ``pre_stop`` in compose.yaml.
_DRAIN_SECONDS: Final = 6


@dataclass
class ChaosStack(Stack):
    """The stack with two instances of web, a worker and a model. ``chaos_data`` fills it."""

    ports: dict[str, int]
    folder: Path

    def kill(self, name: str, down: float) -> None:
        """Send SIGKILL to a part, and start it again after some seconds."""
        self.parts[name].kill()
        time.sleep(down)
        self._start(name)

    def pause(self, name: str, seconds: float) -> None:
        """Stop a part with SIGSTOP for some seconds: it accepts connections and does nothing."""
        part = self.parts[name]
        part.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        part.process.send_signal(signal.SIGCONT)

    def replace(self, name: str) -> None:
        """Replace a part as ``docker compose up --no-deps --wait`` does."""
        drain_file = self.folder / f"draining-{name}"
        if name.startswith("web"):
            drain_file.touch()
            time.sleep(_DRAIN_SECONDS)
        self.parts[name].stop()
        drain_file.unlink(missing_ok=True)
        self._start(name)

    def _start(self, name: str) -> None:
        part = self.parts[name]
        part.start()
        if name in self.ports:
            service.wait_until_healthy(self.ports[name], part.process, part.log)


#: A fault by its name. The function returns when the part runs again.
Faults = dict[str, Callable[[ChaosStack], None]]


def faults(*, pause: float, replaced: tuple[str, ...], down: float) -> Faults:
    """Return all kinds of faults.

    Valkey and the model are stopped for ``pause`` seconds. What is killed starts ``down`` seconds
    later.
    """
    killed = ("web-1", "web-2", "live", "worker", "valkey", "postgres")

    def kill(name: str, stack: ChaosStack) -> None:
        stack.kill(name, down)

    def stop(name: str, stack: ChaosStack) -> None:
        stack.pause(name, pause)

    def replace(name: str, stack: ChaosStack) -> None:
        stack.replace(name)

    return {
        **{f"kill {name}": partial(kill, name) for name in killed},
        **{f"stop {name}": partial(stop, name) for name in ("valkey", "model")},
        **{f"replace {name}": partial(replace, name) for name in replaced},
    }


@contextmanager
def running_chaos_stack(reps: int, instances: int = 2, **variables: str) -> Iterator[ChaosStack]:
    """Run all parts, with one or two of web. ``variables`` are added to those of the image."""
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(temporary_folder())
        parts, url, cache_url = start_servers(folder, cleanup)
        every = ("model", "web-1", "web-2", "live", "worker")
        names = [name for name in every if name != "web-2" or instances == 2]
        ports = {name: service.free_port() for name in names}
        model = f"127.0.0.1:{ports.pop('model')}"
        env = environment_of(url, cache_url, folder, AI_ALLOWED_ADDRESSES=model, **variables)
        seeded = _seed(f"http://{model}/v1", reps, env)
        command = [sys.executable, "-m", "tests.deployment.paced_model", model.split(":")[1]]
        parts["model"] = Program("model", command, env, folder)
        for name, port in ports.items():
            command = image.on_port(COMMANDS[name.partition("-")[0]], port)
            own = {**env, "DRAIN_FILE": str(folder / f"draining-{name}")}
            parts[name] = Program(name, command, own, folder)
        for name in ("model", *ports):
            parts[name].start()
            cleanup.callback(parts[name].stop)
        for name, port in ports.items():
            service.wait_until_healthy(port, parts[name].process, parts[name].log)
        web = [ports["web-1"], ports.get("web-2", ports["web-1"])]
        port = cleanup.enter_context(running_proxy(web, folder, live_port=ports["live"]))
        yield ChaosStack(parts, port, url, seeded, ports, folder)


def _seed(model_url: str, reps: int, env: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.deployment.chaos_data", model_url, str(reps)]
    done = subprocess.run(
        command,
        cwd=service.ROOT,
        env={**env, "DEBUG": "true", "CACHE_URL": ""},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seeded: dict[str, Any] = json.loads(done.stdout)
    return seeded
