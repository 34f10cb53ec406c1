"""URLs of the board, below ``/admin/contacts/board/``."""

from django.urls import path

from webchats.conversations.board import changes, moves, views

app_name = "board"

urlpatterns = [
    path("", views.board, name="board"),
    path("cards/", views.more, name="more"),
    path("changes/", changes.changes, name="changes"),
    path("<str:pk>/move/", moves.move, name="move"),
]
