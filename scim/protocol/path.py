"""Paths of PATCH operations: which attribute, which of its values, which part of them.

    path = [URN ":"] name ["." name] / [URN ":"] name "[" filter "]" ["." name]

Read with the tokens and limits of filter.py. Source: RFC 7644 section 3.5.2, figure 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .errors import InvalidPath
from .filter import Filter, Parser, split_name


@dataclass(frozen=True, slots=True)
class Path:
    """A path as it was written; names are not looked up yet.

    filter: which values of a multi-valued attribute, sub: which sub-attribute of it or of them.
    """

    urn: str | None
    name: str
    filter: Filter | None = None
    sub: str | None = None


def parse(text: str) -> Path:
    """Read a path; InvalidPath tells the position and what was expected there."""
    if "[" in text or len(text) > 256:
        return _with_filter(text)
    return _plain(text)


@lru_cache(maxsize=512)
def _plain(text: str) -> Path:
    """A path without a filter. IdPs send the same few again and again, so they are kept."""
    found = split_name(text)
    if found is None:
        return _with_filter(text)
    return Path(found.urn, found.name, None, found.sub)


def _with_filter(text: str) -> Path:
    parser = Parser(text, InvalidPath, "path")
    start = parser.path()
    if parser.kind == "end":
        return Path(start.urn, start.name, None, start.sub)
    if start.sub is not None:
        parser.fail("the end")
    inside = parser.value_filter(0)
    sub = None
    if parser.kind == "word" and parser.token.startswith("."):
        sub = parser.sub_attribute().name
    if parser.kind != "end":
        parser.fail("the end, or a dot and the name of a sub-attribute")
    return Path(start.urn, start.name, inside, sub)
