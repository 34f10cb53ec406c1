"""The worker: an event loop that claims jobs and runs them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

from django.conf import settings
from django.db import Error
from django.utils import timezone
from django.utils.module_loading import import_string

from organizations.jobs import metrics, queue
from organizations.jobs.database import run_query
from organizations.jobs.execution import run_job
from organizations.jobs.registry import (
    PeriodicTask,
    get_handler,
    periodic_tasks,
    registered_kinds,
)
from organizations.jobs.slots import Slots
from organizations.jobs.wakeup import CHANNEL, add_listener, remove_listener
from webchat_project.subscription import Subscription, has_server

logger = logging.getLogger("worker")

#: Seconds between two searches for due jobs, without and with hints of other processes.
POLL_SECONDS: Final = 0.5
POLL_WITH_HINTS_SECONDS: Final = 2
#: Seconds until the next claim if other workers claim the due jobs, and after an error.
_CONTENTION_SECONDS: Final = 0.05
_ERROR_SECONDS: Final = 1
#: Seconds between two readings of the queue for the metrics.
_METRICS_SECONDS: Final = 5
#: Seconds without a search after which the worker counts as hung.
_HUNG_SECONDS: Final = 30


class Worker:
    """Runs up to ``concurrency`` jobs at a time, and repeats the registered tasks.

    Organizations share the slots: see ``organizations.jobs.slots``.

    With ``kinds``, it runs only jobs of these kinds, and repeats no task.
    """

    def __init__(self, concurrency: int, kinds: Sequence[str] | None = None) -> None:
        self._concurrency = concurrency
        self._kinds = registered_kinds() if kinds is None else kinds
        self._tasks = periodic_tasks() if kinds is None else []
        #: The organizations of the jobs that run.
        self._jobs: dict[asyncio.Task[None], str] = {}
        self._has_hints = False
        self._has_failed = False
        self._is_stopping = False
        self._searched_at = monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wakeup = asyncio.Event()

    @property
    def is_alive(self) -> bool:
        """Return whether the worker searches for jobs. The database may be unavailable."""
        return monotonic() - self._searched_at < _HUNG_SECONDS

    async def run(self) -> None:
        """Run jobs until ``stop`` is called, and then wait for the running ones.

        After ``WORKER_SHUTDOWN_SECONDS`` the others are canceled, for other workers to run.
        """
        self._loop = asyncio.get_running_loop()
        for kind in self._kinds:
            # Imported now, so that no job waits for it.
            get_handler(kind)
        metrics.initialize(self._kinds)
        add_listener(self._wake_from_any_thread)
        beside = [self._loop.create_task(_repeat(task)) for task in self._tasks]
        beside.append(self._loop.create_task(self._read_queue_regularly()))
        if has_server():
            subscription = Subscription(CHANNEL, lambda _: self._wakeup.set(), self._set_connected)
            beside.append(self._loop.create_task(subscription.run()))
        try:
            await self._claim_until_stopped()
        finally:
            remove_listener(self._wake_from_any_thread)
            for task in beside:
                task.cancel()
            await self._end_jobs()
            await asyncio.gather(*beside, return_exceptions=True)

    def stop(self) -> None:
        """Claim no more jobs, and let ``run`` return. Can be called in any thread."""
        self._is_stopping = True
        self._wake_from_any_thread()

    # --- Claims ---

    async def _claim_until_stopped(self) -> None:
        while not self._is_stopping:
            self._wakeup.clear()
            self._searched_at = monotonic()
            try:
                pause = await self._claim()
            except Error as error:
                pause = _ERROR_SECONDS
                if not self._has_failed:
                    logger.error("Jobs cannot be read, and wait: %s", error)
                self._has_failed = True
            else:
                if self._has_failed:
                    logger.warning("Jobs can be read again.")
                self._has_failed = False
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()

    async def _claim(self) -> float:
        """Start due jobs. Return the seconds until the next search."""
        poll = POLL_WITH_HINTS_SECONDS if self._has_hints else POLL_SECONDS
        free = self._concurrency - len(self._jobs)
        if not free:
            # The end of a job wakes the worker.
            return poll
        held = Counter(self._jobs.values())
        due_at = await run_query(queue.next_due_at, self._kinds, Slots(free, held).crowded)
        if due_at is None:
            return poll
        seconds = (due_at - timezone.now()).total_seconds()
        if seconds > 0:
            return min(seconds, poll)
        if self._is_stopping:
            return 0
        claimed = await run_query(queue.claim, self._kinds, free, held)
        for job in claimed:
            task = asyncio.get_running_loop().create_task(run_job(job))
            self._jobs[task] = job.organization_id
            task.add_done_callback(self._remove)
        return 0 if claimed else _CONTENTION_SECONDS

    def _remove(self, task: "asyncio.Task[None]") -> None:
        self._jobs.pop(task, None)
        self._wakeup.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("The end of a job cannot be handled", exc_info=error)

    def _wake_from_any_thread(self) -> None:
        if self._loop is not None:
            # The loop of a worker that has stopped is closed.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wakeup.set)

    def _set_connected(self, is_connected: bool) -> None:
        self._has_hints = is_connected
        # Hints were lost in the meantime.
        self._wakeup.set()

    async def _read_queue_regularly(self) -> None:
        while True:
            with suppress(Error):
                await run_query(metrics.read_queue, self._kinds)
            await asyncio.sleep(_METRICS_SECONDS)

    # --- End ---

    async def _end_jobs(self) -> None:
        """Wait for the running jobs, and cancel those that take too long."""
        jobs = set(self._jobs)
        if not jobs:
            return
        _, late = await asyncio.wait(jobs, timeout=settings.WORKER_SHUTDOWN_SECONDS)
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d jobs are left to other workers.", len(late))
            await asyncio.wait(late)


async def _repeat(task: PeriodicTask) -> None:
    """Call the function of the task regularly. An error is logged, and the next call comes."""
    function = import_string(task.function)
    while True:
        try:
            await run_query(function)
        except Exception:
            logger.exception("%s has failed, and runs again in %s s", task.function, task.interval)
        await asyncio.sleep(task.interval)
