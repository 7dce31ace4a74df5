"""Our own modules as syntax trees: for what is written down only where it happens."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import NamedTuple

from config.management.commands.verify import APPS

__all__ = ["APPS", "CHECKOUT", "Call", "calls", "modules", "said"]
CHECKOUT = Path(__file__).resolve().parents[3]


class Call(NamedTuple):
    """A call as it is written, and in which module: `accounts/people.py`."""

    node: ast.Call
    name: str
    path: str


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
        Call(node, node.func.id if isinstance(node.func, ast.Name) else node.func.attr, path)
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    )


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
