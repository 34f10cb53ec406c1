"""URLs that the widget calls for a visitor. They never change."""

from django.urls import path

from webchats.conversations.visitor import rating_view, session_views, views

app_name = "visitor"

# Any text is accepted as an id, so that an invalid id gets the same response as an unknown one.
urlpatterns = [
    path(f"widget/<str:webchat_id>/{name}", view.as_view(), name=name)
    for name, view in (
        ("ticket", session_views.TicketView),
        ("session", session_views.SessionView),
        ("messages", views.MessagesView),
        ("typing", views.TypingView),
        ("read", views.ReadView),
        ("human", views.HumanView),
        ("close", views.CloseView),
        ("rating", rating_view.RatingView),
        ("transcript", views.TranscriptView),
    )
]
