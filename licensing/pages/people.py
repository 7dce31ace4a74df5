"""Users: the people of the organization, and one person's page."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from functools import reduce
from operator import and_, or_

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.models import Application, Group, Link, Organization, Person
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import page_of
from licensing import activation, explain, idle
from licensing.activation import Invitation
from licensing.models import LedgerEntry, Pool, Reclaimed, Seat, WaitingEntry

SORTS = {
    "number": ("sort_key", "id"),  # the allocation order; has an index
    "name": ("last_name", "first_name", "id"),
    "department": ("department", "last_name", "first_name", "id"),
}
SEARCHED = (
    "first_name",
    "last_name",
    "display_name",
    "email",
    "employee_number",
    "department",
    "title",
)
LICENSES = {
    "held": "With a license",
    "activated": "Activated",
    "provisioned": "Provisioned",
    "waiting": "Waiting",
    "none": "Without a license",
}
MANUAL = "manual"
MOST_WORDS = 6
HISTORY = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks of the list; what makes no sense is left out."""

    search: str
    source: str
    license: str
    sort: str

    @classmethod
    def read(cls, request: HttpRequest) -> Wanted:
        sort = request.GET.get("sort", "")
        license = request.GET.get("license", "")
        return cls(
            search=request.GET.get("q", "").replace("\x00", "").strip()[:200],
            source=_source(request.GET.get("source", "")),
            license=license if license in LICENSES else "",
            sort=sort if sort.removeprefix("-") in SORTS else "number",
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.search or self.source or self.license)


@admin_required
def people(request: AdminRequest) -> HttpResponse:
    """The list, or (asked by htmx) the rows alone: search, filters, order and page."""
    wanted = Wanted.read(request)
    page = page_of(request, _shown(request.organization, wanted))
    context = {
        "page": page,
        "wanted": wanted,
        "sort": wanted.sort,
        "applications": Application.objects.of(request.organization).order_by("name"),
        "licenses": LICENSES,
        "refused": _refused(request.organization, wanted.search),
    }
    part = "licensing/people.html#results" if request.htmx else "licensing/people.html"
    return render(request, part, context)


@admin_required
def person(request: AdminRequest, person_id: int) -> HttpResponse:
    """One person: profile and who owns it (R8), licenses and why (R22), groups, history."""
    organization = request.organization
    person = get_object_or_404(
        Person.objects.of(organization).select_related("managed_by"), pk=person_id
    )
    links = list(
        _links(organization)
        .filter(person=person)
        .select_related("application")
        .order_by("created_at")
    )
    return render(
        request,
        "licensing/person.html",
        {
            "person": person,
            "licenses": _licenses(organization, person),
            "links": links,
            "inactive": bool(links) and not any(link.active for link in links),
            "groups": Group.objects.of(organization)
            .filter(memberships__person=person)
            .select_related("application")
            .order_by("name_key")[:200],
            "history": LedgerEntry.objects.of(organization)
            .filter(person=person)
            .select_related("pool", "application", "admin")
            .order_by("-id")[:HISTORY],
        },
    )


# ------------------------------------------------------------------ inside


@dataclasses.dataclass(frozen=True, slots=True)
class _License:
    pool: Pool
    seat: Seat | None
    waiting: WaitingEntry | None
    because: list[str]
    reclaimed: bool
    reclaim_at: dt.datetime | None
    invitation: Invitation | None

    @property
    def invited(self) -> bool:
        """Whether there is an invitation to tell of: the seat is yet to be activated."""
        return self.seat is not None and self.seat.state == Seat.State.PROVISIONED


def _licenses(organization: Organization, person: Person) -> list[_License]:
    """What the person has of each product, and why: a few queries a product."""
    seats = {
        seat.pool_id: seat
        for seat in Seat.objects.of(organization)
        .filter(person=person)
        .select_related("application")
    }
    waiting = {
        entry.pool_id: entry
        for entry in WaitingEntry.objects.of(organization).filter(person=person)
    }
    reclaimed = set(
        Reclaimed.objects.of(organization).filter(person=person).values_list("pool", flat=True)
    )
    invitations = activation.last_invitations([seat.pk for seat in seats.values()])
    return [
        _License(
            pool=pool,
            seat=seats.get(pool.pk),
            waiting=waiting.get(pool.pk),
            because=explain.explain(pool, person).because,
            reclaimed=pool.pk in reclaimed and pool.pk not in seats,
            reclaim_at=_reclaim_at(pool, seats.get(pool.pk)),
            invitation=invitations.get(seats[pool.pk].pk) if pool.pk in seats else None,
        )
        for pool in Pool.objects.of(organization).order_by("product")
    ]


def _reclaim_at(pool: Pool, seat: Seat | None) -> dt.datetime | None:
    """The day that the owner was warned of, unless SCIM says meanwhile that the seat stays."""
    if seat is None or seat.reclaim_at is None:
        return None
    return seat.reclaim_at if idle.reclaimable(pool).filter(pk=seat.pk).exists() else None


def _shown(organization: Organization, wanted: Wanted) -> QuerySet[Person]:
    rows = (
        Person.objects.of(organization)
        .filter(removed_at=None)
        .select_related("managed_by")
        .prefetch_related(
            Prefetch("seats", Seat.objects.of(organization).select_related("pool")),
            Prefetch("waiting", WaitingEntry.objects.of(organization).select_related("pool")),
            Prefetch("links", _links(organization)),
        )
    )
    if wanted.search:
        rows = rows.filter(_matches(wanted.search))
    if wanted.source == MANUAL:
        rows = rows.filter(managed_by=None)
    elif wanted.source:
        rows = rows.filter(managed_by=uuid.UUID(wanted.source))
    if wanted.license:
        rows = rows.filter(_has_license(wanted.license))
    fields = SORTS[wanted.sort.removeprefix("-")]
    return rows.order_by(*(f"-{f}" for f in fields) if wanted.sort.startswith("-") else fields)


def _matches(search: str) -> Q:
    """Every word stands in one of the searched fields, whatever its case."""
    words = search.split()[:MOST_WORDS]
    return reduce(
        and_,
        (reduce(or_, (Q(**{f"{name}__icontains": word}) for name in SEARCHED)) for word in words),
    )


def _has_license(state: str) -> Q:
    seats = Seat.objects.filter(person=OuterRef("pk"))
    if state == "waiting":
        return Q(Exists(WaitingEntry.objects.filter(person=OuterRef("pk"))))
    if state == "none":
        return ~Q(Exists(seats))
    return Q(Exists(seats if state == "held" else seats.filter(state=state)))


def _links(organization: Organization) -> QuerySet[Link]:
    """Without the documents, which are long and not shown."""
    return Link.objects.of(organization).defer("document", "email_keys", "sort_key")


def _refused(organization: Organization, search: str) -> list[WaitingEntry]:
    """People who match but are not here: their push was refused for want of a license (R18)."""
    if not search:
        return []
    return list(
        WaitingEntry.objects.of(organization)
        .filter(Q(email__icontains=search) | Q(name__icontains=search), person=None)
        .select_related("pool")
        .order_by("sort_key")[:5]
    )


def _source(text: str) -> str:
    if text == MANUAL:
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""
