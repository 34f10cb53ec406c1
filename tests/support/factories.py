"""Factories of model instances. References belong to the same organization."""

from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from organizations import models
from webchat_project.api.object_ids import new_object_id
from webchats.conversations.merged_values import dump_values
from webchats.conversations.models import (
    CannedReply,
    Contact,
    ContactMerge,
    Conversation,
    Draft,
    Erasure,
    KnowledgeEntry,
    Reply,
    SavedView,
)
from webchats.models import Webchat
from webchats.models.imports import ImportRecord


class OrganizationFactory(DjangoModelFactory[models.Organization]):
    class Meta:
        model = models.Organization

    name = factory.Sequence(lambda n: f"Organization {n}")


class UserFactory(DjangoModelFactory[models.User]):
    """An administrator of a new organization, with a usable password only if one is given."""

    class Meta:
        model = models.User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"member{n}@example.com")
    full_name = factory.Sequence(lambda n: f"Member {n}")
    # ``Any``, because the subclass sets ``None``.
    organization: Any = factory.SubFactory(OrganizationFactory)
    access_role = "ADMIN"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> models.User:
        password = fields.pop("password", None)
        user: models.User = model_class(**fields)
        if password is None:
            user.set_unusable_password()
        else:
            user.set_password(password)
        user.save()
        return user


class SuperuserFactory(UserFactory):
    """A superuser, who belongs to no organization."""

    email = factory.Sequence(lambda n: f"superuser{n}@example.com")
    organization = None
    is_superuser = True


class PromptFactory(DjangoModelFactory[models.Prompt]):
    class Meta:
        model = models.Prompt

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Prompt {n}")
    instructions = "Answer in one sentence."


class AiProviderFactory(DjangoModelFactory[models.AiProvider]):
    """A provider without an API key."""

    class Meta:
        model = models.AiProvider

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"AI provider {n}")
    kind = "openai"
    default_model = "model-1"


class PipelineFactory(DjangoModelFactory[models.Pipeline]):
    class Meta:
        model = models.Pipeline

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Pipeline {n}")


class StageFactory(DjangoModelFactory[models.Stage]):
    class Meta:
        model = models.Stage

    pipeline = factory.SubFactory(PipelineFactory)
    name = factory.Sequence(lambda n: f"Stage {n}")
    slug = factory.Sequence(lambda n: f"stage-{n}")
    position = factory.Sequence(int)


class ApiKeyFactory(DjangoModelFactory[models.ApiKey]):
    """An API key. Its secret is the parameter ``secret``."""

    class Meta:
        model = models.ApiKey

    class Params:
        secret = factory.Sequence(lambda n: f"wck_secret-of-the-tests-{n}")

    user = factory.SubFactory(UserFactory)
    organization = factory.SelfAttribute("user.organization")
    name = "Machine"
    prefix = factory.LazyAttribute(lambda key: key.secret[:12])
    digest = factory.LazyAttribute(lambda key: models.ApiKey.hash_secret(key.secret))


class WebchatFactory(DjangoModelFactory[Webchat]):
    class Meta:
        model = Webchat

    user = factory.SubFactory(UserFactory)
    organization = factory.SelfAttribute("user.organization")
    created_by = factory.SelfAttribute("user")
    prompt = factory.SubFactory(PromptFactory, organization=factory.SelfAttribute("..organization"))
    name = factory.Sequence(lambda n: f"Webchat {n}")
    background_color = "#FFFFFF"
    primary_color = "#1F2937"
    secondary_color = "#3B82F6"
    allowed_domains = factory.LazyFunction(list)
    initial_stage = "new"


class ImportRecordFactory(DjangoModelFactory[ImportRecord]):
    class Meta:
        model = ImportRecord

    user = factory.SubFactory(UserFactory)
    organization = factory.SelfAttribute("user.organization")
    file_name = "webchats.csv"
    sha256 = "0" * 64
    status = "completed"


class ContactFactory(DjangoModelFactory[Contact]):
    class Meta:
        model = Contact

    webchat = factory.SubFactory(WebchatFactory)
    organization = factory.SelfAttribute("webchat.organization")
    name = factory.Sequence(lambda n: f"Contact {n}")
    first_seen_at = factory.LazyFunction(timezone.now)
    last_seen_at = factory.SelfAttribute("first_seen_at")


class ContactMergeFactory(DjangoModelFactory[ContactMerge]):
    """A merge that can be undone."""

    class Meta:
        model = ContactMerge

    contact = factory.SubFactory(
        ContactFactory, webchat=None, organization=factory.SelfAttribute("..organization")
    )
    organization = factory.SubFactory(OrganizationFactory)
    kept_id = factory.SelfAttribute("contact.pk")
    removed_id = factory.LazyFunction(new_object_id)
    removed_values = factory.LazyAttribute(lambda merge: dump_values(merge.contact))
    kept_values = factory.LazyFunction(lambda: {"before": {}, "after": {}})


class ErasureFactory(DjangoModelFactory[Erasure]):
    """An erasure that no worker has begun."""

    class Meta:
        model = Erasure

    organization = factory.SubFactory(OrganizationFactory)
    contact_id = factory.Sequence(lambda n: f"{n:024x}")


class ConversationFactory(DjangoModelFactory[Conversation]):
    """An open conversation without messages."""

    class Meta:
        model = Conversation

    webchat = factory.SubFactory(WebchatFactory)
    organization = factory.SelfAttribute("webchat.organization")
    contact = factory.SubFactory(ContactFactory, webchat=factory.SelfAttribute("..webchat"))
    visitor_id = factory.Sequence(lambda n: f"{n:032x}")
    last_message_at = factory.LazyFunction(timezone.now)
    last_message_author = "visitor"


class ReplyFactory(DjangoModelFactory[Reply]):
    """A reply that is being made."""

    class Meta:
        model = Reply

    class Params:
        webchat = factory.SubFactory(WebchatFactory)

    conversation = factory.SubFactory(
        ConversationFactory, webchat=factory.SelfAttribute("..webchat"), handler="ai"
    )
    based_on_sequence = 1


class DraftFactory(DjangoModelFactory[Draft]):
    """A draft that waits for a decision."""

    class Meta:
        model = Draft

    class Params:
        webchat = factory.SubFactory(WebchatFactory)

    conversation = factory.SubFactory(
        ConversationFactory, webchat=factory.SelfAttribute("..webchat"), handler="ai"
    )
    organization = factory.SelfAttribute("conversation.organization")
    reply = factory.SubFactory(
        ReplyFactory,
        conversation=factory.SelfAttribute("..conversation"),
        state="drafted",
        is_draft=True,
    )
    text = "We deliver within three days."
    based_on_sequence = 1


class SavedViewFactory(DjangoModelFactory[SavedView]):
    """A view that the organization of its user shares."""

    class Meta:
        model = SavedView

    user = factory.SubFactory(UserFactory)
    organization = factory.SelfAttribute("user.organization")
    name = factory.Sequence(lambda n: f"View {n}")
    query = "state=open"
    is_shared = True


class KnowledgeEntryFactory(DjangoModelFactory[KnowledgeEntry]):
    class Meta:
        model = KnowledgeEntry
        skip_postgeneration_save = True

    organization = factory.SubFactory(OrganizationFactory)
    question = factory.Sequence(lambda n: f"Question {n}")
    answer = "We deliver within three days."


class CannedReplyFactory(DjangoModelFactory[CannedReply]):
    class Meta:
        model = CannedReply

    organization = factory.SubFactory(OrganizationFactory)
    shortcut = factory.Sequence(lambda n: f"reply-{n}")
    title = "Delivery"
    text = "We deliver within three days."
