"""Our own modules as syntax trees: for what is written down only where it happens."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from config.management.commands.verify import APPS

__all__ = ["APPS", "CHECKOUT", "Call", "calls", "modules", "said"]
CHECKOUT = Path(__file__).resolve().parents[3]


class Call(NamedTuple):
    """A call as it is written, and where: `accounts/people.py`, `take_over`."""

    node: ast.Call
    name: str
    path: str
    function: str


@functools.cache
def modules() -> dict[str, ast.Module]:
    """Path in the checkout → tree, of everything that runs in production."""
    return {
        path.relative_to(CHECKOUT).as_posix(): ast.parse(path.read_text())
        for app in APPS
        for path in sorted((CHECKOUT / app).rglob("*.py"))
        if "migrations" not in path.parts
    }


@functools.cache
def calls() -> tuple[Call, ...]:
    return tuple(
        Call(node, name, path, function)
        for path, tree in modules().items()
        for node, name, function in _calls(tree, "")
    )


def _calls(node: ast.AST, function: str) -> Iterator[tuple[ast.Call, str, str]]:
    for child in ast.iter_child_nodes(node):
        inside = function
        if isinstance(child, ast.FunctionDef):
            inside = function or child.name
        elif isinstance(child, ast.Call):
            called = child.func
            if isinstance(called, ast.Name | ast.Attribute):
                yield child, called.id if isinstance(called, ast.Name) else called.attr, function
        yield from _calls(child, inside)


def said(node: ast.expr) -> str:
    """A string as it is written in the code; what is put in at run time stands as `…`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(said(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return said(node.left) + said(node.right)
    if isinstance(node, ast.IfExp):
        one, other = said(node.body), said(node.orelse)
        return one if other in ("…", "") else one if one == other else f"{one} (or: {other})"
    return "…"
