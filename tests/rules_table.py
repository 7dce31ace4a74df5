"""Which tests prove which rule: docs/rules.md, made from the tests' docstrings.

    python tests/rules_table.py     writes docs/rules.md anew

A test proves a rule by naming it in its docstring ("R12, R13: …").
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENT = CHECKOUT / "docs" / "rules.md"
TITLES = {
    1: "SCIM is for the plans Advanced and Advanced Plus; elsewhere and switched off it is 403",
    2: "Applications are independent of each other, each feeds one pool",
    3: "Tokens: two years, shown once, a hash alone is stored; 401 never tells why",
    4: "Admins are warned before a token ends and once when it has, each warning once",
    5: "SCIM needs no SSO, SSO needs no SCIM",
    6: "Okta, OneLogin and Entra work with the forms that they really send",
    7: "What a push carries, and what is kept and returned unharmed",
    8: "The identity provider is the source of truth for what it manages",
    9: "A change is visible at once; reconciliation repairs what was missed",
    10: "People are added, edited and removed by hand, nothing half done",
    11: "What an application sees, and never sees",
    12: "Creating again is 409; people added by hand are taken over with all they have",
    13: "Deactivating frees, deleting removes from the application, both can be restored",
    14: "SCIM assigns a license and never activates one",
    15: "Seats in use never exceed seats purchased, under any concurrency",
    16: "Who is eligible: everyone, or members of chosen groups",
    17: "Competitors get seats in the order of employee number, name, e-mail",
    18: "Whoever does not fit waits, and the identity provider is told",
    19: "A group push that does not fit is kept, and told each time until it fits",
    20: "Freed seats go to the waiting list, in order",
    21: "Everything is a line in the ledger, and the seats follow from it",
    22: "Why somebody has a seat or none, in plain sentences",
    23: "SCIM groups belong to the identity provider, manual groups to the admins",
    24: "Names of groups never clash",
    25: "Usage reporting compares any groups",
    26: "A request is applied whole or not at all; repeating is harmless",
    27: "An unexpected mass removal is held for review",
    28: "Whatever came in can be seen, with secrets removed",
}
#: Not built yet: no test may be asked of them.
LATER = {25}
_RULE = re.compile(r"\bR(\d{1,2})\b")


def citations() -> dict[int, list[str]]:
    """Rule → tests that name it, as file::name, in order of file and place."""
    found: dict[int, list[str]] = {number: [] for number in TITLES}
    for path in sorted((CHECKOUT / "tests").rglob("test_*.py")):
        for test in _tests(ast.parse(path.read_text())):
            for number in sorted({int(n) for n in _RULE.findall(ast.get_docstring(test) or "")}):
                if number in found:
                    found[number].append(f"{path.relative_to(CHECKOUT)}::{test.name}")
    return found


def text() -> str:
    lines = [
        "# Rules and the tests that prove them",
        "",
        "Made by `python tests/rules_table.py` from the tests' docstrings; don't edit.",
        "",
        "| rule | says | tests |",
        "|---|---|---|",
    ]
    found = citations()
    lines += [
        f"| [R{number}](#r{number}) | {title} | {len(found[number]) or 'later'} |"
        for number, title in TITLES.items()
    ]
    for number, title in TITLES.items():
        if found[number]:
            lines += ["", f"## R{number}", "", f"{title}.", ""]
            lines += [f"- `{test}`" for test in found[number]]
    return "\n".join(lines) + "\n"


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


if __name__ == "__main__":
    DOCUMENT.write_text(text())
