"""References of a webchat are validated when they change, and only then."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from organizations.models import Prompt
from tests.support import factories
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def webchat() -> Webchat:
    """A loaded webchat whose prompt was deactivated later."""
    stored = factories.WebchatFactory.create()
    Prompt.objects.update(is_active=False)
    return Webchat.objects.get(pk=stored.pk)


def reload(webchat: Webchat) -> None:
    webchat.refresh_from_db()


def reload_the_prompt(webchat: Webchat) -> None:
    webchat.refresh_from_db(fields=["prompt"])


def save(webchat: Webchat) -> None:
    webchat.save()


def save_the_name(webchat: Webchat) -> None:
    webchat.save(update_fields=["name"])


@pytest.mark.parametrize("act", [reload, reload_the_prompt, save, save_the_name])
def test_an_unchanged_prompt_may_be_inactive(
    webchat: Webchat, act: Callable[[Webchat], None]
) -> None:
    webchat.full_clean()
    act(webchat)
    webchat.name = "Renamed"
    webchat.full_clean()


def test_a_new_row_is_unchanged_after_saving() -> None:
    webchat = factories.WebchatFactory.create()
    Prompt.objects.update(is_active=False)
    webchat.full_clean()


def test_an_inactive_prompt_cannot_be_selected(webchat: Webchat) -> None:
    webchat.prompt = factories.PromptFactory.create(
        organization=webchat.organization, is_active=False
    )
    with pytest.raises(ValidationError) as raised:
        webchat.full_clean()
    assert list(raised.value.message_dict) == ["prompt"]


def test_refreshing_one_field_keeps_the_change_of_another(webchat: Webchat) -> None:
    webchat.prompt = factories.PromptFactory.create(
        organization=webchat.organization, is_active=False
    )
    webchat.refresh_from_db(fields=["name"])
    with pytest.raises(ValidationError):
        webchat.full_clean()


def test_a_deferred_prompt_is_unchanged(webchat: Webchat) -> None:
    deferred = Webchat.objects.only("name").get(pk=webchat.pk)
    deferred.name = "Renamed"
    deferred.full_clean()
