"""The format of dates and times on the pages of the admin site."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from organizations.models import Prompt, User
from tests.organizations.admin.urls import list_url
from tests.support import factories

TEMPLATES = Path(settings.BASE_DIR) / "templates"


def test_templates_have_no_date_formats_of_their_own() -> None:
    formats = {
        found
        for template in TEMPLATES.rglob("*.html")
        for found in re.findall(r'\|(?:date|time):"([^"]*)"', template.read_text())
    }
    # The last two are for programs: ISO 8601, and seconds since 1970.
    assert formats == {"DATETIME_FORMAT", "TIME_FORMAT", "c", "U"}


@pytest.mark.django_db
def test_columns_of_lists_have_the_format(session_client: Client, admin: User) -> None:
    factories.PromptFactory.create(organization=admin.organization)
    Prompt.objects.update(updated_at=datetime(2026, 3, 5, 9, 7, tzinfo=UTC))
    page = session_client.get(list_url(Prompt)).content.decode()
    assert "5 Mar 2026, 09:07</time></td>" in page
    assert "Updated (UTC)" in page
