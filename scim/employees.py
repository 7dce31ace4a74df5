"""Employees for the simulated identity provider: read from a CSV file, or made up.

Plain Python, no database: `scim_push` and the simulator start from these.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from accounts import names
from accounts.refusal import Refusal

#: Employee numbers are a permutation of this many numbers from 100000 on (a prime, so that
#: every step walks through all of them).
_NUMBERS = 899_981
MOST_EMPLOYEES = 500_000
_MOST_COMPLAINTS = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Employee:
    """Somebody as the customer's directory knows them; a missing value is empty."""

    email: str
    first_name: str = ""
    last_name: str = ""
    employee_number: str = ""
    department: str = ""
    title: str = ""
    active: bool = True

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


# ------------------------------------------------------------------ from a file

#: How a column may be called, without case, spaces, hyphens and underscores.
_COLUMNS = {
    "firstname": "first_name",
    "givenname": "first_name",
    "lastname": "last_name",
    "surname": "last_name",
    "familyname": "last_name",
    "email": "email",
    "emailaddress": "email",
    "employeenumber": "employee_number",
    "employeeid": "employee_number",
    "department": "department",
    "title": "title",
    "jobtitle": "title",
    "active": "active",
}
_YES = {"true", "yes", "y", "1", "active", "enabled", ""}
_NO = {"false", "no", "n", "0", "inactive", "disabled"}


def read(path: Path) -> list[Employee]:
    """The employees of a CSV file, in its order.

    UTF-8 with or without BOM; commas, semicolons or tabs. Only the e-mail column must
    be there, columns of other names are passed over. Refused before anything is sent
    ("people_unreadable", "people_invalid"), naming row and column as a spreadsheet
    counts them: the header is row 1.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Refusal(
            "people_unreadable", f"{path} cannot be read: {error.strerror or error}."
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise Refusal(
            "people_unreadable",
            f"{path} row {row} is not UTF-8. Save the file as “CSV UTF-8” and try again.",
        ) from error
    return parse(text, called=path.name)


def parse(text: str, *, called: str) -> list[Employee]:
    """The employees of a CSV text; `called` is what refusals call it."""
    header, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(rows, []), called)
        return _employees(rows, columns, called)
    except csv.Error as error:
        raise Refusal(
            "people_unreadable", f"{called} line {rows.line_num} is not CSV: {error}."
        ) from error


def _columns(header: list[str], called: str) -> list[str | None]:
    columns = [_COLUMNS.get(re.sub(r"[\s_-]", "", cell).lower()) for cell in header]
    if "email" not in columns:
        raise Refusal(
            "people_invalid",
            f"{called} row 1 names no column email. Columns are first_name, last_name, email, "
            f"employee_number, department, title, active; only email must be there.",
        )
    for column in filter(None, columns):
        if columns.count(column) > 1:
            raise Refusal("people_invalid", f"{called} row 1 names the column {column} twice.")
    return columns


def _employees(rows: Iterable[list[str]], columns: list[str | None], called: str) -> list[Employee]:
    employees: list[Employee] = []
    complaints: list[str] = []
    rows_of: dict[str, int] = {}
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = dict.fromkeys(_COLUMNS.values(), "")
        cells |= {
            column: cell.strip() for column, cell in zip(columns, row, strict=False) if column
        }
        key = names.key(cells["email"])
        complaint = _complaint(cells, row, columns) or (
            f"column email: {cells['email']} is in row {rows_of[key]} already"
            if key in rows_of
            else None
        )
        if complaint:
            complaints.append(f"row {number}, {complaint}")
            continue
        rows_of[key] = number
        active = cells.pop("active").lower() in _YES
        employees.append(Employee(**cells, active=active))
    if complaints:
        more = len(complaints) - _MOST_COMPLAINTS
        raise Refusal(
            "people_invalid",
            f"{called} {'; '.join(complaints[:_MOST_COMPLAINTS])}"
            + (f"; and {more} more" if more > 0 else "")
            + ". Nothing was sent.",
        )
    if not employees:
        raise Refusal("people_invalid", f"{called} has no people below its header.")
    return employees


def _complaint(cells: dict[str, str], row: list[str], columns: list[str | None]) -> str | None:
    if len(row) > len(columns):
        return f"column {len(columns) + 1}: the header has only {len(columns)} columns"
    for column, cell in cells.items():
        if any(unicodedata.category(c) == "Cc" for c in cell):
            return f"column {column}: a line break or control character"
    if not cells["email"]:
        return "column email: empty"
    if not names.looks_like_email(cells["email"]):
        return f"column email: “{cells['email']}” is not an e-mail address"
    if cells["active"].lower() not in _YES | _NO:
        return f"column active: “{cells['active']}” is neither true nor false"
    return None


# ------------------------------------------------------------------ made up

#: First and last names that go together.
_NAMES = tuple(
    (tuple(first.split()), tuple(last.replace("_", " ") for last in lasts.split()))
    for first, lasts in (
        (
            "Olivia James Grace Henry Chloe Marcus",
            "Clarke Harrington Bell Reed-Ames Ward O'Neill",
        ),
        ("Søren Freja Åsa Björn Ingrid Håkon", "Kjær Lindström Ødegård Sjöberg Ström Næss"),
        ("Jürgen Käthe Anneliese Lukas Jörg Mia", "Müller Weiß Schröder Köhler Vogel von_Ahn"),
        ("Zoë Étienne François Léa Hélène Noël", "Lefèvre Brûlé Garçon D'Aubigné Moreau Rivière"),
        ("María José Íñigo Lucía Ángel Ximena", "Núñez García Ibáñez Muñoz Peña de_la_Cruz"),
        ("João Conceição Inês Tomás Luísa Davi", "Gonçalves Araújo Simões Brandão Leão Sá"),
        (
            "Łukasz Agnieszka Zofia Paweł Małgorzata Jan",
            "Wójcik Żak Kowalski Dąbrowska Szymański Łuczak",
        ),
        ("Jiří Žofie Štěpán Eliška Ondřej Petra", "Dvořák Černý Novák Růžička Šimek Říha"),
        ("İpek Çağlar Gülşen Emre Yiğit Ayşe", "Yıldız Şahin Öztürk Güneş Çelik Doğan"),
        ("An Hương Đức Thảo Quỳnh Tuấn", "Nguyễn Trần Phạm Đặng Võ Lê"),
        (
            "Priya Arjun Lakshmi Vikram Ananya Rohan",
            "Raghunathan Iyer Chatterjee Singh Banerjee Patel",
        ),
        ("Yūki Haruka Kenji Sakura Shōta Aiko", "Satō Itō Nakamura Ōno Kobayashi Yamaguchi"),
        ("Wei Xiùyīng Jian Mei Hao Lán", "Zhāng Liú Chén Huáng Lǐ Wú"),
        (
            "Chinonso Adaeze Olúwaṣeun Ngozi Kwame Ama",
            "Okonkwo Adéyẹmí Mensah Chukwu Owusu Bello",
        ),
        ("Amira Yusuf Layla Khalid Noor Omar", "al-Rashid Haddad Ben_Salah Mansour Farouk Najjar"),
        ("Leilani Tāne Aroha Malia Wiremu Kai", "Kealoha Ngata Parata Tūhoe Kahananui Faleolo"),
    )
)
#: Departments, their share of the staff, and titles in them.
_DEPARTMENTS = (
    ("Sales", 30, ("Account Executive", "Sales Manager", "Sales Development Representative")),
    ("Customer Success", 15, ("Customer Success Manager", "Onboarding Specialist")),
    ("Marketing", 12, ("Campaign Manager", "Content Strategist", "Marketing Analyst")),
    ("Business Development", 12, ("Partner Manager", "Business Development Manager")),
    ("Recruiting", 8, ("Recruiter", "Sourcer")),
    ("Engineering", 10, ("Solutions Engineer", "Software Engineer")),
    ("Finance", 7, ("Controller", "Financial Analyst")),
    ("Legal", 6, ("Counsel", "Contract Manager")),
)
#: Letters that Unicode does not take apart into a plain one and an accent.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"}
)


def made_up(count: int, *, seed: int = 1) -> Iterator[Employee]:
    """`count` employees, no two alike; the same ones again for the same seed.

    A longer staff begins with the shorter one, so that a company can grow.
    Addresses are under example.com (RFC 2606), which nobody receives mail at.
    """
    chance = random.Random(seed)  # noqa: S311 - plausible, not secret
    first_number, step = chance.randrange(_NUMBERS), chance.randrange(1, _NUMBERS)
    shares = [share for _, share, _ in _DEPARTMENTS]
    taken: dict[str, int] = {}
    for position in range(count):
        firsts, lasts = chance.choice(_NAMES)
        if chance.random() < 0.3:  # people move and marry
            _, lasts = chance.choice(_NAMES)
        first, last = chance.choice(firsts), chance.choice(lasts)
        department, _, titles = chance.choices(_DEPARTMENTS, shares)[0]
        mailbox = f"{_folded(first)}.{_folded(last)}"
        taken[mailbox] = taken.get(mailbox, 0) + 1
        if taken[mailbox] > 1:
            mailbox += str(taken[mailbox])
        yield Employee(
            email=f"{mailbox}@example.com",
            first_name=first,
            last_name=last,
            employee_number=str(100_000 + (first_number + position * step) % _NUMBERS),
            department=department,
            title=chance.choice(titles),
        )


def _folded(name: str) -> str:
    """A name as mail addresses write it: ASCII letters only."""
    apart = unicodedata.normalize("NFKD", name.lower().translate(_PLAIN))
    return re.sub(r"[^a-z]", "", apart)
