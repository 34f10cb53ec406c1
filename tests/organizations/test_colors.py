"""Contrast, against values that WCAG and its reference tools publish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organizations import colors

any_color = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.mark.parametrize(
    ("a", "b", "ratio"),
    [
        ("#000000", "#FFFFFF", 21.0),
        ("#FFFFFF", "#FFFFFF", 1.0),
        ("#777777", "#FFFFFF", 4.48),  # WebAIM's contrast checker
        ("#767676", "#FFFFFF", 4.54),
        ("#0000FF", "#FFFFFF", 8.59),
        ("#F00", "#fff", 4.0),
    ],
)
def test_a_contrast_ratio_is_that_of_wcag(a: str, b: str, ratio: float) -> None:
    assert colors.contrast_ratio(a, b) == pytest.approx(ratio, abs=0.005)


@given(any_color, any_color)
def test_a_ratio_does_not_ask_which_is_the_text(a: str, b: str) -> None:
    assert colors.contrast_ratio(a, b) == colors.contrast_ratio(b, a)
    assert 1 <= colors.contrast_ratio(a, b) <= 21


@given(any_color)
def test_text_in_the_readable_colour_passes_aa_on_every_background(background: str) -> None:
    text = colors.readable_text_color(background)
    assert colors.contrast_ratio(text, background) >= colors.READABLE_RATIO


@pytest.mark.parametrize(
    ("background", "text"),
    [
        ("#3B82F6", "#000000"),
        ("#1F2937", "#FFFFFF"),
        ("#FDE047", "#000000"),
        ("#757575", "#FFFFFF"),
    ],
)
def test_the_readable_colour_is_the_one_that_contrasts_more(background: str, text: str) -> None:
    assert colors.readable_text_color(background) == text


@pytest.mark.parametrize(
    ("share", "result"), [(0, "#FFFFFF"), (1, "#000000"), (0.5, "#808080"), (0.06, "#F0F0F0")]
)
def test_a_mix_lies_between_its_two_colours(share: float, result: str) -> None:
    assert colors.mix("#fff", "#000000", share) == result
