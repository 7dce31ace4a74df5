"""Users: the people of the organization, and one person's page."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render

from accounts import departments
from accounts.models import Application, Group, Organization, Person, Product, Role
from accounts.pages import csvs
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import page_by_key
from licensing import activation, explain, idle, people_export
from licensing.activation import Invitation
from licensing.models import LedgerEntry, Pool, Reclaimed, Seat, WaitingEntry
from licensing.pages import many
from licensing.pages.wanted import (
    IDP,
    LICENSES,
    MANUAL,
    Wanted,
    groups_to_choose,
    links_of,
    with_what_is_shown,
)

HISTORY = 100


@admin_required
def people(request: AdminRequest) -> HttpResponse:
    """The list, or (asked by htmx) the rows alone: search, filters, order and page."""
    organization = request.organization
    wanted = Wanted.read(request.GET)
    shown = with_what_is_shown(Person.objects.of(organization), organization)
    context = {
        "page": page_by_key(request, wanted.people(organization), wanted.order, shown),
        "wanted": wanted,
        "sort": wanted.sort,
        "licenses": LICENSES,
        "refused": wanted.refused(organization),
        "deeds": many.deeds(),
    }
    if request.htmx:
        return render(request, "licensing/people.html#results", context)
    applications = list(Application.objects.of(organization).order_by("name"))
    context |= {
        "applications": applications,
        "sources": [
            (IDP, "An identity provider"),
            *((each.pk, each.name) for each in applications),
            (MANUAL, "By hand"),
        ],
        "products": Product.choices,
        "groups": groups_to_choose(organization, wanted.group),
        "departments": departments.of(organization),
    }
    return render(request, "licensing/people.html", context)


@admin_required
def export(request: AdminRequest) -> StreamingHttpResponse:
    """Everybody whom the filter shows, as a CSV file, piece by piece (R10)."""
    organization = request.organization
    wanted = Wanted.read(request.GET)
    rows = people_export.rows(wanted.people(organization), wanted.order)
    return csvs.answer(rows, f"people-{organization.slug}.csv")


@admin_required
def person(request: AdminRequest, person_id: int) -> HttpResponse:
    """One person: profile and who owns it (R8), licenses and why (R22), groups, history."""
    organization = request.organization
    person = get_object_or_404(
        Person.objects.of(organization).select_related("managed_by"), pk=person_id
    )
    links = list(
        links_of(organization)
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
            "is_owner": request.role.kind == Role.Kind.OWNER,
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
