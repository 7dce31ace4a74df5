"""The documentation: it is built without a warning, every link leads somewhere, and the tutorial
gives what it says."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command

from config.management.commands import quickstart
from scim import exchanges
from tests.config import processes

DOCS = processes.ROOT / "docs"
#: What stands in a page for what each machine prints of its own.
WORD = re.compile(r"\b(?:[A-Z]+_)?(?:ID|URL|TOKEN|EMAIL|PASSWORD)\b(?!=)")


class Command(NamedTuple):
    words: str
    prints: list[str]


def test_the_tutorial_gives_what_it_says(
    transactional_db: None, live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R15, R17, R18, R22: ten people, six licenses, an answer why, and four licenses more."""
    settings.PUBLIC_URL = live_server.url
    page = (DOCS / "tutorial.md").read_text()
    known: dict[str, str] = {}
    try:
        for command in _commands(page):
            if command.words == "./run":  # tests/config/test_quickstart.py
                continue
            words = WORD.sub(lambda word: known[word[0]], command.words)
            _compare(_run(words, monkeypatch), command.prints, known)
    finally:
        exchanges.flush()
    printed = quickstart._as_text(
        "http://127.0.0.1:8000",
        {"admin": {"email": "an@example.com", "password": "x"}, "token": "seatkeeper_x"},
        empty=False,
    )
    _compare(printed, re.findall(r"^```text\n(.*?)^```$", page, re.S | re.M)[0].split("\n"), {})


class Command(NamedTuple):
    words: str
    prints: list[str]


def _commands(page: str) -> Iterator[Command]:
    """Each `$ …` in the blocks of a page, with the lines below it."""
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        for each in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            words, *prints = each.rstrip("\n").split("\n")
            yield Command(words, prints)


def _run(words: str, monkeypatch: pytest.MonkeyPatch) -> str:
    before, _, after = words.partition(".venv/bin/python manage.py ")
    for setting in shlex.split(before):
        monkeypatch.setenv(*setting.split("=", 1))
    said = io.StringIO()
    with contextlib.suppress(SystemExit):  # what was refused is compared, too
        call_command(*shlex.split(after), stdout=said, stderr=said)
    return said.getvalue()


def _compare(said: str, prints: list[str], known: dict[str, str]) -> None:
    """Line by line; what a word in capitals stands for is learnt where it is printed first."""
    lines = said.strip("\n").split("\n")
    assert len(lines) == len(prints := "\n".join(prints).strip("\n").split("\n")), said
    for line, wanted in zip(lines, prints, strict=True):
        pattern = "".join(
            ".*"
            if part == "…"
            else re.escape(known.get(part, part))
            if part in known or not WORD.fullmatch(part)
            else rf"(?P<{part}>\S+)"
            for part in re.split(f"(…|{WORD.pattern})", wanted)
        )
        match = re.fullmatch(pattern, line)
        assert match, f"the page says\n{wanted}\nand the command\n{line}"
        known |= match.groupdict()
