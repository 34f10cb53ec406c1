"""Ids."""

import multiprocessing
import re
import time

import pytest
from django.core.exceptions import ValidationError

from webchat_project.api.object_ids import LENGTH, PATTERN, new_object_id, validate_object_id


def test_an_id_is_24_lower_case_hexadecimal_characters() -> None:
    assert re.fullmatch(PATTERN, new_object_id())
    assert len(new_object_id()) == LENGTH


def test_an_id_begins_with_the_time() -> None:
    assert abs(int(new_object_id()[:8], 16) - time.time()) < 2


def test_ids_of_one_process_do_not_repeat() -> None:
    assert len({new_object_id() for _ in range(100_000)}) == 100_000


def test_ids_of_a_forked_process_differ_from_its_parents() -> None:
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[str] = context.Queue()
    child = context.Process(target=lambda: queue.put(new_object_id()))
    child.start()
    theirs = queue.get(timeout=10)
    child.join()
    assert theirs[8:18] != new_object_id()[8:18]


@pytest.mark.parametrize("text", ["", "0" * 23, "0" * 25, "A" * 24, "0" * 24 + "\n", "٠" * 24])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        validate_object_id(text)
