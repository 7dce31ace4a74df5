"""docs/security.md: each threat names the test that proves its answer, and that test exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENT = CHECKOUT / "docs" / "security.md"


def test_each_proof_that_is_named_exists() -> None:
    """R28."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", DOCUMENT.read_text())
    assert len(named) > 80
    for file, test in named:
        tree = ast.parse((CHECKOUT / "tests" / file).read_text())
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert test in names, f"{file} has no {test}"


def test_each_threat_has_a_proof_and_each_kind_a_threat() -> None:
    """R28: a line of a table begins with its letters of STRIDE."""
    kinds = set()
    for line in DOCUMENT.read_text().splitlines():
        if letters := re.match(r"\| ([STRIDE](?:, [STRIDE])*) \|", line):
            assert "::" in line, line
            kinds |= set(letters[1].split(", "))
    assert kinds == set("STRIDE")


def test_how_to_report_a_weakness_is_told() -> None:
    """R28."""
    assert "Report a weakness" in (CHECKOUT / "SECURITY.md").read_text()
