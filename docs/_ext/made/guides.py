"""The product's own set-up guides (templates/scim/guides), as pages."""

from __future__ import annotations

import uuid
from html.parser import HTMLParser

from django.template.loader import render_to_string

from accounts.models import Application
from made.markdown import code, plain, table
from scim import mapping
from scim.pages import guides

#: What stands for the values that the Admin Center fills in.
BASE_URL = "https://seatkeeper.example.com/scim/v2"


def page(idp: str) -> str:
    application = Application(id=uuid.UUID(int=0), name="Example", idp=idp)
    context = guides.context_of(application, idp) | {"base_url": BASE_URL}
    rows = [
        (plain(each.theirs), code(each.scim), each.ours, each.missing)
        for each in mapping.table(idp)
    ]
    return "\n".join(
        (
            as_markdown(render_to_string(context["steps"], context)),
            "## Attribute mapping\n",
            "What is read of a person. Everything else that is sent is kept and returned, too.\n",
            table((f"in {Application.Idp(idp).label}", "in SCIM", "here", ""), rows),
        )
    )


def as_markdown(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Steps become headings with numbers, and links into the product their words; its buttons
    are left out.

    A tag that no guide had so far is an error, so that nothing is lost unseen.
    """

    _BEFORE = {"b": "**", "code": "`"}
    _SILENT = {"ol", "ul", "svg", "use", "a", "span"}

    def __init__(self) -> None:
        super().__init__()
        self._blocks: list[str] = []
        self._line = ""
        self._step = 0
        self._lists: list[str] = []
        self._in_code = self._in_buttons = False

    def text(self) -> str:
        self._end()
        return "\n\n".join(self._blocks).replace("\n\n- ", "\n- ") + "\n"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("ol", "ul"):
            self._end()
            self._lists.append(tag)
        elif tag == "li":
            self._end()
            if self._lists[-1] == "ul":
                self._line = "- "
        elif tag == "h3":
            self._step += 1
            self._line = f"## {self._step}. "
        elif tag == "p":
            self._end()
            self._in_buttons = ("class", "buttons") in attributes
        elif tag in self._BEFORE:
            self._in_code = tag == "code"
            self._line += self._BEFORE[tag]
        elif tag not in self._SILENT:
            raise ValueError(f"a guide has <{tag}>: teach docs/_ext/made/guides.py what that is")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BEFORE:
            self._in_code = False
            self._line += self._BEFORE[tag]
        elif tag in ("h3", "p", "li", "ol", "ul"):
            self._end()
        if tag == "p":
            self._in_buttons = False
        if tag in ("ol", "ul"):
            self._lists.pop()

    def handle_data(self, data: str) -> None:
        words = "" if self._in_buttons else " ".join(data.split())
        if not words:
            self._line += " " if data and self._line.strip("- ") else ""
            return
        if not self._in_code:
            words = plain(words)
        start = " " if data[0].isspace() and self._line.strip() else ""
        self._line += start + words + (" " if data[-1].isspace() else "")

    def _end(self) -> None:
        if self._line.strip("- "):
            self._blocks.append(self._line.rstrip())
        self._line = ""
