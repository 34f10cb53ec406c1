"""URLs of the reports, below ``/admin/reports/``."""

from django.urls import path

from webchats.conversations.reports.pages import exports, unsubscribe, views

app_name = "reports"

urlpatterns = [
    path("", views.report, name="report"),
    path("conversations/", views.conversations, name="conversations"),
    path("export/", exports.export_report, name="export"),
    path("conversations/export/", exports.export_conversations, name="export-conversations"),
    path("unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
]
