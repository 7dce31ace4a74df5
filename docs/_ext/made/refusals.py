"""Every refusal: its code, its sentences, where it arises, and what it is over SCIM."""

from __future__ import annotations

import ast

from made.markdown import code, listed, plain, table
from made.sources import Call, calls, modules, said
from scim import answers
from scim.protocol import errors


def page() -> str:
    return "\n".join((_refusals(), _scim()))


def _refusals() -> str:
    found: dict[str, dict[str, list[str]]] = {}
    for call, texts in _said():
        wanted, sentence = (said(text) for text in texts)
        places = found.setdefault(wanted, {}).setdefault(sentence, [])
        if call.path not in places:
            places.append(call.path)
    rows = []
    for wanted in sorted(found):
        over = answers._ERRORS.get(wanted)
        name = code(wanted) + (f" ({_answer(over)} over SCIM)" if over else "")
        for sentence, places in found[wanted].items():
            rows.append((name, plain(sentence), listed(places)))
            name = ""
    return table(("code", "says", "arises in"), rows)


def _said() -> list[tuple[Call, list[ast.expr]]]:
    """Where a refusal is made, by its class or a class of its own; the code and the sentence."""
    own = {
        node.name
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base) == "Refusal" for base in node.bases)
    }
    made = {"Refusal", *own}
    inits = [
        c
        for c in calls()
        if c.name == "__init__" and ast.unparse(c.node.func) == "super().__init__"
    ]
    return [
        (call, call.node.args[:2])
        for call in [*calls(), *inits]
        if (call.name in made or call in inits)
        and len(call.node.args) == 2
        and isinstance(call.node.args[0], ast.Constant | ast.JoinedStr)
    ]


def _answer(error: type[errors.ScimError]) -> str:
    return f"{error.status} {error.scim_type}" if error.scim_type else str(error.status)


def _scim() -> str:
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.ScimError)
        and kind is not errors.ScimError
    ]
    rows = [
        (
            str(kind.status),
            code(kind.scim_type or ""),
            kind.__doc__ or "",
            plain(kind.default_detail),
        )
        for kind in sorted(classes, key=lambda kind: (kind.status, kind.scim_type or ""))
    ]
    return (
        "## Errors of the SCIM endpoint\n\n"
        "Any refusal above that a push meets and that names no answer is 400 `invalidValue`.\n\n"
        + table(("status", "`scimType`", "when", "says, if there is nothing closer"), rows)
    )
