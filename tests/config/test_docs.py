"""The documentation: it is built without a warning, every link leads somewhere, every page is
found, and the tutorial gives what it says."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from django.core.management import call_command

from config.management.commands import quickstart
from scim import exchanges
from tests.config import processes

DOCS = processes.ROOT / "docs"
#: What stands in a page for what each machine prints of its own.
WORD = re.compile(r"\b(?:[A-Z]+_)?(?:ID|URL|TOKEN|EMAIL|PASSWORD)\b(?!=)")


class Page(HTMLParser):
    """links: where a reader can go. parts: what a browser loads. ids: headings and the like."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.parts: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if given.get("id"):
            self.ids.add(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        elif tag in ("img", "script", "link"):
            self.parts += [str(given[name]) for name in ("src", "href") if given.get(name)]


def test_the_site_is_built_and_every_link_of_it_leads_somewhere(tmp_path: Path) -> None:
    """Without a warning, loading nothing from elsewhere; from the first page one comes to all."""
    done = _build([str(DOCS / "build.sh"), str(tmp_path)])
    assert done.returncode == 0, done.stderr
    site = {path: Page(path) for path in tmp_path.rglob("*.html")}
    assert len(site) > 40
    assert _wrong_links(site) == []
    lost = set(site) - _reached(site, tmp_path / "index.html")
    assert {path.name for path in lost} <= {"genindex.html", "search.html"}  # Sphinx's own


def _wrong_links(site: dict[Path, Page]) -> list[tuple[str, str]]:
    wrong = []
    for path, page in site.items():
        for link in page.parts + page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.parts:
                    wrong.append((path.name, link))
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file() or (
                parts.fragment and target in site and parts.fragment not in site[target].ids
            ):
                wrong.append((path.name, link))
    return wrong


def _reached(site: dict[Path, Page], first: Path) -> set[Path]:
    reached: set[Path] = set()
    ahead = [first]
    while ahead:
        path = ahead.pop()
        if path in site and path not in reached:
            reached.add(path)
            links = (urlsplit(link) for link in site[path].links)
            ahead += [(path.parent / link.path).resolve() for link in links if link.path]
    return reached


def test_what_leads_nowhere_and_what_nobody_finds_fails_the_build(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.md").write_text(
        "# First\n\n[a](gone.md) [b](#gone) [c](lost.md#gone) ![d](gone.webp)\n"
    )
    (pages / "lost.md").write_text("# Nobody finds this\n")
    done = _build(
        [sys.executable, "-m", "sphinx", "-qWc", str(DOCS), str(pages), str(tmp_path / "site")]
    )
    assert done.returncode == 1
    for said in (
        "'gone.md'",
        "'gone' [myst",
        "doc 'lost': 'gone'",
        "gone.webp",
        "isn't included in any toctree",
        "cannot be reached from the index",
    ):
        assert said in done.stderr, done.stderr


def test_how_tos_name_what_stands_on_the_pages() -> None:
    """What is bold is a word of the Admin Center: of a template, a form or a menu."""
    product = "".join(
        path.read_text()
        for folder, kind in (
            ("templates", "*.html"),
            ("accounts", "*.py"),
            ("licensing", "*.py"),
            ("scim", "*.py"),
        )
        for path in (processes.ROOT / folder).rglob(kind)
    )
    for path in sorted((DOCS / "how-to").glob("*.md")):
        if path.name != "index.md":
            for name in re.findall(r"\*\*(.+?)\*\*", path.read_text()):
                assert name in product, f"{path.name}: no page has “{name}”"
            for way in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", path.read_text()):
                for name in way.split(" > "):
                    assert name in product, f"{path.name}: no page has “{name}”"


def test_files_that_the_readme_names_are_there() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#]+)", (processes.ROOT / name).read_text()):
            assert link.startswith("http") or (processes.ROOT / link).exists(), link


def _build(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=processes.ROOT,
        env=processes.environment(processes.ROOT / "var"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


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
    lines, wanted_lines = (text.strip("\n").split("\n") for text in (said, "\n".join(prints)))
    assert len(lines) == len(wanted_lines), said
    for line, wanted in zip(lines, wanted_lines, strict=True):
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
