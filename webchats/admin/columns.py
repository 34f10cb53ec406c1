"""The columns of the list of webchats."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from organizations.admin.badges import badge
from organizations.admin.times import time_tag
from organizations.tenancy.admin import TenantAdmin
from webchats.icons.storage import signed_url
from webchats.models import LastLoad, Webchat

_SWATCHES = ("primary_color", "secondary_color", "background_color")


class ColumnsMixin(TenantAdmin[Webchat]):
    """The columns that are not fields, for the admin of webchats to inherit."""

    list_display = (
        "name",
        "appearance",
        "state",
        "domains",
        "prompt",
        "pipeline",
        "loaded",
        "updated",
    )
    list_select_related = ("prompt", "pipeline", "last_load")

    @admin.display(description="icon")
    def icon_image(self, webchat: Webchat) -> SafeString | None:
        if not webchat.icon:
            return None
        html = '<img class="list-icon" src="{}" width="28" height="28" alt="">'
        return format_html(html, signed_url(webchat.icon))

    @admin.display(description="look")
    def appearance(self, webchat: Webchat) -> SafeString:
        # SVG attributes, because the CSP of the admin site forbids inline styles.
        swatches = format_html(
            '<svg class="swatches" viewBox="0 0 44 20" role="img" aria-label="{}">{}</svg>',
            ", ".join(getattr(webchat, name) for name in _SWATCHES),
            format_html_join(
                "",
                '<circle cx="{}" cy="10" r="8.5" fill="{}"/>',
                ((10 + 12 * i, getattr(webchat, name)) for i, name in enumerate(_SWATCHES)),
            ),
        )
        return format_html(
            '<span class="look">{}{}</span>', self.icon_image(webchat) or "", swatches
        )

    @admin.display(description="state", ordering="is_enabled")
    def state(self, webchat: Webchat) -> SafeString:
        state = badge("Enabled", "good") if webchat.is_enabled else badge("Disabled", "quiet")
        if not webchat.is_autopilot:
            return state
        return format_html("{} {}", state, badge("Autopilot", "accent"))

    @admin.display(description="domains")
    def domains(self, webchat: Webchat) -> SafeString:
        entries = webchat.allowed_domains
        if not entries:
            return badge("Every site", "warn")
        # Long names wrap after a dot.
        labels = entries[0].split(".")
        first = format_html_join(SafeString(".<wbr>"), "{}", ((label,) for label in labels))
        if len(entries) == 1:
            return first
        return format_html('{} <span class="more">+ {}</span>', first, len(entries) - 1)

    @admin.display(description="last loaded (UTC)", ordering="last_load__loaded_at")
    def loaded(self, webchat: Webchat) -> SafeString | str:
        load: LastLoad | None = getattr(webchat, "last_load", None)
        return "Never" if load is None else time_tag(load.loaded_at)

    @admin.display(description="updated (UTC)", ordering="updated_at")
    def updated(self, webchat: Webchat) -> SafeString:
        return time_tag(webchat.updated_at)
