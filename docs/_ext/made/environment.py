"""Every environment variable that the code reads: its meaning is that of docs/operations.md."""

from __future__ import annotations

import ast
import re

from made.markdown import code, listed, table
from made.sources import CHECKOUT, calls, said

_NO_READS = {"setdefault", "pop", "update", "copy", "items"}
_ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$", re.MULTILINE)
#: Told on the same page, outside its table.
_ELSEWHERE = {"SEATKEEPER_PASSWORD": ("it asks", "the password of who is made by `create_admin`")}


def page() -> str:
    told = {name: (usual, means) for name, usual, means in _rows()}
    read = _read()
    if other := set(told) ^ (set(read) - set(_ELSEWHERE)):
        raise ValueError(f"docs/operations.md and the code differ about {', '.join(sorted(other))}")
    rows = [
        (code(name), *reversed(told.get(name, _ELSEWHERE.get(name, ()))), where)
        for name, where in read.items()
    ]
    return table(("variable", "means", "default", "read in"), rows) + "\n" + _checks()


def _rows() -> list[tuple[str, str, str]]:
    text = (CHECKOUT / "docs" / "operations.md").read_text()
    section = text.split("\n## Environment\n")[1].split("\n## ")[0]
    return _ROW.findall(section)


def _read() -> dict[str, str]:
    """Name → the modules that read it."""
    found: dict[str, list[str]] = {}
    for call in calls():
        function = call.node.func
        if call.name in _NO_READS or not isinstance(function, ast.Attribute) or not call.node.args:
            continue
        reader = ast.unparse(function.value)
        name = said(call.node.args[0])
        if reader in ("env", "environ", "os.environ") and name.isupper():
            found.setdefault(name, []).append(call.path)
    return {name: listed(dict.fromkeys(paths)) for name, paths in sorted(found.items())}


def _checks() -> str:
    rows = []
    for call in calls():
        if call.path == "config/checks.py" and call.name in ("refuse", "Warning"):
            first, *texts = call.node.args
            if call.name == "refuse":
                name = f"seatkeeper.E{ast.literal_eval(first):03}"
                rows.append((code(name), *map(said, texts)))
            else:
                more = {word.arg: said(word.value) for word in call.node.keywords}
                rows.append((code(more["id"]), said(first), more["hint"]))
    return (
        "## What production refuses\n\nWeb and worker start with none of the errors (E).\n\n"
        + table(("check", "says", "what to do"), rows)
    )
