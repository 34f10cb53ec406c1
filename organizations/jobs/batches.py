"""Batches: simultaneous calls of many tasks on an event loop are combined."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from organizations.jobs.database import run_batch

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: Items that are read at a time, so that the first of many does not wait for all.
MAX_ITEMS: Final = 50


class Batches(Generic[_Item, _Result]):
    """Calls ``function`` with items that wait. While it runs, others collect.

    So the result for an item was never read before the item came. ``function`` returns a result or
    an exception for each item, in their order. It runs in the context of one of them, and so must
    log nothing about a single request.
    """

    def __init__(self, function: Callable[[list[_Item]], Sequence[_Result | Exception]]) -> None:
        self._function = function
        self._waiting: list[tuple[_Item, asyncio.Future[_Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def get(self, item: _Item) -> _Result:
        """Return the result for an item, or raise its exception."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = loop.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_ITEMS], self._waiting[MAX_ITEMS:]
                await self._read(batch)
        finally:
            self._task = None
            # Some are left only if this task was canceled, as at the end of its event loop.
            for _, future in self._waiting:
                future.cancel()
            self._waiting = []

    async def _read(self, batch: list[tuple[_Item, asyncio.Future[_Result]]]) -> None:
        results: Sequence[_Result | Exception]
        try:
            results = await run_batch(self._function, [item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - raised by each ``get``
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():  # the request was canceled
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
