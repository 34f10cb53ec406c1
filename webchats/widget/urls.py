"""URLs of the public endpoints. Customers' pages contain them, so they never change."""

from django.urls import path

from webchats.widget import asset_views, views

app_name = "widget"

# Any text is accepted as an id, so that an invalid id gets the same 404 as an unknown one.
urlpatterns = [
    path("embed.js", asset_views.embed_js, name="loader"),
    path("widget/frame.js", asset_views.frame_js, name="frame-script"),
    path("widget/frame.css", asset_views.frame_css, name="frame-styles"),
    path("widget/survey.html", asset_views.survey, name="survey"),
    path("widget/survey.js", asset_views.survey_js, name="survey-script"),
    path("widget/survey.css", asset_views.survey_css, name="survey-styles"),
    path("widget/<str:webchat_id>/config", views.config, name="config"),
    path("widget/<str:webchat_id>", views.frame, name="frame"),
]
