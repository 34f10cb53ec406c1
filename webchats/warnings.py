"""Warnings about webchats for staff: settings that are valid but probably unintended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, F, Q
from django.db.models.functions import Concat
from django.db.models.lookups import In

from organizations.colors import READABLE_RATIO, contrast_ratio
from organizations.fields import ColorField
from organizations.models import User
from webchats.models import Webchat, WebchatQuerySet
from webchats.models.appearance import DEFAULT_TIMESTAMP_COLOR
from webchats.registered_warnings import get_registered_conditions, get_registered_titles

#: Text and its background in the widget. Text on bubbles and buttons is always readable: the widget
#: chooses black or white for it.
_PAIRS: Final = (
    ("header_text_color", "primary_color"),
    ("status_text_color", "background_color"),
    ("timestamp_color", "background_color"),
    ("csat_text_color", "csat_background_color"),
)
#: Its pair is only shown if the webchat has a survey.
_SURVEY_TEXT: Final = "csat_text_color"
_COLORS: Final = tuple(dict.fromkeys(name for pair in _PAIRS for name in pair))

#: How many combinations of colors are checked, the most common first.
MAX_COMBINATIONS: Final = 500


def low_contrasts(webchat: Webchat) -> Iterator[str]:
    """Yield a sentence for each pair of colors with low contrast (WCAG 2.2, 1.4.3)."""
    for text, background in _PAIRS:
        if text == _SURVEY_TEXT and not webchat.is_survey_enabled:
            continue
        ratio = contrast_ratio(getattr(webchat, text), getattr(webchat, background))
        if ratio < READABLE_RATIO and not _is_adjusted(text, getattr(webchat, text)):
            # Rounded down: 4.49 must not be shown as 4.5.
            shown = int(ratio * 10) / 10
            yield (
                f"Hard to read: {_label(text)} on {_label(background)} has a contrast of "
                f"{shown}:1, less than {READABLE_RATIO}:1."
            )


@dataclass(frozen=True)
class Warnings:
    """The conditions of webchats that need attention."""

    #: By code; see ``get_titles``. Contrasts without such a webchat are left out.
    conditions: dict[str, Q]
    #: Whether all combinations of colors were checked.
    is_complete: bool

    def condition(self, code: str) -> Q:
        """Return the condition of one warning, or that of any warning for ``any``."""
        if code != "any":
            return self.conditions.get(code, Q(pk__in=()))
        condition = Q()
        for alternative in self.conditions.values():
            condition |= alternative
        return condition


def find_warnings(webchats: WebchatQuerySet[Webchat], user: User) -> Warnings:
    """Return the warnings for ``user`` that apply to ``webchats``, with one query for their colors.

    The default color of timestamps, which the widget makes readable, is not warned of.
    """
    conditions = {
        "inactive_prompt": Q(is_autopilot=True, prompt__is_active=False),
        "every_site": Q(is_enabled=True, allowed_domains=[]),
    }
    rows = webchats.order_by().values(*_COLORS).annotate(count=Count("pk")).order_by("-count")
    combinations = list(rows[: MAX_COMBINATIONS + 1])
    for text, background in _PAIRS:
        found = {
            colors[text] + colors[background]
            for colors in combinations[:MAX_COMBINATIONS]
            if _needs_attention(text, colors[text], colors[background])
        }
        if found:
            # One comparison: databases search a list of texts by hash or tree, but evaluate every
            # part of an OR for every row.
            conditions[text] = Q(In(Concat(F(text), F(background)), sorted(found)))
            if text == _SURVEY_TEXT:
                conditions[text] &= Q(is_survey_enabled=True)
    conditions |= get_registered_conditions(user)
    return Warnings(conditions, is_complete=len(combinations) <= MAX_COMBINATIONS)


def _needs_attention(field: str, text: str, background: str) -> bool:
    return contrast_ratio(text, background) < READABLE_RATIO and not _is_adjusted(field, text)


def _is_adjusted(field: str, color: str) -> bool:
    """Return whether the widget makes the color readable: see ``widget.serializers``."""
    return field == "timestamp_color" and color.upper() == DEFAULT_TIMESTAMP_COLOR


def _color_field(name: str) -> ColorField:
    field = Webchat._meta.get_field(name)
    assert isinstance(field, ColorField)
    return field


def _label(name: str) -> str:
    return str(_color_field(name).verbose_name).removesuffix(" color")


#: The titles of the warnings by code, the most serious first.
TITLES: Final = {
    "inactive_prompt": "Autopilot with an inactive prompt",
    "every_site": "Every site may embed it",
    **{text: f"Hard to read: {_label(text)} on {_label(back)}" for text, back in _PAIRS},
}
#: What to do about a warning, by code.
ADVICE: Final = {
    "inactive_prompt": "Activate the prompt or choose another one.",
    "every_site": "List the allowed domains.",
    **{text: f"Its contrast is less than {READABLE_RATIO}:1." for text, _ in _PAIRS},
}


def get_titles() -> dict[str, str]:
    """Return the titles of all warnings by code, also of those of other apps."""
    return {**TITLES, **get_registered_titles()}
