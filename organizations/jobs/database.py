"""Queries of event loops, in a few threads, so that no stream and no job holds a connection."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, ParamSpec, TypeVar

from django.db import close_old_connections

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

#: Queries that run at a time. Each takes milliseconds.
THREADS: Final = 4
#: Those of ``run_slow_query``. The renewal of a lease does not wait for them.
SLOW_THREADS: Final = 2
#: Those of ``run_in_turn``. The second one continues while the first hangs.
TURN_THREADS: Final = 2
#: Seconds for which ``run_in_turn`` waits for the other thread and for a batch, at most.
MAX_PAUSE: Final = 0.2
#: Those of ``run_batch``, one for each kind of batch. Each has at most one batch at a time.
BATCH_THREADS: Final = 2

_executor: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="query")
_slow_executor: Final = ThreadPoolExecutor(SLOW_THREADS, thread_name_prefix="slow-query")
_turn_executor: Final = ThreadPoolExecutor(TURN_THREADS, thread_name_prefix="turn-query")
_batch_executor: Final = ThreadPoolExecutor(BATCH_THREADS, thread_name_prefix="batch-query")

#: Set while no batch runs. Only workers use turns, and they have one kind of batch.
_no_batch: Final = threading.Event()
_no_batch.set()
#: Held by the thread whose turn it is.
_turn: Final = threading.Lock()


async def run_query(
    function: Callable[_Parameters, _Result],
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Result:
    """Return the result of ``function``, which runs in a thread and may use the database."""
    return await _run(_executor, lambda: function(*args, **kwargs))


async def run_slow_query(
    function: Callable[_Parameters, _Result],
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Result:
    """Do the same for a function that may take longer, such as a search.

    However many run, ``run_query`` does not wait for them.
    """
    return await _run(_slow_executor, lambda: function(*args, **kwargs))


async def run_in_turn(
    function: Callable[_Parameters, _Result],
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Result:
    """Do the same one after another, for tasks that many need at once, and after a running batch.

    Python runs one thread at a time: a hundred starts of replies must not delay running ones.
    """

    def run() -> _Result:
        has_turn = _turn.acquire(timeout=MAX_PAUSE)
        try:
            _no_batch.wait(MAX_PAUSE)
            return function(*args, **kwargs)
        finally:
            if has_turn:
                _turn.release()

    return await _run(_turn_executor, run)


async def run_batch(
    function: Callable[_Parameters, _Result],
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Result:
    """Do the same for a batch of waiting tasks, which are in no other queue."""

    def run() -> _Result:
        _no_batch.clear()
        try:
            return function(*args, **kwargs)
        finally:
            _no_batch.set()

    return await _run(_batch_executor, run)


async def _run(executor: ThreadPoolExecutor, function: Callable[[], _Result]) -> _Result:
    def run() -> _Result:
        close_old_connections()
        try:
            return function()
        finally:
            close_old_connections()

    # With the context, so that log records have the id of the request.
    return await asyncio.get_running_loop().run_in_executor(executor, copy_context().run, run)
