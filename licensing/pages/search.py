"""What the search box finds of licensing: people, groups, and the pages of each product."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection
from django.urls import reverse
from django.utils.http import urlencode

from accounts import names
from accounts.models import Group, Organization, Person, Product
from accounts.pages import search
from accounts.pages.search import MOST, Hit, Section

MOST_WORDS = 4
#: Sorts after every text that begins alike.
_END = "\U0010ffff"
_TABS = {
    "pool": "Holders",
    "waiting": "Waiting list",
    "idle": "Idle licenses",
    "freed": "Recently freed",
    "over_time": "Seats over time",
    "history": "History",
}


def register() -> None:
    search.register(people, order=10)
    search.register(groups, order=20)
    search.register(pages, order=80)


def people(organization: Organization, text: str) -> Section:
    """By the beginning of first name, last name or address, and by employee number; without
    case and accents. Everything else of a person is searched on the page of users."""
    found = Person.objects.of(organization).in_bulk(find_people(organization, text))
    hits = [
        Hit(
            person.name or person.email,
            reverse("licensing:person", args=[person.pk]),
            " · ".join(filter(None, (person.email, person.employee_number, person.department))),
        )
        for person in sorted(found.values(), key=lambda person: person.sort_key)
    ]
    more = f"{reverse('licensing:people')}?{urlencode({'q': text})}"
    return Section("Users", "users", hits, more, "Search all their fields")


def find_people(organization: Organization, text: str) -> list[int]:
    """Ids, at most MOST: one statement, each branch of it a stretch of an index."""
    branches, parameters = [], []
    for look in _looks(text):
        branches.append(f"({_BRANCH.format(first=look.where, then=look.then or 'true')})")
        ranges = (
            look.begin,
            look.begin + _END,
            *(look.begins and (look.begins, look.begins + _END)),
        )
        parameters += [organization.pk, *ranges, MOST]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT id FROM ({' UNION ALL '.join(branches)}) found LIMIT {MOST}",
            parameters,
        )
        return [row[0] for row in cursor.fetchall()]


def groups(organization: Organization, text: str) -> Section:
    found = (
        Group.objects.of(organization)
        .filter(name__icontains=text)
        .select_related("application")
        .defer("document")
        .order_by("name_key", "id")[:MOST]
    )
    hits = [
        Hit(
            group.name,
            reverse("licensing:group", args=[group.pk]),
            group.application.name if group.application else "Manual",
        )
        for group in found
    ]
    more = f"{reverse('licensing:groups')}?{urlencode({'q': text})}"
    return Section("Groups", "layers", hits, more, "Search all groups")


def pages(_: Organization, text: str) -> Section:
    found = [
        Hit(f"{label} of {Product(product).label}", reverse(f"licensing:{tab}", args=[product]))
        for product, (tab, label) in itertools.product(Product.values, _TABS.items())
    ]
    found.append(Hit("Held removals", reverse("licensing:held"), "What the safety brake kept"))
    return Section("Licenses", "ticket", search.matching(text, found))


# ------------------------------------------------------------------ inside


class _Look(NamedTuple):
    """A stretch of an index: where begins with `begin`; and then, where begins with `begins`."""

    where: str
    begin: str
    then: str = ""
    begins: str = ""


# The parts of sort_key have indexes of their own (licensing migration 0008).
_LAST, _FIRST, _ADDRESS = (f"split_part(sort_key, E'\\x01', {part})" for part in (2, 3, 4))
_BRANCH = """
    SELECT id FROM accounts_person
    WHERE organization_id = %s AND removed_at IS NULL
      AND {first} >= %s AND {first} < %s AND {then}
    ORDER BY {first} LIMIT %s"""


def _looks(text: str) -> Iterator[_Look]:
    """The whole text as one name, an address or a number; its words as first and last name."""
    whole = names.alphabetical(text)
    yield _Look(_LAST, whole)
    yield _Look(_FIRST, whole)
    yield _Look(_ADDRESS, names.key(text)[:100])
    number = names.employee_number_key(text)
    yield _Look("sort_key", f"{number}\x01" if number.startswith("0") else number)
    words = whole.split()[:MOST_WORDS]
    for cut in range(1, len(words)):
        one, other = " ".join(words[:cut]), " ".join(words[cut:])
        for last, first in ((one, other), (other, one)):
            yield _Look(_LAST, last, f"{_FIRST} >= %s AND {_FIRST} < %s", first)
