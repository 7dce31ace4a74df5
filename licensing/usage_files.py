"""CSV files of usage events: read, looked at, and recorded by the worker, piece by piece (R25).

A piece, its answers and how far the file has come are one transaction, so a worker that is
killed leaves a file that the next goes on with. A row without an id of its own gets one out of
what it says, so that the same file twice counts once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
import uuid
from collections.abc import Iterator, Sequence

from django.db import connection
from django.db.models import QuerySet

from accounts import audit, changes, clock, sheets
from accounts.deeds import Deed
from accounts.models import Admin, Organization, Product
from accounts.refusal import Refusal
from accounts.sheets import Line, Sheet
from licensing import usage
from licensing.models import RefusedUse, UsageFile
from licensing.usage import Answer, Event

MOST_BYTES = 12 * 1024 * 1024
MOST_ROWS = 100_000
#: Rows that are recorded in one transaction, and that a preview looks at.
PIECE = usage.MOST_EVENTS
#: So long a file waits to be confirmed, and what became of one is shown.
KEPT_UNCONFIRMED = dt.timedelta(hours=2)
KEPT = dt.timedelta(days=30)
#: Each column as we call it, and how else it may be called.
FIELDS = {
    "happened_at": "Time",
    "email": "E-mail",
    "employee_number": "Employee number",
    "product": "Product",
    "kind": "Kind",
    "id": "Event ID",
}
ALIASES = {
    "happened_at": ("time", "happened at", "timestamp", "date", "when", "used at", "last used"),
    "email": ("email", "email address", "mail", "user", "user name"),
    "employee_number": ("employee number", "employee id", "personnel number", "staff number"),
    "product": ("product", "license"),
    "kind": ("kind", "event", "event type", "action"),
    "id": ("event id", "id", "uuid"),
}
REASON = "Reason"
_LABELS = {label.casefold(): value for value, label in Product.choices}


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """What would become of the first rows, as many as PIECE."""

    sheet: Sheet
    rows: list[tuple[Line, Answer]]

    def of(self, outcome: str) -> list[tuple[Line, Answer]]:
        return [row for row in self.rows if row[1].outcome == outcome]

    @property
    def whole(self) -> bool:
        """Whether these are all the rows that there are."""
        return len(self.rows) == len(self.sheet.lines)

    @property
    def unused(self) -> list[str]:
        ours = {"line", REASON.casefold()}
        return [name for name in self.sheet.unused if name.casefold() not in ours]


def keep(
    organization: Organization,
    name: str,
    raw: bytes,
    *,
    product: str = "",
    admin: Admin | None,
) -> UsageFile:
    """A file that can be read, until it is confirmed; it replaces the admin's last such one.

    product: of the rows that name none. Refused: what `sheets.read` refuses, and a file whose
    rows say neither who it was nor of which product ("header_invalid").
    """
    sheet = _read(raw)
    if not {"email", "employee_number"} & set(sheet.fields):
        raise Refusal(
            "header_invalid", "No column says who it was: name one E-mail or Employee number."
        )
    if not product and "product" not in sheet.fields:
        raise Refusal(
            "header_invalid", "No column names the product: choose the product of the whole file."
        )

    def change() -> UsageFile:
        _unconfirmed(organization).filter(admin=admin, admin__isnull=False).delete()
        return UsageFile.objects.create(
            organization=organization,
            admin=admin,
            name=name[:200],
            product=product,
            content=raw,
            rows=len(sheet.lines),
            created_at=clock.now(),
        )

    return changes.run(change)


def of(organization: Organization, *, admin: Admin) -> QuerySet[UsageFile]:
    """Files that an admin may look at: every confirmed one, and their own that waits."""
    files = UsageFile.objects.of(organization).select_related("admin").defer("content")
    since = clock.now() - KEPT_UNCONFIRMED
    waiting = files.filter(admin=admin, confirmed_at=None, created_at__gt=since)
    return waiting | files.filter(confirmed_at__isnull=False)


def preview(file: UsageFile) -> Preview:
    """What would become of the first rows; nothing is recorded."""
    sheet = _read(bytes(file.content))
    lines = sheet.lines[:PIECE]
    events = [_event(line, file.product) for line in lines]
    answers = usage.take(file.organization, events, keep=False)
    return Preview(sheet, list(zip(lines, answers, strict=True)))


def confirm(file: UsageFile, *, by: Admin | None) -> None:
    """The worker records it from now on. Repeating it changes nothing."""

    def change() -> None:
        waiting = UsageFile.objects.filter(pk=file.pk, confirmed_at=None)
        if waiting.update(confirmed_at=clock.now()):
            audit.note(
                file.organization_id,
                Deed.USAGE_IMPORTED,
                file,
                by=by,
                after={"rows": file.rows},
            )

    changes.run(change)


def due() -> list[uuid.UUID]:
    """Confirmed files that are not finished, the first confirmed before the others."""
    files = UsageFile.objects.filter(confirmed_at__isnull=False, finished_at=None)
    return list(files.order_by("confirmed_at").values_list("pk", flat=True))


def work(file_id: uuid.UUID) -> None:
    """Record what is left of a confirmed file; nothing when another worker is at it."""
    with _in_hand(file_id) as mine:
        if mine:
            _record(file_id)


def import_now(organization: Organization, name: str, raw: bytes, *, product: str) -> UsageFile:
    """What the command does: all of it at once. Killed meanwhile, the worker goes on with it."""
    file = keep(organization, name, raw, product=product, admin=None)
    with _in_hand(file.pk):
        confirm(file, by=None)
        _record(file.pk)
    usage.roll_up_all()
    return UsageFile.objects.defer("content").get(pk=file.pk)


def report(file: UsageFile) -> Iterator[list[object]]:
    """The refused rows with the reason in a column, to be mended and fed again."""
    yield ["Line", *FIELDS.values(), REASON]
    for refusal in RefusedUse.objects.filter(file=file).order_by("number").iterator():
        cells = [refusal.cells.get(field, "") for field in FIELDS]
        yield [refusal.number, *cells, refusal.because]


def prune() -> None:
    """Forget files that nobody confirmed, and those that were done long ago."""
    now = clock.now()
    UsageFile.objects.filter(confirmed_at=None, created_at__lte=now - KEPT_UNCONFIRMED).delete()
    UsageFile.objects.filter(finished_at__lte=now - KEPT).delete()


# ------------------------------------------------------------------ inside


def _unconfirmed(organization: Organization) -> QuerySet[UsageFile]:
    return UsageFile.objects.of(organization).filter(confirmed_at=None)


def _read(raw: bytes) -> Sheet:
    return sheets.read(
        raw,
        ALIASES,
        needed="happened_at",
        needed_name=FIELDS["happened_at"],
        most_bytes=MOST_BYTES,
        most_rows=MOST_ROWS,
    )


def _event(line: Line, product: str) -> Event:
    """A product may be called as pages call it."""
    cells = line.cells
    named = cells.get("product") or product
    event = Event.read(cells | {"product": _LABELS.get(named.casefold(), named)})
    if event.id:
        return event
    said = [event.product, event.email.casefold(), event.employee_number, event.happened_at]
    digest = hashlib.sha256("\n".join([*said, event.kind]).encode()).hexdigest()
    return dataclasses.replace(event, id=f"file-{digest[:40]}")


@contextlib.contextmanager
def _in_hand(file_id: uuid.UUID) -> Iterator[bool]:
    """Whether the file is this worker's alone, by a lock of its connection that ends with it."""
    key = f"usage file {file_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        mine = cursor.fetchone()[0]
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def _record(file_id: uuid.UUID) -> None:
    file = UsageFile.objects.select_related("organization").filter(pk=file_id).first()
    if file is None or file.finished_at is not None:
        return
    lines = _read(bytes(file.content)).lines
    while changes.run(functools.partial(_piece, file, lines)):
        pass


def _piece(file: UsageFile, lines: Sequence[Line]) -> bool:
    """The next rows, their answers and the new position, all or nothing. False: it was the last."""
    position = (
        UsageFile.objects.select_for_update().values_list("position", flat=True).get(pk=file.pk)
    )
    piece = lines[position : position + PIECE]
    answers = usage.take(file.organization, [_event(line, file.product) for line in piece])
    told = [(line, answer) for line, answer in zip(piece, answers, strict=True)]
    refused = [(line, answer) for line, answer in told if answer.outcome == usage.REFUSED]
    RefusedUse.objects.bulk_create(
        RefusedUse(
            organization_id=file.organization_id,
            file=file,
            number=line.number,
            cells=line.cells,
            because=answer.because,
        )
        for line, answer in refused
    )
    _advance(file, [answer.outcome for answer in answers], done=position + len(piece))
    return position + len(piece) < len(lines)


def _advance(file: UsageFile, outcomes: Sequence[str], *, done: int) -> None:
    kept = UsageFile.objects.defer("content").get(pk=file.pk)
    kept.position = done
    kept.accepted += outcomes.count(usage.ACCEPTED)
    kept.repeated += outcomes.count(usage.REPEATED)
    kept.refused += outcomes.count(usage.REFUSED)
    changed = ["position", "accepted", "repeated", "refused"]
    if done == kept.rows:
        kept.finished_at, kept.content = clock.now(), b""
        changed += ["finished_at", "content"]
    kept.save(update_fields=changed)
