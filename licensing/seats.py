"""Who holds and who waits, in allocation order: what lists, pages and commands show."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from licensing.models import Pool, Seat, WaitingEntry


def holders(pool: Pool) -> QuerySet[Seat]:
    return (
        Seat.objects.filter(pool=pool)
        .select_related("person", "application")
        .order_by("person__sort_key", "person_id")
    )


def waiting(pool: Pool) -> QuerySet[WaitingEntry]:
    return WaitingEntry.objects.filter(pool=pool).order_by("sort_key", "id")


def as_dict(seat: Seat) -> dict[str, Any]:
    """A seat in interface.md's words."""
    return {
        "email": seat.person.email,
        "employee_number": seat.person.employee_number or None,
        "source": seat.source,
        "state": seat.state,
        "application": seat.application.name if seat.application else None,
    }
