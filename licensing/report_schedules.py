"""Usage reports that go to admins by e-mail each week or month, once a period (R25).

A report is about the last whole week or month before its day. That it went out, its e-mails in
the outbox and the next day are one transaction, and a period has one row for ever, so that
workers that run twice or die send none twice. One that was missed for long is made good by the
newest period alone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from accounts import audit, changes, clock, outbox, sheets
from accounts.deeds import Deed
from accounts.mail import Message
from accounts.models import Admin, Organization, Outbox, Product
from accounts.refusal import Refusal
from licensing import reports
from licensing.models import Pool, ReportRecipient, ReportSchedule, SentReport
from licensing.reporting import Period, Usage
from licensing.reports import Report, Row

#: The kind of the e-mail in the outbox.
LETTER = "usage_report"
#: When on its day a report goes, in UTC.
TIME = dt.time(6)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LAST_DAY_OF_MONTH = 28
MOST_SCHEDULES = 50
#: From one report of a schedule to its next one at most.
LONGEST_RHYTHM = dt.timedelta(days=31)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What a scheduled report is: see ReportSchedule. recipients: ids of admins."""

    name: str
    product: str
    rhythm: str
    day: int
    recipients: Sequence[int]
    groups: Sequence[uuid.UUID] = ()
    everybody: bool = False
    departments: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail of a schedule: to whom, and whether it went or what went wrong."""

    to: str
    at: dt.datetime
    sent_at: dt.datetime | None
    error: str


def of(organization: Organization) -> QuerySet[ReportSchedule]:
    """By name, with their recipients."""
    found = ReportSchedule.objects.of(organization).prefetch_related("recipients__admin")
    return found.order_by("name", "pk")


def possible_recipients(organization: Organization) -> QuerySet[Admin]:
    """Admins of the organization who can sign in."""
    return Admin.objects.filter(roles__organization=organization, is_active=True).order_by("email")


def make(organization: Organization, wanted: Wanted, *, by: Admin | None = None) -> ReportSchedule:
    """A new scheduled report; its first goes out on its next day. Refused: see `_check`."""
    groups, admins = _check(organization, wanted)
    if ReportSchedule.objects.of(organization).count() >= MOST_SCHEDULES:
        raise Refusal(
            "too_many_schedules", f"There are {MOST_SCHEDULES} scheduled reports: delete one first."
        )

    def change() -> ReportSchedule:
        now = clock.now()
        schedule = ReportSchedule.objects.create(
            organization=organization,
            **_columns(wanted, groups),
            made_by=by,
            made_at=now,
            due_at=_next(wanted.rhythm, wanted.day, now),
        )
        _send_to(schedule, admins)
        audit.note(
            organization.pk, Deed.REPORT_SCHEDULED, schedule, by=by, after=_told(schedule, admins)
        )
        return schedule

    return changes.run(change)


def change(schedule: ReportSchedule, wanted: Wanted, *, by: Admin | None = None) -> None:
    """Another report from now on. A period that was sent is not sent again, whatever the day."""
    groups, admins = _check(schedule.organization, wanted)

    def change() -> None:
        kept = _lock(schedule)
        before = _told(kept, [each.admin for each in kept.recipients.select_related("admin")])
        for name, value in _columns(wanted, groups).items():
            setattr(kept, name, value)
        kept.due_at = _next(kept.rhythm, kept.day, clock.now())
        kept.save()
        kept.recipients.all().delete()
        _send_to(kept, admins)
        audit.note(
            kept.organization_id,
            Deed.REPORT_CHANGED,
            kept,
            by=by,
            before=before,
            after=_told(kept, admins),
        )

    changes.run(change)


def pause(schedule: ReportSchedule, paused: bool, *, by: Admin | None = None) -> None:
    """Send none until it is resumed; what was missed until then is not made good."""

    def change() -> None:
        kept = _lock(schedule)
        if (kept.paused_at is not None) == paused:
            return
        kept.paused_at = clock.now() if paused else None
        kept.due_at = _next(kept.rhythm, kept.day, clock.now())
        kept.save(update_fields=["paused_at", "due_at"])
        deed = Deed.REPORT_PAUSED if paused else Deed.REPORT_RESUMED
        audit.note(kept.organization_id, deed, kept, by=by)

    changes.run(change)


def delete(schedule: ReportSchedule, *, by: Admin | None = None) -> None:
    def change() -> None:
        kept = _lock(schedule)
        audit.note(kept.organization_id, Deed.REPORT_DELETED, kept, by=by)
        kept.delete()

    changes.run(change)


def send_now(schedule: ReportSchedule, *, by: Admin) -> Period:
    """The report of the newest whole period to the admin who asks, and to nobody else."""
    period = _period(schedule.rhythm, clock.now().date())

    def change() -> Period:
        outbox.put(schedule.organization_id, LETTER, _payload(schedule, period, by.email))
        audit.note(
            schedule.organization_id,
            Deed.REPORT_SENT,
            schedule,
            by=by,
            after={"to": by.email, "first_day": period.first, "last_day": period.last},
        )
        return period

    return changes.run(change)


def send_due() -> int:
    """Put the reports whose day has come into the outbox; how many. For the schedule."""
    _bring_back()
    sent = 0
    while changes.run(_send_next):
        sent += 1
    return sent


def letter(payload: dict[str, Any]) -> Message | None:
    """The e-mail; None when the schedule is gone or its receiver is no admin here any more."""
    schedule = (
        ReportSchedule.objects.select_related("organization").filter(pk=payload["schedule"]).first()
    )
    if schedule is None:
        return None
    organization = schedule.organization
    if not possible_recipients(organization).filter(email=payload["to"]).exists():
        return None
    period = Period(*(dt.date.fromisoformat(payload[name]) for name in ("first", "last")))
    report = reports.make(
        organization,
        schedule.product,
        period,
        groups=reports.groups_of(organization, schedule.groups),
        everybody=schedule.everybody,
        departments=schedule.departments,
    )
    return _letter(payload["to"], schedule, report)


def sample(organization: Organization, to: str) -> Message:
    """The e-mail with made-up data."""
    period = reports.week_before(clock.now().date())
    rows = [
        Row(
            label,
            Usage(people, held, activated, active, idle, last_day=period.last),
            key=("department", label),
            cost=Decimal(idle * 80),
            currency="EUR",
        )
        for label, people, held, activated, active, idle in (
            ("Sales", 42, 40, 36, 31, 5),
            ("Support", 18, 12, 9, 8, 2),
        )
    ]
    schedule = ReportSchedule(
        organization=organization,
        name="Use by department",
        product=Product.SALES_NAVIGATOR,
        departments=True,
    )
    return _letter(to, schedule, Report(Pool(currency="EUR"), period, rows, Usage()))


def last_letters(schedules: Iterable[ReportSchedule]) -> dict[int, list[Letter]]:
    """By schedule, the e-mails of the last time that any was written, in one statement."""
    found: dict[int, list[Letter]] = {}
    newest: dict[int, dt.datetime] = {}
    ids = [schedule.pk for schedule in schedules]
    lines = Outbox.objects.filter(kind=LETTER, payload__schedule__in=ids).order_by("-id")
    for line in lines[: 20 * MOST_SCHEDULES]:
        id = line.payload["schedule"]
        if newest.setdefault(id, line.created_at) == line.created_at:
            told = Letter(line.payload["to"], line.created_at, line.done_at, line.error)
            found.setdefault(id, []).append(told)
    return found


def when(schedule: ReportSchedule) -> str:
    """In words: "every Monday", "on day 3 of every month"."""
    if schedule.rhythm == ReportSchedule.Rhythm.WEEKLY:
        return f"every {WEEKDAYS[schedule.day - 1]}"
    return f"on day {schedule.day} of every month"


# ------------------------------------------------------------------ inside


def _check(organization: Organization, wanted: Wanted) -> tuple[list[uuid.UUID], list[Admin]]:
    """The groups and admins that are there. Refused: without a name, a product, a day, anybody to
    report on, or anybody to send it to who is an admin of the organization."""
    if not wanted.name.strip():
        raise Refusal("name_missing", "Give the report a name: it is the subject of the e-mail.")
    if wanted.product not in Product.values:
        raise Refusal("product_unknown", f"There is no product “{wanted.product}”.")
    if wanted.rhythm not in ReportSchedule.Rhythm.values:
        raise Refusal("rhythm_invalid", "A report goes out weekly or monthly.")
    weekly = wanted.rhythm == ReportSchedule.Rhythm.WEEKLY
    if not 1 <= wanted.day <= (len(WEEKDAYS) if weekly else LAST_DAY_OF_MONTH):
        raise Refusal(
            "day_invalid",
            f"Choose a day of the week, or a day of the month from 1 to {LAST_DAY_OF_MONTH}.",
        )
    groups = [group.pk for group in reports.groups_of(organization, wanted.groups)]
    if len(groups) > reports.MOST_GROUPS:
        raise Refusal("too_many_groups", f"A report compares {reports.MOST_GROUPS} groups at most.")
    if not (groups or wanted.everybody or wanted.departments):
        raise Refusal("nothing_chosen", "Choose at least one group, everybody or departments.")
    admins = list(possible_recipients(organization).filter(pk__in=wanted.recipients))
    if not admins or len(admins) < len(set(wanted.recipients)):
        raise Refusal(
            "recipients_invalid", "Choose who gets it, among the admins of this organization."
        )
    return groups, admins


def _letter(to: str, schedule: ReportSchedule, report: Report) -> Message:
    organization, period = schedule.organization, report.period
    return Message(
        to=to,
        subject=f"{schedule.name}: {_days(period)}",
        paragraphs=(f"{schedule.get_product_display()} of {organization.name}, {_days(period)}",),
        why=f"You get this because an admin of {organization.name} chose you.",
        template="mail/usage_report",
        context={
            "report": report,
            "cost": reports.COST,
            "link": _link(schedule, period),
            "schedules": settings.PUBLIC_URL + reverse("licensing:schedules"),
        },
        files=((reports.sheet_name(schedule.product, period), _sheet(report)),),
    )


def _columns(wanted: Wanted, groups: Sequence[uuid.UUID]) -> dict[str, Any]:
    return {
        "name": " ".join(wanted.name.split())[:100],
        "product": wanted.product,
        "rhythm": wanted.rhythm,
        "day": wanted.day,
        "groups": list(groups),
        "everybody": wanted.everybody,
        "departments": wanted.departments,
    }


def _told(schedule: ReportSchedule, admins: Sequence[Admin]) -> dict[str, Any]:
    """For the audit log."""
    groups = reports.groups_of(schedule.organization, schedule.groups)
    return {
        "name": schedule.name,
        "product": schedule.get_product_display(),
        "goes": when(schedule),
        "groups": audit.listed([group.name for group in groups]),
        "everybody": schedule.everybody,
        "departments": schedule.departments,
        "to": audit.listed([admin.email for admin in admins]),
    }


def _lock(schedule: ReportSchedule) -> ReportSchedule:
    """One change at a time. Refused: it was deleted meanwhile."""
    kept = (
        ReportSchedule.objects.select_related("organization")
        .select_for_update(of=("self",))
        .filter(pk=schedule.pk)
        .first()
    )
    if kept is None:
        raise Refusal("schedule_gone", f"{schedule.name} was deleted meanwhile.")
    return kept


def _send_to(schedule: ReportSchedule, admins: Iterable[Admin]) -> None:
    ReportRecipient.objects.bulk_create(
        ReportRecipient(organization=schedule.organization, schedule=schedule, admin=admin)
        for admin in admins
    )


def _bring_back() -> None:
    """A clock that was ahead has put reports off for longer than from one to the next."""
    now = clock.now()
    for schedule in ReportSchedule.objects.filter(due_at__gt=now + LONGEST_RHYTHM):
        due = _next(schedule.rhythm, schedule.day, now)
        ReportSchedule.objects.filter(pk=schedule.pk, due_at=schedule.due_at).update(due_at=due)


def _send_next() -> bool:
    """One report that is due. False: none is, or another worker has it."""
    now = clock.now()
    schedule = (
        ReportSchedule.objects.select_for_update(skip_locked=True)
        .filter(paused_at=None, due_at__lte=now)
        .order_by("due_at", "pk")
        .first()
    )
    if schedule is None:
        return False
    due, following = schedule.due_at, _next(schedule.rhythm, schedule.day, schedule.due_at)
    while following <= now:
        due, following = following, _next(schedule.rhythm, schedule.day, following)
    period = _period(schedule.rhythm, due.date())
    _, first_time = SentReport.objects.get_or_create(
        schedule=schedule,
        rhythm=schedule.rhythm,
        first=period.first,
        defaults={"organization_id": schedule.organization_id, "last": period.last, "at": now},
    )
    if first_time:
        chosen = schedule.recipients.values("admin")
        for admin in possible_recipients(schedule.organization).filter(pk__in=chosen):
            outbox.put(
                schedule.organization_id,
                LETTER,
                _payload(schedule, period, admin.email),
                once=_once(schedule, period, admin.email),
            )
    schedule.due_at = following
    schedule.save(update_fields=["due_at"])
    return True


def _payload(schedule: ReportSchedule, period: Period, to: str) -> dict[str, Any]:
    first, last = period.first.isoformat(), period.last.isoformat()
    return {"schedule": schedule.pk, "to": to, "first": first, "last": last}


def _once(schedule: ReportSchedule, period: Period, to: str) -> str:
    digest = hashlib.sha256(to.encode()).hexdigest()
    return f"report {schedule.pk} {schedule.rhythm} {period.first} {digest}"


def _next(rhythm: str, day: int, after: dt.datetime) -> dt.datetime:
    """The next time that it goes, later than that moment."""
    date = after.date()
    while True:
        moment = dt.datetime.combine(date, TIME, dt.UTC)
        of_rhythm = date.isoweekday() if rhythm == ReportSchedule.Rhythm.WEEKLY else date.day
        if of_rhythm == day and moment > after:
            return moment
        date += dt.timedelta(days=1)


def _period(rhythm: str, day: dt.date) -> Period:
    weekly = rhythm == ReportSchedule.Rhythm.WEEKLY
    return reports.week_before(day) if weekly else reports.month_before(day)


def _days(period: Period) -> str:
    return f"{period.first:%d %B %Y} to {period.last:%d %B %Y}"


def _sheet(report: Report) -> str:
    return "".join(sheets.write(reports.sheet(report)))


def _link(schedule: ReportSchedule, period: Period) -> str:
    """The page of the same report."""
    query: list[tuple[str, Any]] = [("product", schedule.product)]
    query += [("from", period.first), ("to", period.last)]
    query += [("group", id) for id in schedule.groups]
    query += [(name, "1") for name in ("everybody", "departments") if getattr(schedule, name)]
    return f"{settings.PUBLIC_URL}{reverse('licensing:reporting')}?{urlencode(query)}"
