"""Activity log: every request that came in, what was answered, and what it changed (R28)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import orjson
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render

from accounts import names
from accounts.models import Application, Group, Link, Organization
from accounts.pages import asked, csvs
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import chunks, page_by_key
from scim import advice, differences, words
from scim.differences import Difference
from scim.exchanges import LONGEST_ABOUT
from scim.models import Exchange
from scim.pages import rows

ANSWERS = {
    "done": "Done (below 400)",
    "refused": "Refused or failed (400 and above)",
    "failed": "Failed (500 and above)",
    "400": "400, not understood",
    "403": "403, not allowed",
    "404": "404, not found",
    "409": "409, a clash",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LONGEST_SEARCH = 320
#: People or groups that a search may mean.
_MOST_MEANT = 200
_NEWEST_FIRST = ("-at", "-id")


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for; what makes no sense is left out.

    text: a person's user name or e-mail, a group's name, a SCIM id or a request id.
    until: the last day, itself included.
    """

    text: str
    application: uuid.UUID | None
    answer: str
    method: str
    since: dt.date | None
    until: dt.date | None

    @classmethod
    def of(cls, request: HttpRequest) -> Wanted:
        query = request.GET
        answer, method = query.get("answer", ""), query.get("method", "")
        return cls(
            text=asked.text(query, "q", longest=LONGEST_SEARCH) or asked.text(query, "request"),
            application=asked.as_id(query.get("application", "")),
            answer=answer if answer in ANSWERS or _is_status(answer) else "",
            method=method if method in METHODS else "",
            since=asked.day(query, "since"),
            until=asked.day(query, "until"),
        )

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in dataclasses.fields(self))


@admin_required
def log(request: AdminRequest) -> HttpResponse:
    """The newest first, searched by whom or what they are about."""
    wanted = Wanted.of(request)
    shown = _exchanges(request.organization).defer("request", "response")
    page = page_by_key(request, _rows(request.organization, wanted), _NEWEST_FIRST, shown)
    context = {
        "page": page,
        "deeds": rows.with_deeds(request.organization, page.rows),
        "applications": Application.objects.of(request.organization).order_by("name"),
        "wanted": wanted,
        "answers": ANSWERS,
        "methods": METHODS,
        "query": request.GET.urlencode(),
    }
    part = "scim/activity.html#results" if request.htmx else "scim/activity.html"
    return render(request, part, context)


@admin_required
def exchange(request: AdminRequest, exchange_id: int) -> HttpResponse:
    """One request: its answer, what to do about it, what it changed. Secrets were removed when
    it was recorded."""
    exchange = get_object_or_404(
        Exchange.objects.of(request.organization).select_related(
            "application", "token", "organization"
        ),
        pk=exchange_id,
    )
    difference = differences.of(exchange)
    context = {
        "exchange": exchange,
        "deed": _deed(exchange, difference),
        "what_to_do": advice.what_to_do(exchange.status, exchange.response, exchange.detail),
        "difference": difference,
        "ledger": differences.ledger(exchange),
        "link": _link_of(exchange),
    }
    return render(request, "scim/exchange.html", context)


@admin_required
def export(request: AdminRequest) -> HttpResponseBase:
    """What the log shows, with both bodies, as CSV; however long, a part at a time."""
    found = _rows(request.organization, Wanted.of(request))
    return csvs.answer(_lines(found), "activity-log.csv")


# ------------------------------------------------------------------ searching

#: By either index; `about <> ''` is said, so that the partial one fits every value.
_MEANT = """
    SELECT id FROM scim_exchange WHERE request_id = %s
    UNION
    SELECT id FROM scim_exchange WHERE about = ANY(%s::text[]) AND about <> ''
"""


def _exchanges(organization: Organization) -> QuerySet[Exchange]:
    return Exchange.objects.of(organization).select_related("application", "token")


def _rows(organization: Organization, wanted: Wanted) -> QuerySet[Exchange]:
    found = _exchanges(organization)
    if wanted.text:
        meant = [wanted.text[:128], _about(organization, wanted.text)]
        found = found.filter(pk__in=RawSQL(_MEANT, meant))  # noqa: S611  a constant
    if wanted.application:
        found = found.filter(application=wanted.application)
    if wanted.method:
        found = found.filter(method=wanted.method)
    if wanted.since:
        found = found.filter(at__gte=asked.midnight(wanted.since))
    if wanted.until:
        found = found.filter(at__lt=asked.midnight(wanted.until) + dt.timedelta(days=1))
    return _answered(found, wanted.answer)


def _about(organization: Organization, text: str) -> list[str]:
    """What exchanges about the person or group say that they are about: ids and names."""
    key, id = names.key(text), asked.as_id(text)
    links = Link.objects.of(organization).filter(
        Q(user_name_key=key)
        | Q(person__email_key=key, person__organization=organization)
        | Q(pk=id)
    )
    groups = Group.objects.of(organization).filter(Q(name_key=key) | Q(pk=id))
    meant = {key, text.casefold()}
    for found in (links.values_list("pk", "user_name_key"), groups.values_list("pk", "name_key")):
        for its_id, its_name in found[:_MOST_MEANT]:
            meant |= {str(its_id), its_name}
    return sorted(each[:LONGEST_ABOUT] for each in meant)


def _answered(found: QuerySet[Exchange], answer: str) -> QuerySet[Exchange]:
    if answer == "done":
        return found.filter(status__lt=400)
    if answer == "refused":
        return found.filter(status__gte=400)
    if answer == "failed":
        return found.filter(status__gte=500)
    return found.filter(status=int(answer)) if answer else found


def _is_status(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdecimal()


def _deed(exchange: Exchange, difference: Difference | None) -> str:
    """In words; whoever was deleted is called as they were."""
    named = ("userName", "displayName")
    lines = difference.lines if difference and exchange.method == "DELETE" else ()
    gone = next((str(line.before) for line in lines if line.label in named), "")
    if not gone and exchange.method == "DELETE":
        return rows.with_deeds(exchange.organization, [exchange])[0][1]
    return words.deed(exchange, gone)


def _link_of(exchange: Exchange) -> Link | None:
    """The person whom the request was about, as far as the application has them still."""
    document = exchange.response if isinstance(exchange.response, dict) else {}
    id = asked.as_id(str(document.get("id", ""))) or asked.as_id(exchange.about)
    links = Link.objects.of(exchange.organization).select_related("person")
    return links.filter(pk=id).first() if id else None


# ------------------------------------------------------------------ exporting

_HEAD = (
    "at", "application", "token", "method", "path", "status", "milliseconds", "request_id",
    "detail", "request", "answer",
)  # fmt: skip


def _lines(found: QuerySet[Exchange]) -> Iterator[tuple[Any, ...]]:
    yield _HEAD
    for part in chunks(found, _NEWEST_FIRST):
        yield from map(_values, part)


def _values(row: Exchange) -> tuple[Any, ...]:
    return (
        row.at.astimezone(dt.UTC).isoformat(),
        row.application.name,
        str(row.token or ""),
        row.method,
        row.path,
        row.status,
        row.milliseconds,
        row.request_id,
        row.detail,
        _text(row.request),
        _text(row.response),
    )


def _text(document: Any) -> str:
    return "" if document is None else orjson.dumps(document).decode()
