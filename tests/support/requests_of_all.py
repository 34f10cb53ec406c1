"""A walk through the service in one process: requests of visitors and staff, commands, jobs."""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from organizations.admin.site import site
from organizations.jobs import queue, registry
from organizations.models import Organization, User
from tests.support import event_loops, factories
from tests.support.clients import log_in, token_client
from tests.support.models import run_replies
from tests.support.streams import LiveServer
from tests.support.visitors import SITE, Visitor
from webchats.conversations.models import Contact, Conversation, Draft, SavedView
from webchats.models import Webchat

COLORS = {
    "backgroundColor": "#FFFFFF",
    "primaryColor": "#1F2937",
    "secondaryColor": "#3B82F6",
}


class Walk:
    """The users and rows of one organization. Each method is one part of the walk."""

    def __init__(self, webchat: Webchat, live: LiveServer, folder: Path) -> None:
        self.webchat, self.live, self.folder = webchat, live, folder
        #: Requests that were refused, so that their statements are missing.
        self.refused: list[object] = []
        organization = webchat.organization
        self.organization: Organization = organization
        self.admin = factories.UserFactory.create(organization=organization, password="secret-7x")
        self.rep = factories.UserFactory.create(organization=organization, access_role="SALES_REP")
        self.api = token_client(self.admin)
        self.client = log_in(self.admin)
        self.pipeline = factories.PipelineFactory.create(organization=organization)
        self.stages = factories.StageFactory.create_batch(2, pipeline=self.pipeline)
        factories.KnowledgeEntryFactory.create(organization=organization)
        factories.CannedReplyFactory.create(organization=organization)
        self.visitor = Visitor(webchat)
        self.visitor.send()
        run_replies()

    def run(self) -> None:
        """Do everything."""
        self.visitors()
        self.inbox()
        self.conversations()
        self.drafts()
        self.contacts()
        self.resources()
        self.reports()
        self.streams()
        self.admin_pages()
        self.worker()
        self.commands()

    @property
    def conversation(self) -> Conversation:
        """The newest conversation."""
        return Conversation.objects.latest("created_at")

    def call(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """Call the API as an administrator."""
        response = getattr(self.api, method)(f"/api/{path}", body, **options)
        self._require(response, f"{method} {path}")
        return response

    def open(self, url: str) -> None:
        """Open a page of the admin site."""
        self._require(self.client.get(url), url)

    def post(self, url: str, values: object = None) -> None:
        """Submit a form of the admin site."""
        self._require(self.client.post(url, values or {}), url)

    def _require(self, response: Any, name: str) -> None:
        """Note a response that is an error."""
        content = b"".join(response) if response.streaming else response.content
        if response.status_code >= 400:
            refused = re.search(rb'class="refus.*?</div>|"error".*', content, re.DOTALL)
            self.refused.append((name, response.status_code, refused and refused[0][:200]))

    # --- Visitors ---

    def visitors(self) -> None:
        """Use the widget: session, messages, reading, typing, a person, closing, rating."""
        for name in ("", "/config"):
            Client().get(f"/widget/{self.webchat.pk}{name}", headers={"Origin": SITE})
        visitor = Visitor(self.webchat)
        visitor.send("Hello", "1", contact={"name": "Ada", "email": "ada@example.com"})
        visitor.send("Hello", "1")
        run_replies()
        visitor.start(token=visitor.token)
        visitor.send("More", "2", page={"url": "https://shop.example.com/", "title": "Shop"})
        for after in (0, 1):
            visitor.get("messages", conversation=self.conversation.pk, after=after)
        for name, body in (("typing", {}), ("read", {"sequence": 1}), ("human", {}), ("close", {})):
            assert visitor.post(name, body).status_code == 204, name
        assert visitor.put("rating", {"score": 5, "comment": "Thanks"}).status_code == 200
        assert visitor.get("transcript").status_code == 200
        assert visitor.send("Back", "3").status_code == 201

    def streams(self) -> None:
        """Open streams of a visitor and of staff, and compare and check them."""
        live = self.live
        conversation = self.conversation.pk
        live.open(f"/live/widget/{self.webchat.pk}", self.visitor.token)
        live.open(f"/live/widget/{self.webchat.pk}?after=1", Visitor(self.webchat).token)
        token = self.client.get(reverse("inbox:token")).json()["token"]
        live.open(f"/live/organization?conversation={conversation}", token)
        self.visitor.send("Live", "live")
        for check in (live.watch.compare, live.watch.check_webchats, live.watch.check_credentials):
            live.run(check())

    # --- Staff ---

    def inbox(self) -> None:
        """Use the pages of the inbox."""
        views: tuple[str, ...] = (
            "",
            "state=open&assigneeId=me",
            "hasDraft=true",
            "unread=true",
            "search=hello+ada",
        )
        views += (f"webchatId={self.webchat.pk}", f"stageId={self.stages[0].pk}", "rating=5")
        for query in views:
            self.open(f"{reverse('inbox:list')}?{query}")
        conversation = self.visitor_conversation()
        for name in ("conversation", "canned-replies"):
            self.open(reverse(f"inbox:{name}", args=[conversation.pk]))
        send = {"mode": "reply", "client_key": "a", "text": "Hi", "after": 99}
        self.act("unsent-text", {"text": "Hi", "mode": "reply"})
        self.act("typing")
        self.act("presence")
        self.act("send", send)
        self.act("send", {**send, "mode": "note", "client_key": "b"})
        self.act("assign", {"assignee": self.rep.pk, "former": self.admin.pk})
        self.act("read", {"sequence": 1})
        self.act("give-back")
        self.act("take-over")
        for name in ("close", "reopen"):
            self.act(name)
        stage = {"stage": self.stages[0].pk, "pipeline": self.pipeline.pk}
        self.act("edit-contact", {"name": "Ada", "email": "", "phone": "", **stage})
        self.open(reverse("inbox:preferences"))
        for name in ("online", "preferences", "shortcuts"):
            self.post(reverse(f"inbox:{name}"))
        self.post(reverse("inbox:away"), {"is_away": "off", "conversation": conversation.pk})
        self.post(f"{reverse('inbox:save-view')}?state=open", {"view-name": "Open"})
        view = SavedView.objects.latest("created_at").pk
        self.post(f"{reverse('inbox:change-view', args=[view])}?state=open", {"view-name": "All"})
        self.post(reverse("inbox:delete-view", args=[view]))

    def visitor_conversation(self) -> Conversation:
        """Return the conversation of the walk's own visitor, which is open."""
        return Conversation.objects.open().earliest("created_at")

    def act(self, name: str, values: object = None) -> None:
        """Submit a form of the page of a conversation."""
        self.post(reverse(f"inbox:{name}", args=[self.visitor_conversation().pk]), values)

    def drafts(self) -> None:
        """Let the AI make drafts, and decide on them."""
        Webchat.objects.filter(pk=self.webchat.pk).update(is_autopilot=False)
        for action in ("edit", "approve", "reject"):
            draft = self.make_draft()
            body = {"version": draft.version, "reason": "tone"}
            self.call("post", f"drafts/{draft.pk}/{action}", body)
            self.call("get", f"drafts/{draft.pk}")
        for action in ("edit-draft", "approve", "approve-next", "reject"):
            draft = self.make_draft()
            values = {"version": draft.version, "draft": draft.pk, "text": "Yes", "reason": "tone"}
            self.post(reverse(f"inbox:{action}", args=[draft.conversation_id]), values)
        Webchat.objects.filter(pk=self.webchat.pk).update(is_autopilot=True)

    def make_draft(self) -> Draft:
        """Return the draft of an answer to a new visitor."""
        Visitor(self.webchat).send()
        run_replies()
        return Draft.objects.pending().latest("created_at")

    def contacts(self) -> None:
        """Use contacts: list, board, moves, duplicates, merges."""
        ada = factories.ContactFactory.create(webchat=self.webchat, email="eve@example.com")
        eve = factories.ContactFactory.create(webchat=self.webchat, email="eve@example.com")
        board = reverse("board:board")
        for url in (board, f"{board}?pipeline={self.pipeline.pk}&search=ada"):
            self.open(url)
        self.open(f"{reverse('board:more')}?stage={self.stages[0].pk}")
        self.open(f"{reverse('board:changes')}?since={int(timezone.now().timestamp())}")
        self.post(reverse("board:move", args=[ada.pk]), {"stage": self.stages[1].pk})
        placed = {"pipelineId": self.pipeline.pk, "stageId": self.stages[0].pk}
        self.call("put", f"contacts/{ada.pk}", {"name": "Ada", **placed})
        self.call("post", "contacts", {"name": "New"})
        for name in ("duplicates", "moves", "export"):
            self.call("get", f"contacts/{ada.pk}/{name}")
        self.call("get", "contacts?search=ada")
        merge = self.call("post", f"contacts/{ada.pk}/merge", {"contactId": eve.pk}).json()["data"]
        self.call("post", f"contact-merges/{merge['_id']}/undo")
        self.call("get", f"contact-merges/{merge['_id']}")
        erasure = self.call("post", f"contacts/{eve.pk}/erase").json()["data"]
        self.call("get", f"erasures/{erasure['_id']}")
        self.run_jobs()

    def resources(self) -> None:
        """Read, create, change and delete rows of each resource of the API."""
        prompt = self.call("post", "prompts", {"name": "P", "instructions": "Answer."})
        prompt_id = prompt.json()["data"]["_id"]
        icon = {"name": "Shop", "promptId": prompt_id, "initialStage": "new", **COLORS}
        view = {"name": "V", "query": "state=open"}
        provider = {"name": "A", "kind": "openai", "defaultModel": "m"}
        stage = {"name": "Lead", "slug": "lead"}
        bodies: dict[str, dict[str, Any]] = {
            "webchats": {**icon, "allowedDomains": []},
            "prompts": {"name": "Q", "instructions": "Answer."},
            "pipelines": {"name": "Sales", "stages": [stage]},
            "knowledge": {"question": "Open?", "answer": "Yes.", "promptIds": [prompt_id]},
            "canned-replies": {"shortcut": "hi", "title": "Hi", "text": "Hello"},
            "ai-providers": provider,
            "api-keys": {"name": "Key"},
            "inbox-views": view,
        }
        for prefix, body in bodies.items():
            id_ = self.call("post", prefix, body).json()["data"]["_id"]
            self.call("get", f"{prefix}/{id_}")
            if prefix != "api-keys":
                self.call("patch", f"{prefix}/{id_}", {"name": "Renamed", "title": "Renamed"})
            self.call("delete", f"{prefix}/{id_}")
        for prefix in (*bodies, "conversations", "contacts", "contact-merges", "drafts", "users"):
            self.call("get", prefix)
        for prefix in ("webchats", "conversations"):
            self.call("get", f"{prefix}?search=hello")
        self.call("put", f"users/{self.rep.pk}", {"fullName": "Sam"})
        self.call("put", f"organizations/{self.organization.pk}", {"name": "Renamed"})
        for name in ("organizations", "erasures", "presence", "preferences", "push-subscriptions"):
            self.call("get", name)
        for name in ("webchats/export", "contacts/export", "auth/verify-token"):
            self.call("get", name)

    def conversations(self) -> None:
        """Use the actions of conversations in the API."""
        path = f"conversations/{self.visitor_conversation().pk}"
        self.call("put", path, {"assigneeId": self.admin.pk, "isAutopilot": True})
        for name in ("", "/messages", "/notes", "/presence", "/unsent-text", "/canned-replies"):
            self.call("get", path + name)
        self.call("post", f"{path}/messages", {"text": "Hi", "clientKey": "api"})
        self.call("post", f"{path}/notes", {"text": "Note"})
        self.call("post", f"{path}/unsent-text", {"text": "Hi"})
        for name in ("read", "typing", "presence", "leave", "take-over", "give-back"):
            self.call("post", f"{path}/{name}", {"sequence": 1} if name == "read" else {})
        for state in ("closed", "open"):
            self.call("put", path, {"state": state})

    def reports(self) -> None:
        """Read every report, as pages and in the API."""
        for name in ("summary", "volume", "export", "conversations", "conversations/export"):
            self.call("get", f"reports/{name}")
        for name in ("report", "conversations", "export", "export-conversations"):
            self.open(f"{reverse(f'reports:{name}')}?format=csv&key=conversations")

    def admin_pages(self) -> None:
        """Open the lists and forms of the admin site, and sign in."""
        self.client.get(reverse("admin:index"))
        for model in site._registry:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            self.open(reverse(f"{name}_changelist"))
            rows: Any = model._default_manager
            if row := rows.first():
                self.client.get(reverse(f"{name}_change", args=[row.pk]))
                self.client.get(reverse(f"{name}_delete", args=[row.pk]))
        body = {"email": self.admin.email, "password": "secret-7x"}
        tokens = token_client(None).post("/api/auth/login", body).json()
        token_client(None).post("/api/auth/refresh", {"refreshToken": tokens["refreshToken"]})
        key = factories.ApiKeyFactory.create(user=self.admin, secret="wck_walk")
        client = token_client(None)
        client.credentials(HTTP_AUTHORIZATION="Bearer wck_walk")
        assert client.get("/api/webchats").status_code == 200, key

    # --- Commands and workers ---

    def commands(self) -> None:
        """Export and import, apply retention, and answer requests of access and erasure."""
        owner = {"organization": self.organization.pk}
        for name in ("webchats", "contacts", "canned_replies", "knowledge"):
            path = self.folder / f"{name}.csv"
            call_command(f"export_{name}", output=path, stdout=StringIO(), **owner)
            options = {"update": True, "stdout": StringIO(), "stderr": StringIO()}
            call_command(f"import_{name}", path, **owner, **options)
        contact = Contact.objects.filter(organization=self.organization).latest("created_at")
        archive = self.folder / "person.zip"
        call_command("export_person", contact.pk, output=archive, stdout=StringIO(), **owner)
        call_command("erase_person", contact.pk, stdout=StringIO(), **owner)
        Organization.objects.update(retention_days=1, contact_retention_days=1)
        past = timezone.now() - timedelta(days=9)
        Conversation.objects.update(last_message_at=past, updated_at=past)
        call_command("close_inactive_conversations", stdout=StringIO())
        Conversation.objects.update(closed_at=past)
        call_command("apply_retention", stdout=StringIO())

    def worker(self) -> None:
        """Run each periodic task and each job that is due, also while nobody is online."""
        User.objects.filter(pk=self.admin.pk).update(gets_weekly_report=True, gets_email=True)
        Visitor(self.webchat).post("human")
        now = timezone.now()
        monday = (now + timedelta(days=7 - now.weekday())).replace(hour=8)
        for moment in (now, now + timedelta(minutes=6), monday):
            with time_machine.travel(moment):
                for task in registry.periodic_tasks():
                    import_string(task.function)()
                self.run_jobs()

    def run_jobs(self) -> None:
        """Run the jobs that are due."""
        for job in queue.claim(registry.registered_kinds(), 20, held={}):
            queue.renew(job)
            handler: Any = registry.get_handler(job.kind)
            event_loops.run(handler(job))
            queue.complete(job)
        queue.next_due_at(registry.registered_kinds())
