"""The last document of people whose account is gone, kept for restoring them (R13)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from accounts import clock
from accounts.models import KeptDocument, Person
from accounts.sets import among

#: What was freed can be restored for so long.
RESTORABLE = dt.timedelta(days=30)


def keep(person: Person, document: dict[str, Any]) -> None:
    """The account has just gone."""
    KeptDocument.objects.bulk_create(
        [
            KeptDocument(
                person=person,
                organization_id=person.organization_id,
                document=document,
                kept_at=clock.now(),
            )
        ],
        update_conflicts=True,
        unique_fields=["person"],
        update_fields=["document", "kept_at"],
    )


def documents(people: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Of those of these people for whom one is kept, by person."""
    kept = KeptDocument.objects.filter(
        person__in=among(people, "bigint"), kept_at__gte=clock.now() - RESTORABLE
    )
    return dict(kept.values_list("person_id", "document"))


def forget(people: Iterable[int]) -> None:
    """They are back."""
    KeptDocument.objects.filter(person__in=among(people, "bigint")).delete()


def prune() -> None:
    """Forget what can be restored no longer."""
    KeptDocument.objects.filter(kept_at__lt=clock.now() - RESTORABLE).delete()
