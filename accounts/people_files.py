"""Importing people from a CSV file: upload, look at what would happen, confirm (R10).

The file's lines wait in a table between the two, for the admin who uploaded it; no line is
ever alone in memory with all the others, so that 100,000 cost what ten do. What a preview
shows and what the import does come from the same comparison (accounts.people_compare), and
the import is refused when the people have changed since. It is one transaction: a file that
is LONG is left to the worker, and one that is killed has done nothing and begins again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import orjson
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.models import QuerySet

from accounts import (
    audit,
    by_hand,
    changes,
    clock,
    names,
    people,
    people_compare,
    request_ids,
    sheets,
)
from accounts.by_hand import FIELDS
from accounts.deeds import Deed
from accounts.models import Admin, Organization, PeopleFile, Role
from accounts.people_compare import Judged, Verdict
from accounts.profile import Profile
from accounts.refusal import Refusal
from accounts.sheets import Header, Line

#: A file waits so long for its admin.
KEPT = dt.timedelta(hours=2)
MOST_BYTES = 15 * 1024 * 1024
MOST_ROWS = 200_000
#: More lines than this are left to the worker: whoever confirms need not wait for them.
LONG = 5_000
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
#: What an import does, in order: what the page that waits for it shows.
STEPS = ("Compare", "Write", "Note it in the audit log")
_log = logging.getLogger("seatkeeper.people_files")
Told = Callable[[int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """What the import of a file does: of each deed how many lines, and the first of them.

    digest: of all of it, to confirm by.
    """

    sheet: Header
    rows: int
    judged: Judged

    @property
    def digest(self) -> str:
        return self.judged.digest

    def of(self, deed: str) -> list[Verdict]:
        """The first ones."""
        return self.judged.first.get(deed, [])

    def total(self, deed: str) -> int:
        return self.judged.totals.get(deed, 0)

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


def keep(
    organization: Organization,
    name: str,
    file: BinaryIO,
    *,
    admin: Admin | None,
    told: Told = lambda rows: None,
) -> PeopleFile:
    """An upload that can be read; it takes the place of the admin's last one.

    told: called with how many rows were read so far. Refused: what `sheets.stream` refuses.
    """

    def change() -> PeopleFile:
        if admin is not None:
            Role.objects.select_for_update().get(
                organization=organization, admin=admin
            )  # one at a time
            PeopleFile.objects.of(organization).filter(admin=admin).delete()
        header, lines = sheets.stream(file, ALIASES, needed="email", most_rows=MOST_ROWS)
        kept = PeopleFile.objects.create(
            organization=organization, admin=admin, name=name[:200], created_at=clock.now()
        )
        rows = _copy(kept, lines, told)
        if not rows:
            raise sheets.empty()
        kept.sheet = {**dataclasses.asdict(header), "rows": rows}
        kept.save(update_fields=["sheet"])
        return kept

    return changes.run(change)


def of(organization: Organization, *, admin: Admin) -> QuerySet[PeopleFile]:
    """The admin's own file that waits, if there is one."""
    waiting = PeopleFile.objects.of(organization).filter(admin=admin, sheet__isnull=False)
    return waiting.filter(created_at__gt=clock.now() - KEPT)


def preview(file: PeopleFile) -> Preview:
    """What would happen, and nothing does."""
    return _preview(file, people_compare.judge(file))


def import_(file: PeopleFile, *, expected: str, by: Admin | None) -> Preview:
    """Add and change everybody whom the preview says, or nobody.

    expected: the digest that was shown. Refused: it is another one now ("preview_outdated").
    Repeating it changes nothing.
    """
    return changes.run(lambda: _import(file, expected=expected, by=by))


def confirm(file: PeopleFile, *, expected: str) -> None:
    """Leave the import to the worker, which does it within a minute (R9)."""
    PeopleFile.objects.filter(pk=file.pk, confirmed_at=None).update(
        expected=expected,
        confirmed_at=clock.now(),
        request_id=request_ids.current.get()[: request_ids.LONGEST],
        outcome=None,
    )


def import_confirmed() -> bool:
    """The worker's part: import the file that was confirmed first. False: there is none.

    Its lock is held until the import is committed together with its outcome, so that no
    file is imported twice, and one whose worker died is imported by the next.
    """
    at_hand: list[PeopleFile] = []

    def change() -> None:
        file = _confirmed().select_for_update(skip_locked=True, of=("self",)).first()
        at_hand[:] = [file] if file else []
        if file is None:
            return
        origin = audit.Origin(file.request_id, None)
        with request_ids.of(file.request_id), audit.within(origin):
            found = _import(file, expected=file.expected, by=file.admin)
            _log.info("file %s: %s", file.pk, dict(found.judged.totals))
        _end(file, {deed: found.total(deed) for deed in ("add", "change", "refuse")})

    try:
        changes.run(change)
    except Outdated:
        _end(at_hand[0], {"outdated": True})
    except OperationalError:
        raise  # the next turn tries again
    except Exception:
        _log.exception("file %s could not be imported", at_hand[0].pk)
        _end(at_hand[0], {"failed": True})
    return bool(at_hand)


def is_running(file: PeopleFile) -> bool:
    return file.confirmed_at is not None and file.outcome is None


def progress(file: PeopleFile) -> int:
    """How many of STEPS are done of an import that runs."""
    return int(cache.get(_progress_key(file.pk), 0))


def report(file: PeopleFile) -> Iterator[list[object]]:
    """The refused rows with the reason in a column, to be mended and fed again."""
    fields = _header(file).fields
    yield ["Line", *(FIELDS[field] for field in fields), REASON]
    for verdict in people_compare.refused(file):
        cells = [verdict.wanted.cells[field] for field in fields]
        yield [verdict.wanted.number, *cells, verdict.because]


def forget(file: PeopleFile) -> None:
    PeopleFile.objects.filter(pk=file.pk).delete()


def prune() -> None:
    """Forget what waited too long."""
    PeopleFile.objects.filter(created_at__lte=clock.now() - KEPT).delete()


# ------------------------------------------------------------------ inside


def _import(file: PeopleFile, *, expected: str, by: Admin | None) -> Preview:
    """Inside a transaction. It is compared twice: a push may have taken somebody over meanwhile,
    who is held only once it is known whom to hold."""
    _step(file, 0)
    people.keep_newcomers_out(file.organization_id)
    people_compare.judge_and_keep(file)
    by_hand.hold_changed()
    people_compare.judge_and_keep(file)
    found = _preview(file, people_compare.kept(file))
    if found.digest != expected:
        raise Outdated(found)
    _step(file, 1)
    by_hand.write_read(file.organization)
    _step(file, 2)
    if about := _told(found):
        audit.note(file.organization_id, Deed.PEOPLE_IMPORTED, file, by=by, after=about)
    return found


def _confirmed() -> QuerySet[PeopleFile]:
    waiting = PeopleFile.objects.filter(confirmed_at__isnull=False, outcome__isnull=True)
    return waiting.select_related("organization", "admin").order_by("confirmed_at")


def _end(file: PeopleFile, outcome: dict[str, Any]) -> None:
    PeopleFile.objects.filter(pk=file.pk).update(outcome=outcome, expected="", confirmed_at=None)


def _step(file: PeopleFile, step: int) -> None:
    if file.confirmed_at is not None:  # somebody looks at a page meanwhile
        with contextlib.suppress(OSError):
            cache.set(_progress_key(file.pk), step, 3600)


def _progress_key(file_id: uuid.UUID) -> str:
    return f"people-file-{file_id}"


def _header(file: PeopleFile) -> Header:
    sheet = file.sheet or {}
    return Header(sheet["encoding"], sheet["fields"], sheet["unused"])


def _preview(file: PeopleFile, judged: Judged) -> Preview:
    return Preview(_header(file), file.rows, judged)


def _copy(file: PeopleFile, lines: Iterable[Line], told: Told) -> int:
    """The lines into their table, one by one. Returns how many."""
    rows = 0
    with connection.cursor() as cursor, cursor.copy(_INTO) as copy:
        for line in lines:
            copy.write_row((file.organization_id, file.pk, *_row(line)))
            rows += 1
            if rows % 1000 == 0:
                told(rows)
    return rows


def _row(line: Line) -> tuple[int, str, str, str, str | None]:
    flaw = (
        f"The row has {line.surplus} more cells than the header names columns."
        if line.surplus
        else by_hand.complaint(line.cells)
    )
    profile = None if flaw else by_hand.columns(Profile.by_hand(**line.cells))
    return (
        line.number,
        names.key(line.cells["email"]),
        orjson.dumps(line.cells).decode(),
        flaw,
        orjson.dumps(profile).decode() if profile else None,
    )


def _told(found: Preview) -> dict[str, object]:
    """For the audit log: how many were added and changed, and who, as far as names go."""
    told: dict[str, object] = {}
    for deed, word in (("add", "added"), ("change", "changed")):
        if total := found.total(deed):
            emails = [verdict.wanted.cells["email"] for verdict in found.of(deed)]
            told |= {word: total, f"people_{word}": audit.listed(emails, total)}
    return told


_INTO = """
COPY accounts_peoplerow (organization_id, file_id, number, key, cells, flaw, profile) FROM STDIN
"""
