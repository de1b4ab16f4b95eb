"""Operators in the admin, and the sessions they see."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from sessions_app.models import Session, Status

LIST = "/admin/sessions_app/session/"


def new_viewer() -> User:
    """Staff that may look at sessions."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(
        Permission.objects.get(codename="view_session", content_type__app_label="sessions_app")
    )
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ended(status: Status = Status.FINISHED, exit_code: int = 0) -> dict[str, Any]:
    return {"status": status, "exit": {"exit_code": exit_code}, "finished_at": timezone.now()}


def page_of(session: Session) -> str:
    return f"{LIST}{session.id}/change/"
