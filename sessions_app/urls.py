"""The API's routes: at each path a view for each method."""

from django.urls import path, re_path
from django.views.generic import TemplateView

from sessions_app import health, views
from sessions_app.routing import guarded, public

SESSION = "api/session/<str:session_id>"

urlpatterns = [
    path(
        "api/session",
        guarded(GET=views.list_sessions, POST=views.create_session),
        name="sessions",
    ),
    path(
        SESSION,
        guarded(GET=views.session_detail, PATCH=views.rename_session, DELETE=views.delete_session),
        name="session",
    ),
    path(f"{SESSION}/stream", guarded(GET=views.stream_session), name="stream_session"),
    path(f"{SESSION}/interaction", guarded(POST=views.add_interaction), name="add_interaction"),
    path(f"{SESSION}/events", guarded(GET=views.list_events), name="list_events"),
    path(f"{SESSION}/cancel", guarded(POST=views.cancel_session), name="cancel_session"),
    path(f"{SESSION}/fork", guarded(POST=views.fork_session), name="fork_session"),
    path(f"{SESSION}/retry", guarded(POST=views.retry_session), name="retry_session"),
    path("api/apps", guarded(GET=views.list_apps), name="apps"),
    path("api/apps/<str:app_id>", guarded(GET=views.app_detail), name="app"),
    path("api/deploy-config", public(GET=views.deploy_config), name="deploy_config"),
    path("api/schema", public(GET=views.schema), name="schema"),
    path("api/docs", TemplateView.as_view(template_name="sessions_app/docs.html"), name="docs"),
    re_path(r"^api/(?P<rest>(?s:.*))$", views.unknown, name="unknown"),  # `path` knows no line breaks
    path("health", public(GET=health.health), name="health"),
    path("ready", public(GET=health.ready), name="ready"),
]
