"""The difference between a draft and what was sent."""

from hypothesis import given
from hypothesis import strategies as st

from webchats.conversations.word_diff import PAGE_BUDGET, Budget, DiffPart, diff_words

TEXTS = st.lists(st.sampled_from(["a", "b", "c", " ", "\n", ". "]), max_size=12).map("".join)


def test_changed_words_are_deleted_and_inserted() -> None:
    assert diff_words("It is green, sorry", "It is orange, sorry to say") == [
        DiffPart("same", "It is"),
        DiffPart("deleted", " green,"),
        DiffPart("inserted", " orange,"),
        DiffPart("same", " sorry"),
        DiffPart("inserted", " to say"),
    ]


@given(TEXTS, TEXTS)
def test_the_parts_are_both_texts(old: str, new: str) -> None:
    parts = diff_words(old, new)
    assert "".join(part.text for part in parts if part.change != "inserted") == old
    assert "".join(part.text for part in parts if part.change != "deleted") == new


def test_texts_with_many_changes_are_compared_as_a_whole() -> None:
    old, new = "Hi " + "a " * 2000 + "end", "Hi " + "a b " * 1000 + "end"
    parts = diff_words(old, new)
    assert [part.change for part in parts] == ["same", "deleted", "inserted", "same"]


def test_a_page_compares_a_limited_number_of_words() -> None:
    budget = Budget(PAGE_BUDGET)
    old, new = "a b " * 49 + "end", "b a " * 49 + "and"
    diffs = [diff_words(old, new, budget) for _ in range(100)]
    compared = [len(parts) > 2 for parts in diffs]
    assert compared == [True, True, *[False] * 98]
    whole = [DiffPart("deleted", old), DiffPart("inserted", new)]
    assert diffs[-1] == whole
    assert budget.left == 0


def test_long_texts_use_up_the_budget_without_common_words() -> None:
    budget = Budget(PAGE_BUDGET)
    for _ in range(100):
        diff_words("a " * 2_000, "b " * 2_000, budget)
    assert budget.left == 0
