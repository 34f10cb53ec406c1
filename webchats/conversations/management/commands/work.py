"""The command that runs the worker."""

import asyncio
import signal
from contextlib import ExitStack

from django.conf import settings
from django.core.management import CommandError, CommandParser

from organizations.jobs.status_server import serving_status
from organizations.jobs.worker import Worker
from webchats.management.help import CommandWithExample


class Command(CommandWithExample):
    """Runs jobs, such as automatic answers, until SIGTERM or SIGINT."""

    example = "manage.py work --listen 127.0.0.1:8004"
    help = (
        "Run jobs, such as automatic answers, and tasks that repeat, until SIGTERM or SIGINT. "
        "Several workers can run at the same time, on several machines."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--listen",
            metavar="ADDRESS:PORT",
            help="Serve /healthz, /readyz and /metrics. Default: not served.",
        )

    def handle(self, *, listen: str | None, **options: object) -> None:
        with ExitStack() as stack:
            worker = Worker(settings.WORKER_CONCURRENCY)
            if listen is not None:
                try:
                    host, digits = listen.rsplit(":", 1)
                    port = int(digits)
                    status = serving_status(host.strip("[]"), port, lambda: worker.is_alive)
                    stack.enter_context(status)
                except (ValueError, OverflowError, OSError) as error:
                    message = f"--listen {listen} cannot be used: {error}. Example: 127.0.0.1:8004"
                    raise CommandError(message) from None
            asyncio.run(_run(worker))


async def _run(worker: Worker) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()
