"""System checks of the settings for web push."""

from django.conf import settings
from django.core import checks

from webchats.conversations.notifications import vapid

_HINT = "Generate both with `manage.py make_vapid_key EMAIL`, or remove both to disable web push."


def check_vapid(**_: object) -> list[checks.CheckMessage]:
    """Report incomplete (``conversations.W001``) and invalid (``E001``) settings of web push."""
    names = ("VAPID_PRIVATE_KEY", "VAPID_SUBJECT")
    missing = [name for name in names if not getattr(settings, name)]
    if len(missing) == len(names):
        return []
    if missing:
        other = next(name for name in names if name not in missing)
        return [
            checks.Warning(
                f"{missing[0]} is empty, but {other} is not. Web push is disabled.",
                hint=_HINT,
                id="conversations.W001",
            )
        ]
    try:
        vapid.sign("https://push.example.com")
    except vapid.VapidRefused:
        return [
            checks.Error(
                "VAPID_PRIVATE_KEY is no private key of P-256, or VAPID_SUBJECT no mailto: or "
                "https: URL.",
                hint=_HINT,
                id="conversations.E001",
            )
        ]
    return []
