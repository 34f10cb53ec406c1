"""Batches of what many streams need at the same time."""

import asyncio
from threading import Event

from organizations.jobs.batches import MAX_ITEMS, Batches
from tests.support import event_loops


class Doubles:
    """Doubles numbers, and refuses odd ones. The first call waits for ``release``."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.release = Event()

    def __call__(self, numbers: list[int]) -> list[int | Exception]:
        self.calls.append(numbers)
        assert self.release.wait(5)
        return [ValueError(number) if number % 2 else 2 * number for number in numbers]


async def get_all(doubles: Doubles, numbers: range) -> list[int | BaseException]:
    batches = Batches(doubles)
    tasks = [asyncio.create_task(batches.get(0))]
    while not doubles.calls:
        await asyncio.sleep(0.001)
    tasks += [asyncio.create_task(batches.get(number)) for number in numbers]
    await asyncio.sleep(0)
    doubles.release.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_requests_during_a_read_are_combined_afterwards() -> None:
    doubles = Doubles()
    assert event_loops.run(get_all(doubles, range(2, 6, 2))) == [0, 4, 8]
    assert doubles.calls == [[0], [2, 4]]


def test_each_item_has_its_own_exception() -> None:
    results = event_loops.run(get_all(Doubles(), range(1, 3)))
    assert [repr(result) for result in results] == ["0", "ValueError(1)", "4"]


def test_a_batch_is_limited() -> None:
    doubles = Doubles()
    event_loops.run(get_all(doubles, range(0, 4 * MAX_ITEMS, 2)))
    assert [len(call) for call in doubles.calls] == [1, MAX_ITEMS, MAX_ITEMS]


def test_a_failed_read_fails_for_each() -> None:
    async def get() -> tuple[int | BaseException, int | BaseException]:
        batches: Batches[int, int] = Batches(lambda numbers: [1 // number for number in numbers])
        return await asyncio.gather(batches.get(0), batches.get(0), return_exceptions=True)

    results = event_loops.run(get())
    assert [type(result) for result in results] == [ZeroDivisionError] * 2
