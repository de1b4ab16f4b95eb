"""`Session` and `LogEntry`: statuses, constraints, and the questions asked of them.

A session is its log; the row keeps what must be known without reading it. Entries are written
and read in event_log.py alone.
"""

from __future__ import annotations

import datetime
import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Concat, Right
from django.db.models.lookups import Exact
from django.utils import timezone

from apps_app.models import App


class Status(models.TextChoices):
    """Where a session is. `diverged` is paused for a person; the last four tell how it ended."""

    CREATED = "created"
    RUNNING = "running"
    WAITING = "waiting"
    DIVERGED = "diverged"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ENDED = (Status.FINISHED, Status.FAILED, Status.CANCELLED, Status.EXPIRED)
LIVE = (Status.CREATED, Status.RUNNING, Status.WAITING, Status.DIVERGED)
PLAYABLE = (Status.CREATED, Status.RUNNING)  # as soon as a runner takes it up
# The same as conditions, spelled out: SQLite sees no partial index behind an IN with parameters.
IS_PLAYABLE = Q(status=Status.CREATED) | Q(status=Status.RUNNING)
IS_ENDED, IS_LIVE = Q(finished_at__isnull=False), Q(finished_at__isnull=True)
IS_BUSY = IS_LIVE & ~Q(status=Status.WAITING)
NEWEST_FIRST = ("-created_at", "-id")


class Kind(models.TextChoices):
    """What a log entry is: shown by the app, said by the user, done once, or taken back."""

    EVENT = "event"
    INTERACTION = "interaction"
    STEP = "step"
    RETRACT = "retract"


SHOWN = (Kind.EVENT, Kind.INTERACTION, Kind.RETRACT)  # the others are the server's own


class SessionQuerySet(models.QuerySet["Session"]):
    def unowned(self) -> SessionQuerySet:
        """Sessions that are to be played, and that no runner holds."""
        return self.filter(IS_PLAYABLE, owner="")

    def awake(self, now: datetime.datetime) -> SessionQuerySet:
        """Sessions whose sleep is over by now."""
        return self.filter(status=Status.WAITING, wake_at__lte=now)

    def owned(self) -> SessionQuerySet:
        """Sessions that some runner holds, alive or dead."""
        return self.exclude(owner="").order_by()  # in the order of lists they would be looked for among all

    def owned_by(self, owner: str) -> SessionQuerySet:
        """Sessions that this runner holds."""
        return self.owned().filter(owner=owner)  # in these words there is an index of them

    def overdue_waits(self, now: datetime.datetime) -> SessionQuerySet:
        """Sessions that have waited for an answer for too long, the longest overdue first."""
        return self.filter(status=Status.WAITING, wait_ends_at__lte=now).order_by("wait_ends_at")

    def overdue_lives(self, now: datetime.datetime) -> SessionQuerySet:
        """Sessions that have not ended, and should have, the longest overdue first."""
        return self.filter(finished_at__isnull=True, life_ends_at__lte=now).order_by("life_ends_at")

    def finished_before(self, time: datetime.datetime) -> SessionQuerySet:
        """Sessions that ended before then, the oldest first."""
        return self.filter(finished_at__lt=time).order_by("finished_at")

    def of_user(self, user_id: int) -> SessionQuerySet:
        """A user's sessions. The second condition holds anyway: by it SQLite finds their index the best."""
        return self.filter(user=user_id, visitor__isnull=True)

    def of_visitor(self, visitor: uuid.UUID) -> SessionQuerySet:
        """The sessions that a browser started without a user."""
        return self.filter(visitor=visitor, user__isnull=True)

    def picking_app(self, app_id: str) -> SessionQuerySet:
        """Those of one app, among sessions that an index finds otherwise: its own is hidden from SQLite,
        which would read all sessions of a frequent app for the few that a visitor has.
        """
        hidden = Coalesce("app_id", Value(""), output_field=models.CharField())
        return self.filter(Exact(hidden, app_id))

    def of_status(self, status: str) -> SessionQuerySet:
        """Sessions with this status, in the words of the indexes of ended, waiting and busy ones."""
        condition = IS_ENDED if status in ENDED else IS_LIVE if status == Status.WAITING else IS_BUSY
        return self.filter(condition, status=status)

    def newest_first(self, after: tuple[datetime.datetime, uuid.UUID] | None = None) -> SessionQuerySet:
        """In the order of lists; those that come after the one with this time and id."""
        ordered = self.order_by(*NEWEST_FIRST)
        if after is None:
            return ordered
        created_at, session_id = after
        # The first condition alone would do, but lets no database use an index.
        earlier = Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=session_id)
        return ordered.filter(earlier, created_at__lte=created_at)

    def summarised(self) -> SessionQuerySet:
        """Without the columns that may be large."""
        return self.defer("exit", "failure", "divergence")


class Session(models.Model):
    """One conversation with one app.

    It belongs to `user`, or, without one, to whoever holds its id; `visitor` is then the browser
    that started it. `owner` is the runner that plays it (invariant 1).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="sessions", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,  # logs may be long: sessions are deleted by themselves, in pieces
        related_name="+",
        db_index=False,
        help_text="Who started it, if signed in",
    )
    visitor = models.UUIDField(null=True, blank=True, help_text="The browser that started it, if nobody was")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.CREATED)
    title = models.CharField(max_length=255, blank=True)
    pending = models.JSONField(default=list, blank=True, help_text="The prompts that it waits for")
    last_seq = models.PositiveBigIntegerField(default=0, help_text="Sequence number of its latest entry")
    turn_seq = models.PositiveBigIntegerField(default=0, help_text="That of the latest interaction")
    log_bytes = models.PositiveBigIntegerField(default=0, help_text="Size of its log's payloads")
    epoch = models.PositiveIntegerField(default=0, help_text="Raised whenever ownership changes")
    owner = models.CharField("runner", max_length=64, blank=True, help_text="The runner that plays it")
    exit = models.JSONField(null=True, blank=True, help_text="The data of its exit event")
    failure = models.TextField(blank=True, help_text="The traceback of a failed session")
    divergence = models.JSONField(null=True, blank=True)
    forked_from = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, db_index=False)
    code_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the app file that it was last played with"
    )
    is_suspect = models.BooleanField(
        default=False, help_text="It was in app code when its runner died: it is played in one of its own"
    )
    deaths = models.PositiveSmallIntegerField(default=0, help_text="Of runners that played nothing else")
    idempotency_key = models.CharField(
        max_length=255, null=True, blank=True, unique=True, help_text="Whose creation it was, and their key"
    )
    wake_at = models.DateTimeField(null=True, blank=True, help_text="When its sleep is over")
    wait_ends_at = models.DateTimeField(null=True, blank=True, help_text="When it has waited for too long")
    life_ends_at = models.DateTimeField(null=True, blank=True, help_text="When it is too old")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="session_status_known"),
            models.CheckConstraint(condition=Q(turn_seq__lte=F("last_seq")), name="session_turn_in_log"),
            models.CheckConstraint(
                condition=(Q(status__in=ENDED) & Q(exit__isnull=False, finished_at__isnull=False, owner=""))
                | (Q(status__in=LIVE) & Q(exit__isnull=True, finished_at__isnull=True)),
                name="session_ended_with_exit",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(visitor__isnull=True), name="session_belongs_to_one"
            ),
            models.CheckConstraint(
                condition=Q(wake_at__isnull=True) | Q(status=Status.WAITING), name="session_sleeps_waiting"
            ),
        ]
        indexes = [
            # The sweep looks these up: none of them holds what merely waits.
            models.Index(fields=["created_at"], condition=Q(IS_PLAYABLE, owner=""), name="session_unowned"),
            models.Index(fields=["wake_at"], condition=Q(wake_at__isnull=False), name="session_wakes"),
            models.Index(
                fields=["wait_ends_at"],
                condition=Q(status=Status.WAITING, wait_ends_at__isnull=False),
                name="session_wait_ends",
            ),
            models.Index(
                fields=["life_ends_at"],
                condition=Q(finished_at__isnull=True, life_ends_at__isnull=False),
                name="session_life_ends",
            ),
            models.Index(fields=["finished_at"], condition=IS_ENDED, name="session_finished"),
            models.Index(fields=["owner"], condition=~Q(owner=""), name="session_owner"),
            models.Index(
                # A user's sessions may be many: those of one status, or app, are picked in the index.
                fields=["user", "visitor", *NEWEST_FIRST, "status", "app"],
                condition=Q(user__isnull=False),
                name="session_of_user",
            ),
            models.Index(
                fields=["visitor", "user", *NEWEST_FIRST],
                condition=Q(visitor__isnull=False),
                name="session_of_visitor",
            ),
            models.Index(
                fields=["forked_from"], condition=Q(forked_from__isnull=False), name="session_forks"
            ),
            # The admin's list, by status and app. A turn changes the status twice, and each index with it
            # would cost its commits a tenth: the busy ones, which are few, are the only that have it.
            models.Index(fields=NEWEST_FIRST, name="session_newest"),
            models.Index(fields=["app", *NEWEST_FIRST], name="session_of_app"),
            models.Index(fields=["status", *NEWEST_FIRST], condition=IS_ENDED, name="session_ended"),
            models.Index(
                fields=["app", "status", *NEWEST_FIRST], condition=IS_ENDED, name="session_ended_of_app"
            ),
            models.Index(fields=NEWEST_FIRST, condition=IS_LIVE, name="session_live"),
            # Without statistics SQLite takes the index of which most columns are given: hence one that is
            # null throughout.
            models.Index(
                fields=["app", "finished_at", *NEWEST_FIRST], condition=IS_LIVE, name="session_live_of_app"
            ),
            models.Index(
                fields=["status", "app", "finished_at", *NEWEST_FIRST], condition=IS_BUSY, name="session_busy"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.app_id} {self.id}"

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED


class LogEntry(models.Model):
    """One entry of a session's log. `payload` is JSON text, byte for byte what a stream carries."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="entries", db_index=False)
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    step = models.CharField(max_length=64, blank=True, help_text="The step that it belongs to")
    closes_turn = models.BooleanField(default=False, help_text="The session pauses or ends here")
    payload = models.TextField()
    idempotency_key = models.CharField(
        max_length=255, blank=True, db_default="", help_text="The key that an interaction was posted with"
    )
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "log entries"
        ordering = ["session", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["session", "seq"], name="log_entry_seq_unique"),
            models.UniqueConstraint(
                fields=["session", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="log_entry_key_unique",
            ),
            models.CheckConstraint(condition=Q(seq__gte=1), name="log_entry_seq_positive"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="log_entry_kind_known"),
        ]
        indexes = [
            models.Index(
                fields=["session", "seq"], condition=Q(kind=Kind.RETRACT), name="log_entry_retracts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.seq} {self.kind}"


class PrintedTextQuerySet(models.QuerySet["PrintedText"]):
    def append(self, session_id: uuid.UUID, text: str, limit: int) -> None:
        """Add to what a session's app printed, of which the latest `limit` characters are kept.

        Does nothing for a session that is gone. Call it in a transaction.
        """
        # Locked: deleted until the commit, the session would have it refused, and others' writes with it.
        if not Session.objects.select_for_update(no_key=True).filter(id=session_id).values_list("id"):
            return
        now = timezone.now()
        kept = Right(Concat("text", Value(text)), limit)
        if not self.filter(session=session_id).update(text=kept, updated_at=now):
            self.create(session_id=session_id, text=text[-limit:], updated_at=now)


class PrintedText(models.Model):
    """What a session's app printed to stdout and stderr: the latest part of it, for operators."""

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, primary_key=True, related_name="printed_text"
    )
    text = models.TextField()
    updated_at = models.DateTimeField()

    objects = PrintedTextQuerySet.as_manager()

    def __str__(self) -> str:
        return f"printed by {self.session_id}"
