"""What a request changed, as before and after (R28): from the answers in the activity log.

A change of a person is answered with the person, so the answer before it, of the same
person, is how things were. Groups answer a PATCH with nothing; what it did stands in the
request, and what followed from it in the ledger.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from accounts import names
from accounts.profile import ENTERPRISE_USER
from licensing.models import LedgerEntry
from scim.exchanges import LONGEST_ABOUT
from scim.models import Exchange

_CHANGES = ("POST", "PUT", "PATCH")
_LOOKED_AT = 20
_MOST_LINES = 200
#: What SCIM itself keeps, and the groups of a User, which only pushes of groups change.
_NOT_SHOWN = ("schemas", "meta", "id", "groups")
#: A ledger line is older than the log's line of its request by no more than this.
_SLACK = dt.timedelta(minutes=10)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One attribute, as `ui.diff` shows it; None is not there."""

    label: str
    before: Any
    after: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """known: whether the state before is in the log still; without it only `after` is told."""

    lines: list[Line]
    known: bool


def of(exchange: Exchange) -> Difference | None:
    """None: it changed no person or group, or its answer does not say how it is now."""
    if exchange.status >= 300 or exchange.method not in (*_CHANGES, "DELETE"):
        return None
    after = _resource(exchange.response)
    if exchange.method == "DELETE":
        # Whoever was created and deleted is found by their address, which the ledger knows.
        addresses = {names.key(line.email)[:LONGEST_ABOUT] for line in ledger(exchange)}
        before = _before(exchange, exchange.about, {exchange.about, *addresses})
        return None if before is None else Difference(_lines(before, {}), known=True)
    if after is None:
        return None
    if exchange.method == "POST":
        return Difference(_lines({}, after), known=True)
    id = str(after.get("id", ""))
    before = _before(exchange, id, {id, _key(after)})
    lines = _lines(before or {}, after)
    return Difference(lines, known=before is not None)


def ledger(exchange: Exchange) -> QuerySet[LedgerEntry]:
    """What the request did to seats, whosoever they are."""
    return (
        LedgerEntry.objects.of(exchange.organization)
        .filter(
            pool__policies__application=exchange.application_id,
            at__range=(exchange.at - _SLACK, exchange.at + _SLACK),
            request_id=exchange.request_id,
        )
        .select_related("person")
        .order_by("id")[:_MOST_LINES]
    )


# ------------------------------------------------------------------ inside


def _resource(document: Any) -> dict[str, Any] | None:
    """A User or Group; None for an error, a list, or a body that was too large to keep."""
    if isinstance(document, dict) and "id" in document and "meta" in document:
        return document
    return None


def _key(resource: dict[str, Any]) -> str:
    name = resource.get("userName") or resource.get("displayName") or ""
    return names.key(str(name))[:LONGEST_ABOUT]


def _before(exchange: Exchange, id: str, about: set[str]) -> dict[str, Any] | None:
    """The last answer before this one that showed the same resource."""
    same = Q(about__in=[each for each in about if each])
    earlier = (
        Exchange.objects.of(exchange.organization)
        .filter(same, application=exchange.application_id, method__in=_CHANGES, status__lt=300)
        .exclude(about="")  # so that the index of `about` fits, whatever is asked
        .filter(Q(at__lt=exchange.at) | Q(at=exchange.at, pk__lt=exchange.pk))
        .order_by("-at", "-id")
        .values_list("response", flat=True)[:_LOOKED_AT]
    )
    for response in earlier:
        resource = _resource(response)
        if resource is not None and str(resource["id"]) == id:
            return resource
    return None


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    old, new = dict(_flat(before)), dict(_flat(after))
    attributes = [*new, *(attribute for attribute in old if attribute not in new)]
    return [
        Line(attribute, old.get(attribute), new.get(attribute))
        for attribute in attributes
        if old.get(attribute) != new.get(attribute)
    ]


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and plain values, what SCIM itself keeps left out."""
    if isinstance(value, dict):
        for name, part in value.items():
            if path or name not in _NOT_SHOWN:
                short = "enterprise" if name == ENTERPRISE_USER else name
                yield from _flat(part, f"{path}.{short}" if path else short)
    elif isinstance(value, list):
        for item in value:
            yield from _flat_item(item, path)
    elif value is not None:
        yield path, value


def _flat_item(item: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A member of a list, told by its type or value and not by its place."""
    if not isinstance(item, dict):
        yield f"{path}[{item}]", item
        return
    if path == "members":
        yield f"{path}[{item.get('value')}]", item.get("display") or item.get("value")
        return
    where = f"{path}[{item['type']}]" if item.get("type") else path
    yield from _flat({name: part for name, part in item.items() if name != "type"}, where)
