"""Tables and cells of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell(part) for part in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(text: str) -> str:
    """One line that ends no cell."""
    return " ".join(text.split()).replace("|", "\\|")


def plain(text: str) -> str:
    """Text that was written for people, not as Markdown: nothing in it is a sign."""
    for sign in "\\`*_[]<>":
        text = text.replace(sign, "\\" + sign)
    return text


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def listed(words: Iterable[str]) -> str:
    return ", ".join(code(word) for word in words)
