"""The public addresses. They stand in the pages of customers and never change."""

from django.urls import path

from webchats.widget import views
from webchats.widget.config import config

app_name = "widget"

# Any text is taken as an id: what is none is answered like one that nobody has.
urlpatterns = [
    path("embed.js", views.loader, name="loader"),
    path("widget/<str:webchat_id>/config", config, name="config"),
    path("widget/<str:webchat_id>", views.frame, name="frame"),
]
