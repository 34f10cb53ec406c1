"""Times of the admin's pages."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.timesince import timesince

register = template.Library()


@register.filter
def time_ago(moment: datetime) -> str:
    """Return a text such as ``2 days, 3 hours ago``; ``just now`` for less than a minute."""
    is_recent = timezone.now() - moment < timedelta(minutes=1)
    return "just now" if is_recent else f"{timesince(moment)} ago"
