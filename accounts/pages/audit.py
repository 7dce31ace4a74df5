"""Settings > Audit log: what admins did, the newest first; filters, and all of it as CSV."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode

from accounts import audit
from accounts.deeds import Deed
from accounts.models import AuditEntry, Organization
from accounts.pages import asked, csvs
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import PER_PAGE, chunks

COLUMNS = (
    *("at", "who", "deed", "subject_kind", "subject_name", "subject_id"),
    *("before", "after", "address", "request_id"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks of the log; what makes no sense is left out.

    who, subject: a part of the name. first, last: days, both included.
    """

    who: str
    deed: str
    subject: str
    first: dt.date | None
    last: dt.date | None

    @classmethod
    def read(cls, request: HttpRequest) -> Wanted:
        query = request.GET
        deed = query.get("deed", "")
        return cls(
            who=asked.text(query, "who"),
            deed=deed if deed in Deed.values else "",
            subject=asked.text(query, "subject"),
            first=asked.day(query, "first"),
            last=asked.day(query, "last"),
        )

    @property
    def query(self) -> str:
        """For addresses: what is asked, without what is not."""
        values = dataclasses.asdict(self)
        return urlencode({name: value for name, value in values.items() if value})

    def of(self, organization: Organization) -> QuerySet[AuditEntry]:
        rows = audit.of_organization(organization)
        if self.who:
            command = Q(email=audit.COMMAND) if self.who.lower() in "the command line" else Q()
            rows = rows.filter(Q(email__icontains=self.who) | command)
        if self.deed:
            rows = rows.filter(deed=self.deed)
        if self.subject:
            rows = rows.filter(Q(subject_name__icontains=self.subject) | Q(subject_id=self.subject))
        if self.first:
            rows = rows.filter(at__gte=asked.midnight(self.first))
        if self.last:
            rows = rows.filter(at__lt=asked.midnight(self.last) + dt.timedelta(days=1))
        return rows


@admin_required
def log(request: AdminRequest) -> HttpResponse:
    """A page of it, without counting: `before` is the line above which the page begins."""
    wanted = Wanted.read(request)
    rows = wanted.of(request.organization)
    before = request.GET.get("before", "")
    older = before.isascii() and before.isdecimal() and len(before) < 19
    found = list((rows.filter(pk__lt=int(before)) if older else rows)[: PER_PAGE + 1])
    context = {
        "entries": found[:PER_PAGE],
        "next": found[PER_PAGE - 1].pk if len(found) > PER_PAGE else None,
        "older": older,
        "wanted": wanted,
        "deeds": Deed.choices,
    }
    return render(request, "accounts/audit.html", context)


@admin_required
def export(request: AdminRequest) -> HttpResponseBase:
    """The same lines as CSV, a part at a time, so that no log is too long."""
    wanted = Wanted.read(request)
    return csvs.answer(_lines(wanted.of(request.organization)), "audit-log.csv")


# ------------------------------------------------------------------ inside


def _lines(rows: QuerySet[AuditEntry]) -> Iterator[tuple[object, ...]]:
    yield COLUMNS
    for part in chunks(rows, ("-id",)):
        for entry in part:
            yield (
                entry.at.astimezone(dt.UTC).isoformat(timespec="milliseconds"),
                entry.who,
                entry.name,
                entry.subject_kind,
                entry.subject_name,
                entry.subject_id,
                _json(entry.before),
                _json(entry.after),
                entry.address or "",
                entry.request_id,
            )


def _json(values: object) -> str:
    return "" if values is None else json.dumps(values, ensure_ascii=False)
