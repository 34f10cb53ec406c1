"""The generation and validation of ObjectIds."""

import multiprocessing
import re
import time

import pytest
from django.core.exceptions import ValidationError

from webchat_project.api.object_ids import (
    LENGTH,
    OBJECT_ID_PATTERN,
    new_object_id,
    validate_object_id,
)


def test_id_has_24_lower_case_hexadecimal_characters() -> None:
    assert re.fullmatch(OBJECT_ID_PATTERN, new_object_id())
    assert len(new_object_id()) == LENGTH


def test_id_starts_with_the_time() -> None:
    assert abs(int(new_object_id()[:8], 16) - time.time()) < 2


def test_ids_of_a_process_are_unique() -> None:
    assert len({new_object_id() for _ in range(100_000)}) == 100_000


def test_forked_process_has_another_random_part() -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[str] = context.Queue()
    child = context.Process(target=lambda: queue.put(new_object_id()))
    child.start()
    child_id = queue.get(timeout=10)
    child.join()
    assert child_id[8:18] != new_object_id()[8:18]


@pytest.mark.parametrize("text", ["", "0" * 23, "0" * 25, "A" * 24, "0" * 24 + "\n", "٠" * 24])
def test_it_rejects_malformed_id(text: str) -> None:
    with pytest.raises(ValidationError):
        validate_object_id(text)
