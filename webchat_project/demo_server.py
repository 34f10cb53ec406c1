"""The server of the demo: the service, its streams and the worker in one process."""

import asyncio
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.management.commands import runserver
from django.core.management import call_command

from organizations.jobs.worker import Worker
from webchat_project.asgi_in_wsgi import AsgiInWsgi, EventLoopThread, Server
from webchat_project.live import PREFIX, make_live_application
from webchats.conversations.live.process import LiveProcess

#: Seconds for the streams and the jobs to end.
_STOP_SECONDS = 10


class _Runserver(runserver.Command):
    """The development server, with another application for the paths of streams."""

    server_cls = Server

    def __init__(self, live: AsgiInWsgi) -> None:
        super().__init__()
        self._live = live

    # The stubs require Django's own handler.
    def get_handler(self, *args: Any, **options: Any) -> Any:
        web = super().get_handler(*args, **options)
        live = self._live
        return lambda environ, start_response: (
            live if environ["PATH_INFO"].startswith(PREFIX) else web
        )(environ, start_response)


def serve(port: int) -> None:
    """Serve on the loopback interface until SIGINT."""
    application, process = make_live_application()
    thread, worker_thread = EventLoopThread("live"), EventLoopThread("worker")
    thread.start()
    worker_thread.start()
    asyncio.run_coroutine_threadsafe(_start(process), thread.loop).result()
    worker = Worker(settings.WORKER_CONCURRENCY)
    working = asyncio.run_coroutine_threadsafe(worker.run(), worker_thread.loop)
    server = _Runserver(AsgiInWsgi(application, thread.loop))
    try:
        call_command(
            server,
            f"127.0.0.1:{port}",
            use_reloader=False,
            use_static_handler=False,
            skip_checks=True,
        )
    finally:
        worker.stop()
        stopped = asyncio.run_coroutine_threadsafe(process.stop(), thread.loop)
        stopped.result(timeout=_STOP_SECONDS)
        working.result(timeout=_STOP_SECONDS)


async def _start(process: LiveProcess) -> None:
    process.start()
