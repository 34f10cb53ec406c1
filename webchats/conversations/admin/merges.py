"""The page that merges two contacts, and undoes merges."""

from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from organizations.admin.redirects import post_or_redirect
from organizations.auth.roles import Operation, role_allows
from organizations.models import User
from organizations.tenancy.admin import TenantAdmin
from organizations.tenancy.concurrency import search_slot
from webchats.conversations import services
from webchats.conversations.admin.merge_form import MergeForm
from webchats.conversations.contact_actions import ContactAction
from webchats.conversations.duplicates import find_duplicates
from webchats.conversations.errors import ConversationConflict
from webchats.conversations.models import Contact, ContactMerge
from webchats.conversations.search import search_contacts

#: Contacts that a search on the page shows, and merges that can be undone.
_MAX_SHOWN: Final = 20
#: Conversations of a contact are counted up to this number.
_MAX_COUNTED: Final = 1_000
_PAGE: Final = "admin:conversations_contact_merge"
_LIST: Final = "admin:conversations_contact_changelist"


def get_merge_action(user: User, contact: Contact) -> ContactAction | None:
    """Return the button of the page, with the number of possible duplicates."""
    if not role_allows(user.role, Operation.CHANGE, Contact):
        return None
    count = len(find_duplicates(contact))
    label = "Merge…"
    if count:
        label = f"Merge: {count} possible duplicate{'s' if count > 1 else ''}"
    return ContactAction(label, reverse(_PAGE, args=[contact.pk]))


class MergeMixin(TenantAdmin[Contact]):
    """The page of a merge, for a model admin to inherit."""

    def get_urls(self) -> list[URLPattern]:
        """Add the URLs of the page, and of undoing a merge."""
        name = "conversations_contact_merge"
        undo = post_or_redirect(self.undo_merge_view, _LIST)
        return [
            path("<path:object_id>/merge/", self.admin_site.admin_view(self.merge_view), name=name),
            path(
                "<path:object_id>/merge/undo/",
                self.admin_site.admin_view(undo),
                name=f"{name}_undo",
            ),
            *super().get_urls(),
        ]

    def merge_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the page: the choice of another contact, or the form for both. Merge on a POST."""
        contact = self._get_contact(request, object_id)
        if contact is None:
            return self._redirect_from_unknown(request)
        other = self._get_other(request, contact)
        if other is None:
            return self._select(request, contact)
        form = MergeForm(request.POST if request.method == "POST" else None, contact, other)
        if request.method == "POST" and form.is_valid():
            assert isinstance(request.user, User)
            try:
                services.merge_contacts(
                    kept=form.kept, removed=form.removed, user=request.user, take=form.take
                )
            except ConversationConflict as error:
                form.add_error(None, str(error.detail))
            else:
                text = f"{form.removed} was merged into {form.kept}. You can undo this for 30 days."
                self.message_user(request, text, messages.SUCCESS)
                return redirect(_PAGE, object_id=form.kept.pk)
        status = 422 if form.errors else 200
        context = {"form": form, "other": other, "pair": [_summary(contact), _summary(other)]}
        return self._page(request, contact, "merge", status, **context)

    def undo_merge_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Undo a merge of the contact."""
        contact = self._get_contact(request, object_id)
        if contact is None:
            return self._redirect_from_unknown(request)
        merges = ContactMerge.objects.for_user(request.user).filter(kept_id=contact.pk)
        merge = merges.filter(pk=request.POST.get("merge", "")).first()
        if merge is None:
            self.message_user(request, "The merge does not exist.", messages.ERROR)
            return redirect(_PAGE, object_id=contact.pk)
        assert isinstance(request.user, User)
        try:
            services.undo_merge(merge=merge, user=request.user)
        except ConversationConflict as error:
            self.message_user(request, str(error.detail), messages.ERROR)
        else:
            restored = Contact.objects.get(pk=merge.removed_id)
            text = f"The merge was undone. {restored} is a separate contact again."
            self.message_user(request, text, messages.SUCCESS)
        return redirect(_PAGE, object_id=contact.pk)

    def _redirect_from_unknown(self, request: HttpRequest) -> HttpResponse:
        self.message_user(request, "The contact does not exist any more.", messages.WARNING)
        return redirect(_LIST)

    def _get_contact(self, request: HttpRequest, object_id: str) -> Contact | None:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return self.get_object(request, object_id)

    def _get_other(self, request: HttpRequest, contact: Contact) -> Contact | None:
        """Return the other contact of the organization that the query string names."""
        pk = request.GET.get("with")
        if not pk:
            return None
        others = self._others(contact).select_related("pipeline", "stage")
        other = others.filter(pk=pk).first()
        if other is None:
            text = "The other contact does not exist any more. Select another one."
            self.message_user(request, text, messages.WARNING)
        return other

    def _others(self, contact: Contact) -> QuerySet[Contact]:
        rows = Contact.objects.for_organization(contact.organization_id)
        return rows.exclude(pk=contact.pk)

    def _select(self, request: HttpRequest, contact: Contact) -> HttpResponse:
        """Return the page that offers possible duplicates, a search, and merges to undo."""
        text = request.GET.get("q", "").strip()[:200]
        found: list[Contact] = []
        if text:
            assert isinstance(request.user, User)
            with search_slot(request.user):
                found = list(search_contacts(self._others(contact), text)[:_MAX_SHOWN])
        merges = ContactMerge.objects.undoable().filter(contact=contact)[:_MAX_SHOWN]
        context = {
            "duplicates": find_duplicates(contact),
            "q": text,
            "found": found,
            "merges": merges,
        }
        return self._page(request, contact, "merge_select", 200, **context)

    def _page(
        self, request: HttpRequest, contact: Contact, name: str, status: int, **context: object
    ) -> TemplateResponse:
        context |= {
            **self.admin_site.each_context(request),
            "title": f"Merge {contact}",
            "contact": contact,
            "opts": self.opts,
        }
        template = f"admin/conversations/contact/{name}.html"
        return TemplateResponse(request, template, context, status=status)


def _summary(contact: Contact) -> dict[str, object]:
    """Return a contact and its number of conversations, as far as they are counted."""
    count = contact.conversations.order_by()[: _MAX_COUNTED + 1].count()
    shown = f"more than {_MAX_COUNTED:,}" if count > _MAX_COUNTED else f"{count:,}"
    return {"contact": contact, "count": count, "shown": shown}
