"""The API's routes, with the names of its calls."""

from django.urls import path

from sessions_app import views

urlpatterns = [
    path("api/session", views.create_session, name="create_session"),
    path("api/session/<str:session_id>", views.session_detail, name="session_detail"),
    path("api/session/<str:session_id>/stream", views.stream_session, name="stream_session"),
    path("api/session/<str:session_id>/interaction", views.add_interaction, name="add_interaction"),
    path("api/session/<str:session_id>/cancel", views.cancel_session, name="cancel_session"),
    path("api/apps", views.list_apps, name="list_apps"),
    path("api/deploy-config", views.deploy_config, name="deploy_config"),
    path("api/<path:rest>", views.unknown, name="unknown"),
    path("health", views.health, name="health"),
    path("ready", views.ready, name="ready"),
]
