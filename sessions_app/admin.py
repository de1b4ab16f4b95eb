"""Sessions in the admin: read with their logs, retried, cancelled, deleted. No row is written from here."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.db.models.functions import Left, Length
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.csrf import csrf_protect

from apps_app.admin import OperatorAdmin, preformatted, readable_json
from sessions_app import lifecycle
from sessions_app.admin_list import LISTED, SHORT_ID, FirstPages, SessionList, StatusFilter, found
from sessions_app.authentication import OPERATOR
from sessions_app.exceptions import NotDiverged, SessionNotFound
from sessions_app.models import LogEntry, PrintedText, Session, SessionQuerySet, Status

LOG_PAGE_ENTRIES = 100
MAX_PAYLOAD = 4000  # characters of an entry's payload


@admin.register(Session)
class SessionAdmin(OperatorAdmin):
    """The permission to change is the one to cancel and to retry: no field can be changed here."""

    list_display = (
        "short_id",
        "app_name",
        "status",
        "belongs_to",
        "created",
        "updated",
        "finished",
        "last_seq",
    )
    list_filter = (("status", StatusFilter), "app")
    sortable_by = ("created",)
    list_select_related = ("user",)
    list_per_page = list_max_show_all = 25
    paginator = FirstPages
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("id",)
    search_help_text = (
        f"By id, or its first {SHORT_ID} characters or more, or by the name of who started it, as it is. "
        f"At most the first {LISTED} are listed."
    )
    actions = ("cancel", "retry")
    fieldsets = (
        (None, {"fields": ("id", "app", "title", "status", "belongs_to", "prompts", "forked_from")}),
        ("How it ended", {"fields": ("exit_data", "traceback", "divergence_data")}),
        ("What its app printed", {"fields": ("printed",)}),
        ("Times", {"fields": ("created", "updated", "finished", "asleep_until", "answer_due", "end_due")}),
        ("Its log and its code", {"fields": ("last_seq", "turn_seq", "log_bytes", "played_code")}),
        ("Its runner", {"fields": ("epoch", "owner", "is_suspect", "deaths")}),
    )
    readonly_fields = flatten_fieldsets(fieldsets)

    class Media:
        css = {"all": ["sessions_app/admin.css"]}

    @admin.display(description="id")
    def short_id(self, session: Session) -> str:
        return str(session.id)[:SHORT_ID]

    @admin.display(description="app")
    def app_name(self, session: Session) -> str:
        return session.app_id

    @admin.display(description="owner")
    def belongs_to(self, session: Session) -> str:
        if session.user is not None:
            return session.user.get_username()
        return "visitor" if session.visitor is not None else "anonymous"

    @admin.display(description="created", ordering="created_at")
    def created(self, session: Session) -> str:
        return moment(session.created_at)

    @admin.display(description="updated")
    def updated(self, session: Session) -> str:
        return moment(session.updated_at)

    @admin.display(description="app file")
    def played_code(self, session: Session) -> str:
        if not session.code_hash or session.code_hash == session.app.code_hash:
            return "as it is today"
        return f"another than today's: SHA-256 {session.code_hash}"

    @admin.display(description="asleep until")
    def asleep_until(self, session: Session) -> str:
        return moment(session.wake_at)

    @admin.display(description="finished")
    def finished(self, session: Session) -> str:
        return moment(session.finished_at)

    @admin.display(description="waits for an answer until")
    def answer_due(self, session: Session) -> str:
        return moment(session.wait_ends_at if session.status == Status.WAITING else None)

    @admin.display(description="lasts until")
    def end_due(self, session: Session) -> str:
        return moment(session.life_ends_at)

    @admin.display(description="waits for")
    def prompts(self, session: Session) -> str:
        return readable_json(session.pending)

    @admin.display(description="exit")
    def exit_data(self, session: Session) -> str:
        return readable_json(session.exit)

    @admin.display(description="divergence")
    def divergence_data(self, session: Session) -> str:
        if not session.divergence:
            return readable_json(None)
        seq = session.divergence["seq"]
        page = (seq - 1) // LOG_PAGE_ENTRIES + 1
        return format_html(
            '<a href="?log={}#log">At entry {}</a>{}', page, seq, readable_json(session.divergence)
        )

    @admin.display(description="traceback")
    def traceback(self, session: Session) -> str:
        return preformatted(session.failure)

    @admin.display(description="printed")
    def printed(self, session: Session) -> str:
        texts = PrintedText.objects.filter(session=session).values_list("text", flat=True)
        return preformatted("".join(texts))

    @admin.action(description="Cancel selected sessions", permissions=["change"])
    def cancel(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        selected = list(sessions)
        # On the event loop that serves this request, whose the runner's channel is.
        cancelled = async_to_sync(cancel_each)([session for session in selected if not session.is_ended])
        for session in cancelled:
            self.log_change(request, session, "Cancelled.")
        ended = len(selected) - len(cancelled)
        self.message_user(request, f"Cancelled: {len(cancelled)}. Had ended already: {ended}.")

    @admin.action(description="Retry selected sessions", permissions=["change"])
    def retry(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        selected = list(sessions)
        retried = async_to_sync(retry_each)(selected)
        for session in retried:
            self.log_change(request, session, "Retried.")
        others = len(selected) - len(retried)
        self.message_user(request, f"Retried: {len(retried)}. Had not diverged: {others}.")

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def get_deleted_objects(self, objs: Iterable[Session], request: HttpRequest) -> Any:
        """What the question before a deletion names: the sessions, not each entry of their logs."""
        named = [str(session) for session in objs]
        return named, {"sessions, with their logs": len(named)}, set(), []

    @method_decorator(csrf_protect)
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """As Django's, but not in a transaction: it would hold the lock that the log's writer waits for."""
        response: HttpResponse = cast(Any, self)._delete_view(request, object_id, extra_context)
        return response

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        async_to_sync(delete_each)([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        async_to_sync(delete_each)(list(queryset))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        return found(cast(SessionQuerySet, queryset), search_term), False

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Session], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """As Django's, but all that are selected are all that are listed: the number that was shown."""
        if request.POST.get("select_across") == "1":
            queryset = queryset.filter(id__in=queryset.values("id")[:LISTED])
        return super().response_action(request, queryset, *args, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SessionList

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        session: Session = context["original"]
        page = log_page(session, request.GET.get("log"))
        context |= {
            "may_cancel": self.has_change_permission(request) and not session.is_ended,
            "may_retry": self.has_change_permission(request) and session.status == Status.DIVERGED,
            "log_page": page,
            "log_entries": log_entries(session, page),
        }
        return super().render_change_form(request, context, *args, **kwargs)


def moment(time: datetime.datetime | None) -> str:
    """To the second, in UTC; the admin's dash for none."""
    return f"{time:%Y-%m-%d %H:%M:%S}" if time else "-"


def log_page(session: Session, number: str | None) -> Page[int]:
    """The page of the log with this number, or the newest; seqs have no gap, so that none need be counted."""
    pages = Paginator(range(1, session.last_seq + 1), LOG_PAGE_ENTRIES)
    return pages.get_page(pages.num_pages if number is None else number)


def log_entries(session: Session, page: Page[int]) -> Iterable[dict[str, Any]]:
    """The entries of one page, their payloads cut off where they are long."""
    entries = LogEntry.objects.filter(session=session, seq__range=(page.start_index(), page.end_index()))
    shortened = entries.annotate(size=Length("payload"), beginning=Left("payload", MAX_PAYLOAD))
    columns = ("seq", "created_at", "kind", "closes_turn", "step", "size", "beginning")
    for row in shortened.order_by("seq").values(*columns):
        yield row | {"readable_payload": readable_payload(row["beginning"], row["size"])}


def readable_payload(beginning: str, size: int) -> str:
    """A payload of `size` characters, with spaces between; if there is more than its beginning, without."""
    if size > len(beginning):
        return f"{beginning}… ({size} characters)"
    return json.dumps(json.loads(beginning), ensure_ascii=False)


async def cancel_each(sessions: Iterable[Session]) -> list[Session]:
    """Cancel sessions one after the other, so that others' requests come in between.

    Those that this ended: neither one that came to its end before, nor one that is gone.
    """
    cancelled = []
    for session in sessions:
        with suppress(SessionNotFound):  # deleted since the list was shown
            session = await lifecycle.cancel(OPERATOR, str(session.id))
            if session.status == Status.CANCELLED:
                cancelled.append(session)
    return cancelled


async def retry_each(sessions: Iterable[Session]) -> list[Session]:
    """Have sessions played again, one after the other; those that had diverged until then."""
    retried = []
    for session in sessions:
        with suppress(SessionNotFound, NotDiverged):
            retried.append(await lifecycle.retry(OPERATOR, str(session.id)))
    return retried


async def delete_each(sessions: Iterable[Session]) -> None:
    """End sessions, and remove them with their logs; those that are gone already are as good."""
    for session in sessions:
        with suppress(SessionNotFound):
            await lifecycle.delete(OPERATOR, str(session.id))
