"""URLs of the inbox, below ``/admin/inbox/``."""

from django.urls import path

from webchats.conversations.inbox import actions, views

app_name = "inbox"

urlpatterns = [
    path("", views.inbox, name="list"),
    path("token/", views.token, name="token"),
    path("<str:pk>/", views.inbox, name="conversation"),
    path("<str:pk>/send/", actions.send, name="send"),
    path("<str:pk>/read/", actions.read, name="read"),
    path("<str:pk>/typing/", actions.typing, name="typing"),
    path("<str:pk>/take-over/", actions.take_over, name="take-over"),
    path("<str:pk>/assign/", actions.assign, name="assign"),
    path("<str:pk>/close/", actions.close, name="close"),
    path("<str:pk>/reopen/", actions.reopen, name="reopen"),
]
