"""What the address asks of the list of people: search, filters, order (R7)."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Container
from functools import reduce
from operator import and_, or_

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import QueryDict

from accounts.models import Group, Link, Membership, Organization, Person, Product
from accounts.pages import asked
from licensing.models import Seat, WaitingEntry

SORTS = {
    "number": ("sort_key", "id"),  # the allocation order
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
    "deactivated": "Deactivated",
}
IDP = "idp"
MANUAL = "manual"
MOST_WORDS = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What makes no sense is left out.

    source: an application that manages the people, or IDP for any, or MANUAL. application:
    one that knows them. Both and group: ids as text.
    """

    search: str
    source: str
    license: str
    product: str
    group: str
    application: str
    department: str
    sort: str

    @classmethod
    def read(cls, query: QueryDict) -> Wanted:
        def text(name: str) -> str:
            return asked.text(query, name, longest=256)

        def one_of(name: str, choices: Container[str]) -> str:
            return text(name) if text(name) in choices else ""

        source, sort = text("source"), text("sort")
        return cls(
            search=text("q")[:200],
            source=source if source in (IDP, MANUAL) else _id(source),
            license=one_of("license", LICENSES),
            product=one_of("product", Product.values),
            group=_id(text("group")),
            application=_id(text("application")),
            department=text("department"),
            sort=sort if sort.removeprefix("-") in SORTS else "number",
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.search or self.source or self.license or self.product or self.further)

    @property
    def further(self) -> bool:
        """Whether one of the less common filters is set."""
        return bool(self.group or self.application or self.department)

    @property
    def order(self) -> list[str]:
        fields = SORTS[self.sort.removeprefix("-")]
        return [f"-{field}" for field in fields] if self.sort.startswith("-") else list(fields)

    def people(self, organization: Organization) -> QuerySet[Person]:
        """Who is asked for, in no order yet."""
        rows = Person.objects.of(organization).filter(removed_at=None)
        if self.search:
            rows = rows.filter(_matches(self.search))
        if self.source == MANUAL:
            rows = rows.filter(managed_by=None)
        elif self.source == IDP:
            rows = rows.exclude(managed_by=None)
        elif self.source:
            rows = rows.filter(managed_by=uuid.UUID(self.source))
        if self.license or self.product:
            rows = rows.filter(_has_license(self.license, self.product))
        if self.group:
            rows = rows.filter(_has(Membership.objects.of(organization), group=self.group))
        if self.application:
            links = Link.objects.of(organization)
            rows = rows.filter(_has(links, application=self.application))
        if self.department:
            rows = rows.filter(department=self.department)
        return rows

    def refused(self, organization: Organization) -> list[WaitingEntry]:
        """People who match but are not here: their push was refused for want of a license (R18)."""
        if not self.search:
            return []
        return list(
            WaitingEntry.objects.of(organization)
            .filter(Q(email__icontains=self.search) | Q(name__icontains=self.search), person=None)
            .select_related("pool")
            .order_by("sort_key")[:5]
        )


def with_what_is_shown(rows: QuerySet[Person], organization: Organization) -> QuerySet[Person]:
    """Seats, waiting list and links of each person, in one query each for a page: as lists, since a
    manager for each row costs a tenth of the page."""
    return rows.select_related("managed_by").prefetch_related(
        Prefetch("seats", Seat.objects.of(organization).select_related("pool"), "shown_seats"),
        Prefetch(
            "waiting",
            WaitingEntry.objects.of(organization).select_related("pool"),
            "shown_waiting",
        ),
        Prefetch("links", links_of(organization), "shown_links"),
    )


def links_of(organization: Organization) -> QuerySet[Link]:
    """Without the documents, which are long and not shown."""
    return Link.objects.of(organization).defer("document", "email_keys", "sort_key")


def groups_to_choose(organization: Organization, chosen: str, *, most: int = 100) -> list[Group]:
    """The first groups by name, and the chosen one."""
    rows = Group.objects.of(organization).defer("document").order_by("name_key", "id")
    found = list(rows[:most])
    if chosen and len(found) == most and chosen not in {str(group.pk) for group in found}:
        found += rows.filter(pk=chosen)
    return found


# ------------------------------------------------------------------ inside


def _matches(search: str) -> Q:
    """Every word stands in one of the searched fields, whatever its case."""
    words = search.split()[:MOST_WORDS]
    return reduce(
        and_,
        (reduce(or_, (Q(**{f"{name}__icontains": word}) for name in SEARCHED)) for word in words),
    )


def _has(rows: QuerySet[Membership] | QuerySet[Link], **same: str) -> Q:
    return Q(Exists(rows.filter(person=OuterRef("pk"), **same)))


def _has_license(state: str, product: str) -> Q:
    """Of any product, or of one. Deactivated: no application that knows them calls them active."""
    seats = Seat.objects.filter(person=OuterRef("pk"))
    waiting = WaitingEntry.objects.filter(person=OuterRef("pk"))
    if state == "deactivated":
        links = Link.objects.filter(person=OuterRef("pk"))
        if product:
            links = links.filter(application__product=product)
        return Q(Exists(links)) & ~Q(Exists(links.filter(active=True)))
    if product:
        seats, waiting = seats.filter(pool__product=product), waiting.filter(pool__product=product)
    if state == "waiting":
        return Q(Exists(waiting))
    if state == "none":
        return ~Q(Exists(seats))
    if state == "":
        return Q(Exists(seats)) | Q(Exists(waiting))
    return Q(Exists(seats if state == "held" else seats.filter(state=state)))


def _id(text: str) -> str:
    return str(asked.as_id(text) or "")
