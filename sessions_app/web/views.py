"""The built-in page: the gallery of apps, the start of one, and a session of one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.decorators import csp_update
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from apps_app.models import App
from sessions_app.authentication import Caller
from sessions_app.exceptions import NotSignedIn, SessionNotFound
from sessions_app.lifecycle import session_key
from sessions_app.models import Session
from sessions_app.permissions import check_entry, may_see

# Beyond the policy of all pages: no script of ours may make HTML from text but through DOMPurify.
TRUSTED_TYPES = {"require-trusted-types-for": ["'script'"], "trusted-types": ["dompurify"]}

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """A page for those whom the server is open to; called with its caller. Others are sent to sign in."""

    @never_cache
    @csp_update(TRUSTED_TYPES)
    @ensure_csrf_cookie  # what the page posts must carry the token
    @wraps(view)
    def checked(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        caller = Caller(user_id=request.user.pk)
        try:
            check_entry(caller)
        except NotSignedIn:
            return redirect_to_login(request.get_full_path())
        return view(request, caller, **arguments)

    return checked


@page
def gallery(request: HttpRequest, caller: Caller) -> HttpResponse:
    return render(request, "web/gallery.html", {"apps": App.objects.runnable().order_by("path", "name")})


@page
def app_page(request: HttpRequest, caller: Caller, app_id: str) -> HttpResponse:
    """Starts a session of the app, and goes to it."""
    app = get_object_or_404(App.objects.runnable(), id=app_id.replace("\0", ""))
    # A link elsewhere must not start sessions in a user's name: there they are asked first.
    is_meant = request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    return render(request, "web/start.html", {"app": app, "is_meant": is_meant})


@page
def session_page(request: HttpRequest, caller: Caller, session_id: str) -> HttpResponse:
    try:
        session = Session.objects.select_related("app").filter(id=session_key(session_id)).first()
    except SessionNotFound as error:
        raise Http404 from error
    if session is None or not may_see(caller, session.user_id):
        raise Http404
    return render(request, "web/session.html", {"session": session})
