"""Importing people from a CSV file: upload, look at what would happen, confirm (R10).

The file waits in the database between the two, for the admin who uploaded it. What a preview
shows and what the import does come from the same comparison, and the import is refused
when the people have changed since.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Iterator

from django.db.models import QuerySet

from accounts import audit, by_hand, changes, clock, sheets
from accounts.by_hand import FIELDS, Verdict, Wanted
from accounts.deeds import Deed
from accounts.models import Admin, Organization, PeopleFile, Role
from accounts.refusal import Refusal
from accounts.sheets import Sheet

#: A file waits so long for its admin.
KEPT = dt.timedelta(hours=2)
#: How a column may be called; case, spaces and punctuation make no difference.
ALIASES = {
    "first_name": ("first name", "given name", "forename", "first"),
    "last_name": ("last name", "surname", "family name", "last"),
    "email": (
        "email",
        "email address",
        "mail",
        "mail address",
        "work email",
        "primary email",
        "business email",
        "emails",
    ),
    "employee_number": (
        "employee number",
        "employee no",
        "employee id",
        "personnel number",
        "staff number",
        "staff id",
        "worker id",
        "number",
    ),
    "title": ("title", "job title", "position", "role"),
    "department": ("department", "department name", "dept", "org unit"),
}
REASON = "Reason"
#: Columns of our own reports, which a mended report still has.
_OURS = {"line", "reason"}


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """What the import of a file does, row by row. digest: of all of it, to confirm by."""

    sheet: Sheet
    verdicts: list[Verdict]
    digest: str

    def of(self, deed: str) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.deed == deed]

    @property
    def unused(self) -> list[str]:
        """Columns that nothing is taken from, but for those of our own reports."""
        return [name for name in self.sheet.unused if name.casefold() not in _OURS]


class Outdated(Refusal):
    """What was confirmed is not what would happen now."""

    def __init__(self, preview: Preview) -> None:
        super().__init__(
            "preview_outdated",
            "People have changed since you looked, so nothing was imported. Look at what "
            "would happen now, and confirm again.",
        )
        self.preview = preview


def keep(organization: Organization, name: str, raw: bytes, *, admin: Admin) -> PeopleFile:
    """An upload that can be read; it takes the place of the admin's last one.

    Refused: what `sheets.read` refuses.
    """
    sheets.read(raw, ALIASES, needed="email")

    def change() -> PeopleFile:
        Role.objects.select_for_update().get(
            organization=organization, admin=admin
        )  # one at a time
        PeopleFile.objects.of(organization).filter(admin=admin).delete()
        return PeopleFile.objects.create(
            organization=organization,
            admin=admin,
            name=name[:200],
            content=raw,
            created_at=clock.now(),
        )

    return changes.run(change)


def of(organization: Organization, *, admin: Admin) -> QuerySet[PeopleFile]:
    """The admin's own file that waits, if there is one."""
    waiting = PeopleFile.objects.of(organization).filter(admin=admin)
    return waiting.filter(created_at__gt=clock.now() - KEPT)


def preview(file: PeopleFile) -> Preview:
    """What would happen, and nothing does."""
    sheet = _read(file)
    return _preview(sheet, by_hand.compare(file.organization, _wishes(sheet)))


def import_(file: PeopleFile, *, expected: str, by: Admin | None) -> Preview:
    """Add and change everybody whom the preview says, or nobody.

    expected: the digest that was shown. Refused: it is another one now ("preview_outdated").
    Repeating it changes nothing.
    """
    sheet = _read(file)
    wishes = _wishes(sheet)

    def change() -> Preview:
        found = _preview(sheet, by_hand.compare_and_hold(file.organization, wishes))
        if found.digest != expected:
            raise Outdated(found)
        by_hand.write(file.organization, found.verdicts)
        if about := _told(found):
            audit.note(file.organization_id, Deed.PEOPLE_IMPORTED, file, by=by, after=about)
        return found

    return changes.run(change)


def report(found: Preview) -> Iterator[list[object]]:
    """The refused rows with the reason in a column, to be mended and fed again."""
    yield ["Line", *(FIELDS[field] for field in found.sheet.fields), REASON]
    for verdict in found.of("refuse"):
        cells = [verdict.wanted.cells[field] for field in found.sheet.fields]
        yield [verdict.wanted.number, *cells, verdict.because]


def prune() -> None:
    """Forget what waited too long."""
    PeopleFile.objects.filter(created_at__lte=clock.now() - KEPT).delete()


# ------------------------------------------------------------------ inside


def _read(file: PeopleFile) -> Sheet:
    return sheets.read(bytes(file.content), ALIASES, needed="email")


def _wishes(sheet: Sheet) -> list[Wanted]:
    return [
        Wanted(
            line.number,
            line.cells,
            f"The row has {line.surplus} more cells than the header names columns."
            if line.surplus
            else "",
        )
        for line in sheet.lines
    ]


def _preview(sheet: Sheet, verdicts: list[Verdict]) -> Preview:
    decided = [
        [v.wanted.number, v.deed, v.person_id, [[c.field, c.before, c.after] for c in v.changes]]
        for v in verdicts
    ]
    digest = hashlib.sha256(json.dumps(decided).encode()).hexdigest()
    return Preview(sheet, verdicts, digest)


def _told(found: Preview) -> dict[str, object]:
    """For the audit log: how many were added and changed, and who, as far as names go."""
    told: dict[str, object] = {}
    for deed, word in (("add", "added"), ("change", "changed")):
        emails = [verdict.wanted.cells["email"] for verdict in found.of(deed)]
        if emails:
            told |= {word: len(emails), f"people_{word}": audit.listed(emails)}
    return told
