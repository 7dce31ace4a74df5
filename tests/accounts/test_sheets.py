"""CSV files: read whatever a spreadsheet saved, write what no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from accounts import sheets
from accounts.people_files import ALIASES
from accounts.refusal import Refusal

CHECKOUT = Path(__file__).resolve().parent.parent.parent
TEXT = "E-Mail;FIRST NAME;last_name\nzoe@example.com;Zoë;Washburne\n"
CELLS = {"email": "zoe@example.com", "first_name": "Zoë", "last_name": "Washburne"}


def read(raw: bytes) -> sheets.Sheet:
    return sheets.read(raw, ALIASES, needed="email")


@pytest.mark.parametrize(
    ("codec", "called"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_each_encoding_that_spreadsheets_save_is_read_and_told(codec: str, called: str) -> None:
    sheet = read(TEXT.encode(codec))
    assert (sheet.encoding, sheet.lines[0].cells) == (called, CELLS)


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_each_delimiter_is_found_by_the_header(delimiter: str, newline: str) -> None:
    text = TEXT.replace(";", delimiter).replace("\n", newline)
    assert read(text.encode()).lines[0].cells == CELLS
    assert read(f"sep={delimiter}\r\n{text}".encode()).lines[0].number == 3


@pytest.mark.parametrize(
    "header", ["Email address", "E-mail", " e_mail ", "EMAIL", "Work Email", "Mail"]
)
def test_a_column_is_found_however_it_is_called(header: str) -> None:
    assert read(f"{header},Surname\na@b.example,Ng".encode()).fields == ["email", "last_name"]


@pytest.mark.parametrize(
    ("raw", "code", "said"),
    [
        (b"PK\x03\x04 a workbook", "file_unreadable", "workbook"),
        (b"\xff\xfe\x00", "file_unreadable", "UTF-16"),
        (b"email\n\x81\x8d\x00", "file_unreadable", "Windows-1252"),
        (b"", "header_invalid", "It names: nothing"),
        (b"name,phone\nx,1", "header_invalid", "It names: name, phone"),
        (b"email,Mail\na,b", "header_invalid", "Two columns mean the same as"),
        (b"email,name\n,\n", "file_empty", "no rows"),
        (b'email\n"' + b"x" * 200_000, "file_unreadable", "not a CSV file"),
        (b"email\n" + b"x\n" * 20_001, "file_too_long", "20,000"),
        (b"email\n" + b"x" * sheets.MOST_BYTES, "file_too_large", "5.0 MB"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(raw: bytes, code: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(raw)
    assert refused.value.code == code
    assert said in refused.value.detail


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    sheet = read(b'email,title\na@b.example,"two\nlines"\n\nc@d.example,one,more,\n')
    assert [(line.number, line.surplus) for line in sheet.lines] == [(2, 0), (5, 1)]


@pytest.mark.parametrize(
    "cell",
    [
        *("=1+1", "+1", "-1", "@x", "\tx", "\nx", "\rx", "＝1", "'=1", "''=1", " =1"),
        *("O'Neill", "'quoted'", ""),
    ],
)
def test_a_formula_is_defused_and_comes_back_as_it_was(cell: str) -> None:
    """R10, R25, R28: nothing that we write is run by a spreadsheet."""
    text = "".join(sheets.write([["E-mail", "Title"], ["a@b.example", cell]]))
    [_, (_, written)] = csv.reader(io.StringIO(text, newline=""))
    assert written.lstrip(" ")[:1] not in set("=+-@\t\r\n＝")
    assert read(text.encode()).lines[0].cells["title"] == cell.strip()


def test_numbers_stay_numbers_and_none_is_an_empty_cell() -> None:
    assert "".join(sheets.write([[-5, 1.5, None, "x"]])) == "\ufeff-5,1.5,,x\r\n"


def test_every_csv_file_is_written_by_the_one_module_that_defuses() -> None:
    """R10, R25, R28: so no page can forget it."""
    found = [
        (file.relative_to(CHECKOUT).as_posix(), word)
        for app in ("accounts", "licensing", "scim", "config")
        for file in sorted((CHECKOUT / app).rglob("*.py"))
        for word in ("csv.writer", "csv.DictWriter", '"text/csv')
        if word in file.read_text()
    ]
    assert found == [("accounts/pages/csvs.py", '"text/csv'), ("accounts/sheets.py", "csv.writer")]
