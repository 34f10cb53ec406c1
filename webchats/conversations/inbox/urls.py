"""URLs of the inbox, below ``/admin/inbox/``."""

from django.urls import path

from webchats.conversations.inbox import (
    actions,
    canned_replies,
    contacts,
    devices,
    drafts,
    preferences,
    presence,
    saved_views,
    unsent_texts,
    views,
)

app_name = "inbox"

urlpatterns = [
    path("", views.inbox, name="list"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("shortcuts/", preferences.set_shortcuts, name="shortcuts"),
    path("views/save/", saved_views.save, name="save-view"),
    path("views/<str:view_pk>/change/", saved_views.change, name="change-view"),
    path("views/<str:view_pk>/delete/", saved_views.delete, name="delete-view"),
    path("token/", views.token, name="token"),
    path("presence/", presence.online, name="online"),
    path("away/", presence.away, name="away"),
    # Its folder is the scope of the service worker: pages of the inbox.
    path("push-worker.js", devices.push_worker, name="push-worker"),
    path("devices/", devices.devices, name="devices"),
    path("devices/<str:device_pk>/remove/", devices.remove, name="remove-device"),
    path("<str:pk>/", views.inbox, name="conversation"),
    path("<str:pk>/canned-replies/", canned_replies.canned_replies, name="canned-replies"),
    path("<str:pk>/send/", actions.send, name="send"),
    path("<str:pk>/read/", actions.read, name="read"),
    path("<str:pk>/typing/", presence.typing, name="typing"),
    path("<str:pk>/presence/", presence.presence, name="presence"),
    path("<str:pk>/unsent-text/", unsent_texts.save, name="unsent-text"),
    path("<str:pk>/take-over/", actions.take_over, name="take-over"),
    path("<str:pk>/assign/", actions.assign, name="assign"),
    path("<str:pk>/close/", actions.close, name="close"),
    path("<str:pk>/reopen/", actions.reopen, name="reopen"),
    path("<str:pk>/give-back/", drafts.give_back, name="give-back"),
    path("<str:pk>/contact/", contacts.edit_contact, name="edit-contact"),
    path("<str:pk>/draft/approve/", drafts.approve, name="approve"),
    path("<str:pk>/draft/approve-next/", drafts.approve_next, name="approve-next"),
    path("<str:pk>/draft/reject/", drafts.reject, name="reject"),
    path("<str:pk>/draft/edit/", drafts.edit, name="edit-draft"),
]
