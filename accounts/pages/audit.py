"""Settings > Audit log: what admins did, the newest first; filters, and all of it as CSV."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from accounts import audit, audit_rules, undo
from accounts.deeds import Deed
from accounts.models import AuditEntry, Organization, Role
from accounts.pages import asked, csvs
from accounts.pages.access import AdminRequest, admin_required, changes_things, may_change
from accounts.pages.paging import chunks, page_by_key
from accounts.refusal import Refusal

COLUMNS = (
    *("at", "who", "deed", "subject_kind", "subject_name", "subject_id"),
    *("before", "after", "address", "request_id"),
)


#: Days, and what a page calls them.
KEPT = [
    ("0", "For ever"),
    *((str(365 * years), f"For {years} year{'s' if years > 1 else ''}") for years in (1, 2, 3, 5)),
    ("3650", "For 10 years"),
]


class RuleForm(forms.Form):
    kept = forms.ChoiceField(
        label="Keep lines",
        choices=KEPT,
        help_text="Older ones are forgotten within a day, for good. Export them first.",
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
    """A page of it; what can be undone has a button, and beneath stands how long lines are kept."""
    organization = request.organization
    wanted = Wanted.read(request)
    lines = audit.of_organization(organization)
    page = page_by_key(request, wanted.of(organization), ("-id",), lines)
    rule = audit_rules.of(organization)
    context = {
        "page": page,
        "undoable": undo.possible(organization, page.rows, by=request.admin)
        if may_change(request.role)
        else set(),
        "wanted": wanted,
        "deeds": Deed.choices,
        "rule": rule,
        "rule_form": RuleForm(initial={"kept": rule.kept_days or 0}),
        "is_owner": request.role.kind == Role.Kind.OWNER,
    }
    return render(request, "accounts/audit.html", context)


@require_POST
@admin_required
@changes_things
def keep(request: AdminRequest) -> HttpResponse:
    """How long lines are kept; owners say."""
    form = RuleForm(request.POST)
    if form.is_valid():
        days = int(form.cleaned_data["kept"]) or None
        try:
            audit_rules.keep(request.organization, days, by=request.admin)
        except Refusal as refusal:
            messages.error(request, refusal.detail)
        else:
            kept = dict(KEPT)[form.cleaned_data["kept"]].lower()
            messages.success(request, f"Lines of the audit log are kept {kept}.")
    return redirect("accounts:audit")


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
