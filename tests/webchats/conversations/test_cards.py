"""Masking of payment card numbers."""

import pytest

from webchats.conversations.cards import mask_card_numbers


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111111111111111", "••••••••••••1111"),
        ("My card is 4111 1111 1111 1111, thanks", "My card is •••• •••• •••• 1111, thanks"),
        ("4111-1111-1111-1111", "••••-••••-••••-1111"),
        # 13, 15 and 19 digits.
        ("4222222222222", "•••••••••2222"),
        ("3782 822463 10005", "•••• •••••• •0005"),
        ("6304000000000000000", "•••••••••••••••0000"),
        # After another number.
        ("2 4111 1111 1111 1111", "2 •••• •••• •••• 1111"),
        ("4111111111111111 5555555555554444", "••••••••••••1111 ••••••••••••4444"),
    ],
)
def test_it_masks_a_card_number_but_for_the_last_four_digits(text: str, masked: str) -> None:
    assert mask_card_numbers(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no digits",
        "4111111111111112",  # wrong check digit
        "411111111111",  # 12 digits
        "41111111111111111111",  # 20 digits
        "4111  1111 1111 1111",  # two spaces
        "+49 30 1234567, 2026-11-27 10:00",
        "٤١١١١١١١١١١١١١١١",  # not ASCII
    ],
)
def test_it_keeps_other_text(text: str) -> None:
    assert mask_card_numbers(text) == text


def test_a_masked_text_is_not_masked_again() -> None:
    masked = mask_card_numbers("4111 1111 1111 1111")
    assert mask_card_numbers(masked) == masked
