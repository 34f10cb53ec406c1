"""The appearance of a widget: icon, colors, texts and position."""

from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from organizations import constraints
from organizations.colors import STORED_PATTERN
from organizations.fields import ColorField, TrimmedCharField, TrimmedTextField
from webchats.fields import IconKeyField

STARTER_MESSAGE_LENGTH: Final = 1_000
STATUS_TEXT_LENGTH: Final = 200
THANK_YOU_LENGTH: Final = 500
DEFAULT_TIMESTAMP_COLOR: Final = "#9CA3AF"
#: In CSS pixels.
MAX_OFFSET: Final = 200
#: Browsers store ``z-index`` as a signed integer of 32 bits.
MAX_Z_INDEX: Final = 2_147_483_647

COLOR_FIELDS: Final = (
    "background_color",
    "primary_color",
    "secondary_color",
    "header_text_color",
    "status_text_color",
    "timestamp_color",
    "csat_background_color",
    "csat_text_color",
)


class Position(models.TextChoices):
    """The corner of the window in which the launcher appears."""

    BOTTOM_RIGHT = "bottom-right", "Bottom right"
    BOTTOM_LEFT = "bottom-left", "Bottom left"
    TOP_RIGHT = "top-right", "Top right"
    TOP_LEFT = "top-left", "Top left"


class Appearance(models.Model):
    """Abstract base of ``Webchat`` with the fields of the widget's appearance."""

    #: A storage key, never a URL. Empty: no icon.
    icon = IconKeyField(editable=False)

    background_color = ColorField(help_text="The chat panel's background.")
    primary_color = ColorField(help_text="The header and the buttons.")
    secondary_color = ColorField(help_text="The bubbles that the visitor sends.")
    header_text_color = ColorField(default="#FFFFFF", help_text="Text in the header.")
    status_text_color = ColorField(default="#6B7280", help_text="The status line.")
    timestamp_color = ColorField(
        default=DEFAULT_TIMESTAMP_COLOR, help_text="The messages' timestamps."
    )
    csat_background_color = ColorField(
        default="#F3F4F6", verbose_name="survey background", help_text="The survey's background."
    )
    csat_text_color = ColorField(
        default="#111827", verbose_name="survey text", help_text="Text in the survey."
    )

    starter_message = TrimmedTextField(
        max_length=STARTER_MESSAGE_LENGTH,
        blank=True,
        default="",
        help_text="The greeting that visitors see before they write.",
    )
    status_text = TrimmedCharField(
        max_length=STATUS_TEXT_LENGTH,
        blank=True,
        default="",
        help_text="The line below the title, such as “We typically reply within minutes”.",
    )
    csat_thank_you_message = TrimmedTextField(
        max_length=THANK_YOU_LENGTH,
        blank=True,
        default="",
        verbose_name="thank-you message",
        help_text="Shown to visitors after they answer the survey.",
    )
    is_survey_enabled = models.BooleanField(
        default=True,
        db_default=True,
        verbose_name="satisfaction survey",
        help_text="Visitors are asked for a rating when their conversation is closed.",
    )

    position = models.CharField(
        max_length=12, choices=Position.choices, default=Position.BOTTOM_RIGHT
    )
    offset_x = models.IntegerField(
        default=24,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_OFFSET)],
        verbose_name="horizontal offset",
        help_text="Pixels from the left or right edge.",
    )
    offset_y = models.IntegerField(
        default=24,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_OFFSET)],
        verbose_name="vertical offset",
        help_text="Pixels from the top or bottom edge.",
    )
    z_index = models.IntegerField(
        default=9999,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_Z_INDEX)],
        verbose_name="z-index",
        help_text="Higher values appear in front.",
    )

    class Meta:
        abstract = True
        constraints = (
            *(constraints.matches(name, STORED_PATTERN) for name in COLOR_FIELDS),
            constraints.own_storage_key("icon", "organization"),
            constraints.length_between("starter_message", 0, STARTER_MESSAGE_LENGTH),
            constraints.length_between("status_text", 0, STATUS_TEXT_LENGTH),
            constraints.length_between("csat_thank_you_message", 0, THANK_YOU_LENGTH),
            constraints.one_of("position", Position.values),
            constraints.between("offset_x", 0, MAX_OFFSET),
            constraints.between("offset_y", 0, MAX_OFFSET),
            constraints.between("z_index", 1, MAX_Z_INDEX),
        )
