"""Who may do what: every decision about access is made here (`YERA_ACCESS`).

Open: anyone may start sessions, and an anonymous session belongs to who holds its id. Login:
only signed-in users, each of whom sees their own. A session that a caller may not see is, for
them, not there.
"""

from __future__ import annotations

from sessions_app.authentication import Caller
from sessions_app.conf import Access, conf
from sessions_app.exceptions import NotSignedIn
from sessions_app.models import Session, SessionQuerySet


def check_entry(caller: Caller) -> None:
    """Raises NotSignedIn for whom this server is not open at all."""
    if conf.access == Access.LOGIN and caller.user_id is None and not caller.is_operator:
        raise NotSignedIn


def may_see(caller: Caller, user_id: int | None) -> bool:
    """Whether a caller may read, answer and end a session that belongs to `user_id`, or to nobody."""
    if caller.is_operator:
        return True
    if user_id is None:
        return conf.access == Access.OPEN
    return caller.user_id == user_id


def own_sessions(caller: Caller) -> SessionQuerySet:
    """The sessions that are listed to a caller: a user's, or those that this browser started."""
    if caller.user_id is not None:
        return Session.objects.of_user(caller.user_id)
    if caller.visitor is not None:
        return Session.objects.of_visitor(caller.visitor)
    return Session.objects.none()
