"""The URLconf of the REST API."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from organizations import views as organizations
from organizations.ai.views import AiProviderViewSet
from organizations.auth import views as auth
from webchat_project.api.documentation import DocumentationView, SchemaView
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchats import views as webchats
from webchats.conversations.api import reports
from webchats.conversations.api.canned_replies import CannedReplyViewSet
from webchats.conversations.api.contacts import ContactViewSet
from webchats.conversations.api.drafts import DraftViewSet
from webchats.conversations.api.knowledge import KnowledgeViewSet
from webchats.conversations.api.merges import ContactMergeViewSet
from webchats.conversations.api.online import OnlineView
from webchats.conversations.api.preferences import PreferencesView
from webchats.conversations.api.privacy import ErasureViewSet
from webchats.conversations.api.push_subscriptions import (
    PushSubscriptionsView,
    PushSubscriptionView,
)
from webchats.conversations.api.saved_views import SavedViewViewSet
from webchats.conversations.api.views import ConversationViewSet
from webchats.icons import views as icons

router = SimpleRouter(trailing_slash=False)
router.register("webchats", webchats.WebchatViewSet)
router.register("conversations", ConversationViewSet)
router.register("drafts", DraftViewSet)
router.register("contacts", ContactViewSet)
router.register("contact-merges", ContactMergeViewSet)
router.register("erasures", ErasureViewSet)
router.register("canned-replies", CannedReplyViewSet)
router.register("inbox-views", SavedViewViewSet)
router.register("knowledge", KnowledgeViewSet)
router.register("prompts", organizations.PromptViewSet)
router.register("ai-providers", AiProviderViewSet)
router.register("pipelines", organizations.PipelineViewSet)
router.register("api-keys", organizations.ApiKeyViewSet)
router.register("organizations", organizations.OrganizationViewSet)
router.register("users", organizations.UserViewSet)

urlpatterns = [
    *router.urls,
    path("presence", OnlineView.as_view(), name="presence"),
    path("preferences", PreferencesView.as_view(), name="preferences"),
    path("push-subscriptions", PushSubscriptionsView.as_view(), name="push-subscriptions"),
    re_path(
        rf"^push-subscriptions/(?P<id>{OBJECT_ID_PATTERN})\Z",
        PushSubscriptionView.as_view(),
        name="push-subscription",
    ),
    path("reports/summary", reports.SummaryView.as_view(), name="report-summary"),
    path("reports/volume", reports.VolumeView.as_view(), name="report-volume"),
    path("reports/export", reports.ReportExportView.as_view(), name="report-export"),
    path(
        "reports/conversations",
        reports.ReportConversationsView.as_view(),
        name="report-conversations",
    ),
    path(
        "reports/conversations/export",
        reports.ReportConversationsExportView.as_view(),
        name="report-conversations-export",
    ),
    path("upload", icons.UploadView.as_view(), name="upload"),
    path("auth/login", auth.LoginView.as_view(), name="login"),
    path("auth/refresh", auth.RefreshView.as_view(), name="refresh"),
    path("auth/logout", auth.LogoutView.as_view(), name="logout"),
    path("auth/verify-token", auth.VerifyTokenView.as_view(), name="verify-token"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocumentationView.as_view(url_name="schema"), name="docs"),
]
