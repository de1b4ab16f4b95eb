"""What a load balancer asks: is this process alive, and could it play a session now."""

from __future__ import annotations

import logging

from django.db import connection
from django.http import HttpRequest, HttpResponse

from sessions_app.database import in_database
from sessions_app.exceptions import NotReady, json_response
from sessions_app.notifications import check_layer
from sessions_app.openapi import described
from sessions_app.serializers import Health
from sessions_app.server import server

log = logging.getLogger(__name__)

SERVICE = "yera-sessions"


@described("The process is alive", answers={200: Health}, tag="server", is_public=True)
async def health(request: HttpRequest) -> HttpResponse:
    """The process is alive; asks nothing of database or runner."""
    return json_response({"status": "healthy", "service": SERVICE})


@described(
    "A session could be played now",
    answers={200: Health},
    refused=[NotReady("The runner is starting.")],
    tag="server",
    is_public=True,
)
async def ready(request: HttpRequest) -> HttpResponse:
    """A session could be played now: database and channel layer answer, the latest write was not just
    refused, and a runner reports.
    """
    try:
        await in_database(_database_answers)
        await check_layer()
    except Exception as error:
        log.exception("Not ready.")
        raise NotReady(f"{type(error).__name__}: database or channel layer do not answer.") from error
    if refusal := server().writer.refusal:
        raise NotReady(f"The database takes nothing: {refusal}.")
    if problem := server().dispatch.problem:
        raise NotReady(problem)
    return json_response({"status": "ready", "service": SERVICE})


def _database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
