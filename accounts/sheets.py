"""CSV files that people exchange with a spreadsheet: read whatever it saved, write what is safe.

Reading takes what Excel, LibreOffice, Numbers and directories save: UTF-8 or UTF-16 with or
without a byte order mark, Windows-1252, commas, semicolons or tabs. Writing defuses cells
that a spreadsheet would run as a formula; reading takes the defusing away again.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, TextIO

from accounts.refusal import Refusal

MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 20_000
#: So much is looked at at once: bytes of a file, characters that the header ends in.
_PIECE = 64 * 1024
#: What a spreadsheet takes for a formula at the start of a cell (OWASP, "CSV injection").
_FORMULA = re.compile("[=+\\-@\t\r\n＝＋－＠]")
_DEFUSED = re.compile("'+ *[=+\\-@\t\r\n＝＋－＠]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One row below the header. number: where it begins in the file, the header being 1.

    cells: by field, without outer spaces; a field whose column is not in the file is missing.
    surplus: cells beyond the last column of the header.
    """

    number: int
    cells: dict[str, str]
    surplus: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """fields: those that have a column, in the file's order; unused: columns of other names."""

    encoding: str
    fields: list[str]
    unused: list[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet(Header):
    lines: list[Line]


def read(
    raw: bytes,
    aliases: Mapping[str, Sequence[str]],
    *,
    needed: str,
    needed_name: str = "E-mail",
    most_bytes: int = MOST_BYTES,
    most_rows: int = MOST_ROWS,
) -> Sheet:
    """The rows of a file whose first row names the columns.

    aliases: of each field, how its column may be called; case, spaces and punctuation make no
    difference. needed: the field that must have a column, needed_name: what people call it.
    Refused: too long ("file_too_large", "file_too_long"), no text ("file_unreadable"), no
    header that names `needed`, or one that names a field twice ("header_invalid").
    """
    if len(raw) > most_bytes:
        raise too_large(len(raw), most_bytes)
    header, lines = stream(
        io.BytesIO(raw), aliases, needed=needed, needed_name=needed_name, most_rows=most_rows
    )
    read = list(lines)
    if not read:
        raise empty()
    return Sheet(header.encoding, header.fields, header.unused, read)


def stream(
    file: BinaryIO,
    aliases: Mapping[str, Sequence[str]],
    *,
    needed: str,
    needed_name: str = "E-mail",
    most_rows: int = MOST_ROWS,
) -> tuple[Header, Iterator[Line]]:
    """The same, however long the file is: its lines are read one by one.

    file: can be read from the beginning several times, and stays open. Refused as above, in the
    midst of the lines too; a file without any is for the caller to refuse.
    """
    codec, encoding = _codec(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=codec, newline="")
    fields = {_plain(name): field for field, called in aliases.items() for name in called}
    try:
        rows = _rows(text, set(fields))
        header, columns = _header(rows, fields, encoding, (needed, needed_name))
    except BaseException as error:
        text.detach()
        if isinstance(error, csv.Error):
            raise _no_csv(error) from error
        raise
    return header, _lines(text, rows, header, columns, most_rows)


def too_large(size: int, most: int = MOST_BYTES) -> Refusal:
    return Refusal(
        "file_too_large",
        f"The file has {size / 1024 / 1024:.1f} MB; {most // 1024 // 1024} MB is the most. "
        f"Split it into several files.",
    )


def empty() -> Refusal:
    return Refusal("file_empty", "The file has no rows below its header.")


def write(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The rows as CSV text, piece by piece, with the byte order mark that Excel wants.

    Numbers stay numbers, the negative ones too; None is an empty cell.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for row in rows:
        writer.writerow([defused(cell) if isinstance(cell, str) else cell for cell in row])
        if buffer.tell() > 32_000:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def defused(cell: str) -> str:
    """A cell that no spreadsheet runs: what begins like a formula gets an apostrophe."""
    return f"'{cell}" if _FORMULA.match(cell.lstrip(" ")) or _DEFUSED.match(cell) else cell


# ------------------------------------------------------------------ inside


def _codec(file: BinaryIO) -> tuple[str, str]:
    """The codec of a file and what it is called. Refused: it is no text ("file_unreadable")."""
    file.seek(0)
    start = file.read(2000)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Refusal(
            "file_unreadable",
            "This is a workbook, not a CSV file. In the spreadsheet choose Save as, then "
            "“CSV UTF-8”.",
        )
    marked = [(codec, name) for mark, codec, name in _MARKS if start.startswith(mark)]
    for codec, name in marked or _guesses(start):
        if _decodes(file, codec):
            return codec, name
    raise Refusal(
        "file_unreadable",
        "The file is no text in UTF-8, UTF-16 or Windows-1252. In the spreadsheet choose "
        "Save as, then “CSV UTF-8”.",
    )


def _guesses(start: bytes) -> list[tuple[str, str]]:
    """Without a byte order mark: UTF-16 shows by its zeros, UTF-8 by being valid."""
    if b"\x00" in start:
        little = start[1::2].count(0) >= start[::2].count(0)
        return [("utf-16-le" if little else "utf-16-be", "UTF-16")]
    return [("utf-8", "UTF-8"), ("cp1252", "Windows-1252")]


def _decodes(file: BinaryIO, codec: str) -> bool:
    """Whether all of it is text in that codec."""
    decoder = codecs.getincrementaldecoder(codec)()
    file.seek(0)
    try:
        while piece := file.read(_PIECE):
            if "\x00" in decoder.decode(piece):
                return False
        return "\x00" not in decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False


def _rows(text: TextIO, known: set[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line that each begins at, by the delimiter that explains the header."""
    start = text.read(_PIECE)
    marked = start.startswith("\ufeff")
    start = start.removeprefix("\ufeff")
    told = re.match(r"sep=(.)\r?\n", start, re.IGNORECASE)

    def explained(delimiter: str) -> tuple[int, int]:
        header = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), [])
        return sum(_plain(cell) in known for cell in header), len(header)

    delimiter = told[1] if told else max(",;\t", key=explained)
    text.seek(0)
    if marked:
        text.read(1)
    if told:  # Excel's own way to say it
        text.readline()
    first = number = 2 if told else 1
    reader = csv.reader(text, delimiter=delimiter)
    for row in reader:
        yield number, row
        number = first + reader.line_num


def _header(
    rows: Iterator[tuple[int, list[str]]],
    fields: dict[str, str],
    encoding: str,
    needed: tuple[str, str],
) -> tuple[Header, list[str | None]]:
    """What the first row says, and the field of each column."""
    _, header = next(rows, (1, []))
    columns = [fields.get(_plain(cell)) for cell in header]
    named = [column for column in columns if column]
    if needed[0] not in named:
        found = ", ".join(cell.strip()[:40] for cell in header[:8] if cell.strip()) or "nothing"
        raise Refusal(
            "header_invalid",
            f"The first row must name the columns, one of them {needed[1]}. It names: {found}.",
        )
    twice = next(
        (
            cell
            for cell, field in zip(header, columns, strict=True)
            if field and named.count(field) > 1
        ),
        None,
    )
    if twice is not None:
        raise Refusal(
            "header_invalid",
            f"Two columns mean the same as “{twice.strip()}”. Take one of them out.",
        )
    unused = [cell.strip() for cell, field in zip(header, columns, strict=True) if not field]
    return Header(encoding, named, [name for name in unused if name]), columns


def _lines(
    text: io.TextIOWrapper,
    rows: Iterator[tuple[int, list[str]]],
    header: Header,
    columns: list[str | None],
    most_rows: int,
) -> Iterator[Line]:
    found = 0
    try:
        for number, row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if found == most_rows:
                raise Refusal(
                    "file_too_long",
                    f"The file has more than {most_rows:,} rows. Split it into several files.",
                )
            found += 1
            cells = {
                field: _undefused(cell.strip())
                for field, cell in zip(columns, row, strict=False)
                if field
            }
            surplus = sum(1 for cell in row[len(columns) :] if cell.strip())
            yield Line(number, dict.fromkeys(header.fields, "") | cells, surplus)
    except csv.Error as error:
        raise _no_csv(error) from error
    finally:
        text.detach()  # the file is its owner's to close


def _no_csv(error: csv.Error) -> Refusal:
    return Refusal("file_unreadable", f"The file is not a CSV file: {error}.")


def _plain(text: str) -> str:
    """How a column is called, without case, spaces and punctuation."""
    return re.sub(r"[\W_]", "", text.casefold())


def _undefused(cell: str) -> str:
    return cell[1:].strip() if _DEFUSED.match(cell) else cell
