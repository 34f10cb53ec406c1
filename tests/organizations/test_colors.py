"""Contrast of colors, compared with published values of WCAG and its tools."""

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
def test_contrast_ratio_is_that_of_wcag(a: str, b: str, ratio: float) -> None:
    assert colors.contrast_ratio(a, b) == pytest.approx(ratio, abs=0.005)


@given(any_color, any_color)
def test_contrast_ratio_is_symmetric(a: str, b: str) -> None:
    assert colors.contrast_ratio(a, b) == colors.contrast_ratio(b, a)
    assert 1 <= colors.contrast_ratio(a, b) <= 21


@given(any_color)
def test_readable_text_color_passes_aa_on_every_background(background: str) -> None:
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
def test_readable_text_color_has_the_higher_contrast(background: str, text: str) -> None:
    assert colors.readable_text_color(background) == text


@pytest.mark.parametrize(
    ("share", "result"), [(0, "#FFFFFF"), (1, "#000000"), (0.5, "#808080"), (0.06, "#F0F0F0")]
)
def test_mix_is_between_the_two_colors(share: float, result: str) -> None:
    assert colors.mix("#fff", "#000000", share) == result
