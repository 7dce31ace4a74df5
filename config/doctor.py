"""What is wrong with an installation, and how to mend it, in plain sentences.

Each check looks at one part and changes nothing. A warning is what will hurt later; what is
broken hurts now.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import shutil
from collections.abc import Callable, Iterator
from typing import Literal

import redis
from django.conf import settings
from django.core import checks as django_checks
from django.core.mail import get_connection
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from accounts import clock, partitions
from accounts.models import Outbox
from config import health, heartbeat
from config.health import Health
from licensing import seals
from licensing.models import Pool
from scim.models import Token

State = Literal["ok", "warning", "broken"]
OLDEST_POSTGRES = 15
#: A transaction that is open for longer (s) keeps old rows and locks.
LONG_TRANSACTION = 300
#: Seconds that database and host may be apart: tokens, links and codes go by the time.
CLOCK_WARNING, CLOCK_BROKEN = 2.0, 30.0
#: Free bytes of the data folder.
DISK_WARNING, DISK_BROKEN = 2 * 2**30, 200 * 2**20
TOKEN_WARNING = dt.timedelta(days=30)
#: The newest seals of so many pools are recomputed; verify_ledger recomputes all.
POOLS = 20
_NAMED = 5
_log = logging.getLogger("seatkeeper.doctor")


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """said: what was found. mend: what to do about it; empty when it is well."""

    part: str
    state: State
    said: str
    mend: str = ""


def examine() -> list[Finding]:
    """Everything. What needs the database is left out where it does not answer."""
    found = [*_examined("settings", _settings)]
    seen = health.look()
    has_database = seen.states["database"] == "ok"
    found += _examined("database", _database) if has_database else [_NO_DATABASE]
    if has_database:
        for part, check in _OF_DATABASE.items():
            found += _examined(part, check)
    found += _examined("queue", lambda: _queue(seen))
    found += _examined("worker", lambda: _alive(seen))
    found += _examined("mail", _mail)
    found += _examined("disk", _disk)
    return found


def _examined(part: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """One that fails tells so, and the others go on."""
    try:
        return list(check())
    except Exception as error:
        _log.exception("the check of %s failed", part)
        said = f"This could not be checked: {type(error).__name__}: {error}"
        return [Finding(part, "broken", said, "Look at the log line above; report it.")]


_NO_DATABASE = Finding(
    "database",
    "broken",
    "The database does not answer.",
    "Start it (./run does where DATABASE_URL is unset), or correct DATABASE_URL: host, port, "
    "user, password and name; psql with the same address tells more.",
)


def _settings() -> Iterator[Finding]:
    found = django_checks.run_checks(include_deployment_checks=not settings.LOCAL)
    messages = [message for message in found if not message.is_silenced()]
    for message in messages:
        state: State = "broken" if message.is_serious() else "warning"
        yield Finding("settings", state, message.msg, message.hint or "")
    if not messages:
        kind = "local" if settings.LOCAL else "production"
        yield Finding("settings", "ok", f"They are safe for {kind} use.")


# ------------------------------------------------------------------ the database


def _database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, current_user")
        number, user = cursor.fetchone()
        cursor.execute(_LACKING)
        lacking = [row[0] for row in cursor.fetchall()]
        cursor.execute(_LONG, [LONG_TRANSACTION])
        long = cursor.fetchall()
    version = number // 10_000
    if version < OLDEST_POSTGRES:
        yield Finding(
            "database",
            "broken",
            f"It is PostgreSQL {version}; {OLDEST_POSTGRES} is the oldest that works.",
            "Dump it, and restore the dump into a newer PostgreSQL.",
        )
    else:
        yield Finding("database", "ok", f"PostgreSQL {version} answers, as the role {user}.")
    if lacking:
        yield Finding(
            "privileges",
            "broken",
            f"The role {user} may not use {_some(lacking)}.",
            f"As the owner of the tables: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN "
            f"SCHEMA public TO {user}; and USAGE on all sequences.",
        )
    else:
        yield Finding("privileges", "ok", "The role may read and write every table.")
    for pid, seconds, state, program in long:
        yield Finding(
            "transactions",
            "warning",
            f"Process {pid} ({program or 'no name'}) has a transaction open for {seconds} s "
            f"({state}): it keeps its locks, and nothing is cleaned up meanwhile.",
            f"Find out who it is; SELECT pg_terminate_backend({pid}) ends it.",
        )
    if not long:
        yield Finding("transactions", "ok", "None is open for long.")


def _clock() -> Iterator[Finding]:
    before = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there = cursor.fetchone()[0]
    middle = before + (timezone.now() - before) / 2
    apart = abs((there - middle).total_seconds())
    if apart < CLOCK_WARNING:
        yield Finding("clock", "ok", f"Database and host are {apart:.1f} s apart.")
        return
    yield Finding(
        "clock",
        "broken" if apart > CLOCK_BROKEN else "warning",
        f"Database and host are {apart:.0f} s apart: seats, tokens and codes go by the time.",
        "Set both by NTP (timedatectl set-ntp true), the wrong one first.",
    )


def _migrations() -> Iterator[Finding]:
    if health._migrations() == "ok":
        yield Finding("migrations", "ok", "The database is as far as this code.")
    else:
        yield Finding(
            "migrations",
            "broken",
            "The database is older than this code.",
            "Back it up, then: python manage.py migrate",
        )


def _tokens() -> Iterator[Finding]:
    now = clock.now()
    ending = (
        Token.objects.filter(
            revoked_at=None, expired_at=None, expires_at__range=(now, now + TOKEN_WARNING)
        )
        .select_related("organization", "application")
        .order_by("expires_at")
    )
    for token in ending[:_NAMED]:
        yield Finding(
            "tokens",
            "warning",
            f"A token of {token.application.name} ({token.organization.name}) expires on "
            f"{token.expires_at:%Y-%m-%d}.",
            "Its admins were told: they rotate it on the application's page, with an overlap.",
        )
    if (more := ending.count() - _NAMED) > 0:
        yield Finding("tokens", "warning", f"And {more} more expire within 30 days.", "As above.")
    elif more == -_NAMED:
        yield Finding("tokens", "ok", "None expires within 30 days.")


def _ledger() -> Iterator[Finding]:
    pools = list(Pool.objects.annotate(sealed=Max("seals__at")).exclude(sealed=None)
                 .order_by("-sealed")[:POOLS])  # fmt: skip
    whole = True
    for pool in pools:
        if broken := seals.newest_broken(pool):
            whole = False
            yield Finding(
                "ledger",
                "broken",
                f"{pool}: {broken.detail}",
                "python manage.py verify_ledger names every place; compare them with a back-up.",
            )
    if whole:
        yield Finding(
            "ledger",
            "ok",
            f"The newest seals of {len(pools)} pools match; verify_ledger looks at all of them.",
        )


def _months() -> Iterator[Finding]:
    well = True
    for state in partitions.states():
        if state.missing:
            months = " and ".join(f"{month:%B %Y}" for month in state.missing)
            yield Finding(
                "months",
                "warning",
                f"{state.table} has no part for {months}: rows go to the one for all others.",
                "The worker makes them daily, if its role owns the tables: see its log. "
                "python manage.py migrate, by the owner, makes them at once.",
            )
        if state.strays:
            more = " or more" if state.strays > partitions.MOST_MOVED else ""
            yield Finding(
                "months",
                "warning",
                f"{state.strays:,}{more} rows of {state.table} are in no month: they came while a "
                f"month was missing, or while a clock was wrong.",
                "Look at the clocks. They are found as before, and move when their month is made, "
                f"if they are {partitions.MOST_MOVED:,} at most.",
            )
        well = well and not (state.missing or state.strays)
    if well:
        yield Finding("months", "ok", "Tables that are kept by month have this one and the next.")


def _outbox() -> Iterator[Finding]:
    waiting = Outbox.objects.filter(done_at=None)
    failing = waiting.exclude(error="").count()
    late = waiting.filter(due_at__lt=clock.now() - dt.timedelta(minutes=5)).count()
    if failing:
        yield Finding(
            "outbox",
            "warning",
            f"{failing} messages could not be sent so far.",
            "The overview of each organization says why; correct that, and press Retry there.",
        )
    if late:
        yield Finding(
            "outbox",
            "broken",
            f"{late} messages are due for more than five minutes: no worker sends them.",
            "Look at the worker and the schedule.",
        )
    if not failing and not late:
        yield Finding("outbox", "ok", "Nothing waits that should be sent.")


# ------------------------------------------------------------------ the others


def _queue(seen: Health) -> Iterator[Finding]:
    if seen.signs is None:
        yield Finding(
            "queue",
            "broken",
            "Redis or Valkey does not answer.",
            "Start it, or correct REDIS_URL. Seats go on meanwhile; e-mail waits.",
        )
        return
    queue = heartbeat.queue()
    length = heartbeat.waiting()
    if length > 1000:
        yield Finding(
            "queue", "warning", f"{length:,} messages wait.", "Start more workers, or a stuck one."
        )
    else:
        yield Finding("queue", "ok", f"It answers; {length} messages wait.")
    try:
        policy = queue.config_get("maxmemory-policy").get("maxmemory-policy")  # type: ignore[union-attr]
    except redis.RedisError:
        return  # a hosted one that tells nobody
    if policy not in (None, "noeviction"):
        yield Finding(
            "queue",
            "warning",
            f"Its maxmemory-policy is {policy}: it may throw messages away.",
            "Set maxmemory-policy to noeviction.",
        )


def _alive(seen: Health) -> Iterator[Finding]:
    if seen.signs is None:
        return
    waits = "no e-mail, no reconciliation, no waiting list"
    for part, program, missed in (
        ("worker", "worker", waits),
        ("webhooks", "worker --queues webhooks --hostname webhooks@%h", "no webhook is sent"),
        ("schedule", "beat", waits),
    ):
        age = seen.signs.ages[part]
        if seen.signs.silent(part):
            since = "was never seen" if age is None else f"is silent for {age:.0f} s"
            yield Finding(
                part,
                "broken",
                f"The {'worker of webhooks' if part == 'webhooks' else part} {since}: {missed}.",
                f"Start it: python -m celery --app config.celery {program} (docker compose up "
                f"--detach {part}); its log says why it ended.",
            )
        else:
            yield Finding(part, "ok", f"Its last sign of life is {age:.0f} s old.")
    late = [
        task.rpartition(".")[2]
        for task, every in heartbeat.scheduled().items()
        if task in seen.signs.ran and seen.signs.ran[task] > 3 * every + 60
    ]
    if late and not any(seen.signs.silent(part) for part in heartbeat.SILENT):
        yield Finding(
            "tasks",
            "warning",
            f"{_some(late)} did not come to an end when they should have.",
            "Look for their errors in the worker's log.",
        )


def _mail() -> Iterator[Finding]:
    backend = settings.EMAIL_BACKEND.rpartition(".")[0].rpartition(".")[2]
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}" if backend == "smtp" else backend
    try:
        mail = get_connection(timeout=10) if backend == "smtp" else get_connection()
        mail.open()
        mail.close()
    except Exception as error:  # whatever a mail server or the network raises
        yield Finding(
            "mail",
            "broken",
            f"{where} takes no e-mail: {type(error).__name__}: {error}",
            "Correct EMAIL_URL (host, port, user, password, STARTTLS or TLS), or the mail server.",
        )
    else:
        yield Finding("mail", "ok", f"{where} takes e-mail.")


def _disk() -> Iterator[Finding]:
    folder = settings.DATA_DIR
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    said = f"{free / 2**30:.1f} GB are free in {folder}."
    if free >= DISK_WARNING:
        yield Finding("disk", "ok", said)
        return
    yield Finding(
        "disk",
        "broken" if free < DISK_BROKEN else "warning",
        said,
        "Make room, or set SEATKEEPER_DATA to a larger disk; logs/ and mail/ may be emptied.",
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


_OF_DATABASE: dict[str, Callable[[], Iterator[Finding]]] = {
    "migrations": _migrations,
    "clock": _clock,
    "tokens": _tokens,
    "ledger": _ledger,
    "months": _months,
    "outbox": _outbox,
}

_LACKING = """
SELECT relname FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition
  AND relnamespace = current_schema()::regnamespace AND NOT (
    has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
    AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
ORDER BY relname
"""

_LONG = """
SELECT pid, floor(extract(epoch FROM clock_timestamp() - xact_start))::int, state,
    application_name
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND xact_start < clock_timestamp() - make_interval(secs => %s)
ORDER BY xact_start LIMIT 5
"""
