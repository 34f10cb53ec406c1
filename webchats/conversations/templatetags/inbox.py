"""Times, names and previews as the inbox shows them."""

import json
import re
from datetime import date, datetime, timedelta
from typing import Final

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from webchats.conversations.models import Conversation
from webchats.conversations.models.rating import HIGHEST_SCORE
from webchats.conversations.presence import Presence

register = template.Library()

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
#: The times after which the list shows a waiting time in amber and in red.
_LATE_AFTER: Final = timedelta(minutes=2)
_OVERDUE_AFTER: Final = timedelta(minutes=10)
#: The inline Markdown of ``message_text.js``. Each alternative has one group: its text.
_MARKDOWN: Final = re.compile(
    r"`([^`]+)`"
    r"|(?<!\*)\*\*(?=\S)((?:[^*]|\*(?!\*))+)(?<=\S)\*\*(?!\*)"
    r"|(?<![\w*])\*(?=[^\s*])([^*]+)(?<=\S)\*(?![\w*])"
    r"|(?<!\w)_(?=[^\s_])([^_]+)(?<=\S)_(?!\w)"
    r"|\[([^\[\]]+)\]\([^\s()]+\)"
)


@register.filter
def short_duration(since: datetime, now: datetime) -> str:
    """Return the time since a moment: ``<1 min``, ``5 min``, ``3 h`` or ``2 d``."""
    passed = now - since
    if passed < _MINUTE:
        return "<1 min"
    if passed < _HOUR:
        return f"{passed // _MINUTE} min"
    return f"{passed // _HOUR} h" if passed < _DAY else f"{passed // _DAY} d"


@register.filter
def waiting_class(since: datetime, now: datetime) -> str:
    """Return the class of a waiting time: empty at first, then ``is-late``, then ``is-overdue``."""
    passed = now - since
    if passed >= _OVERDUE_AFTER:
        return "is-overdue"
    return "is-late" if passed >= _LATE_AFTER else ""


@register.filter
def short_time(moment: datetime, now: datetime) -> str:
    """Return the time of day today, the day of the week within six days, else the date."""
    local, today = timezone.localtime(moment), timezone.localdate(now)
    if local.date() == today:
        return date_format(local, "H:i")
    if today - local.date() < timedelta(days=7):
        return date_format(local, "D")
    return date_format(local, "j M" if local.year == today.year else "j M Y")


@register.filter
def day_name(day: date, now: datetime) -> str:
    """Return ``Today``, ``Yesterday``, or the date with its day of the week."""
    days_ago = (timezone.localdate(now) - day).days
    return {0: "Today", 1: "Yesterday"}.get(days_ago) or date_format(day, "l, j M Y")


@register.filter
def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name."""
    words = [word for word in str(name).split() if word[0].isalnum()] or ["?"]
    return "".join(word[0] for word in dict.fromkeys((words[0], words[-1]))).upper()


@register.filter
def stars(score: int) -> str:
    """Return the score of a rating as full and empty stars."""
    return "★" * score + "☆" * (HIGHEST_SCORE - score)


@register.filter
def present_reps(conversation: Conversation, presence: Presence) -> str:
    """Return the representatives who view a conversation, as JSON; empty if there are none."""
    reps = presence.in_conversation(conversation.pk)
    return json.dumps(reps) if reps else ""


@register.filter
def without_markdown(text: str) -> str:
    """Return a text without the marks of bold, italic, code and links."""
    return _MARKDOWN.sub(lambda match: match[match.lastindex or 0], text)
