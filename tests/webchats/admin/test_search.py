"""The search of the staff's list of webchats."""

from typing import Any

import pytest

from organizations.models import User
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("harbour shop", {"Shop Harbour", "Shop"}),  # both words, in any order and field
        ('"shop harbour"', {"Shop Harbour"}),
        ("'", {"O'Neill"}),
        ("meadow", set()),
    ],
)
def test_it_finds_rows_with_each_of_the_words(
    client: Any, admin: User, text: str, found: set[str]
) -> None:
    factories.WebchatFactory.create(user=admin, name="Shop Harbour")
    factories.WebchatFactory.create(user=admin, name="Shop", description="at the harbour")
    factories.WebchatFactory.create(user=admin, name="O'Neill")
    client.force_login(admin)
    page = client.get("/admin/webchats/webchat/", {"q": text})
    assert {row.name for row in page.context["cl"].result_list} == found
