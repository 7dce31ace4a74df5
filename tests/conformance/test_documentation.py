"""docs/scim.md: each proof that it names exists, and its leniencies are those of the code."""

from __future__ import annotations

import ast
import os
import re

import pytest

from scim.protocol.leniency import LENIENCIES
from tests import factories
from tests.conformance.conftest import shared_folder
from tests.conformance.live import ROOT

DOCUMENT = ROOT / "docs" / "scim.md"

#: By whose name a form is told: words of its description.
PROVIDERS = {
    "Okta": r"\bOkta\b",
    "Microsoft Entra ID": r"\bEntra\b|\bMicrosoft\b",
    "OneLogin": r"\bOneLogin\b",
}


def _by_provider() -> dict[str, list[str]]:
    """Names of forms under each provider that sends them; the rest under “Others”."""
    found: dict[str, list[str]] = {provider: [] for provider in [*PROVIDERS, "Others"]}
    for name, text in LENIENCIES.items():
        senders = [who for who, words in PROVIDERS.items() if re.search(words, text)]
        for provider in senders or ["Others"]:
            found[provider].append(name)
    return found


def _leniencies() -> str:
    parts = []
    for provider, names in _by_provider().items():
        parts.append(f"### {provider}\n\n| form | who sends it, and what is done |\n|---|---|")
        parts += [f"| `{name}` | {LENIENCIES[name]} |" for name in names]
        parts.append("")
    return "\n".join(parts)


def test_the_leniencies_are_those_of_the_code() -> None:
    """R6. SEATKEEPER_WRITE_DOCS=1 writes them."""
    text = DOCUMENT.read_text()
    start, rest = re.split(r"(?<=test_documentation.py -->\n)", text)
    _, end, after = rest.partition("<!-- end of leniencies -->")
    wanted = f"{start}\n{_leniencies()}\n{end}{after}"
    if os.environ.get("SEATKEEPER_WRITE_DOCS"):
        DOCUMENT.write_text(wanted)
    assert DOCUMENT.read_text() == wanted
    assert set().union(*_by_provider().values()) == set(LENIENCIES)
    assert not any("|" in said for said in LENIENCIES.values()), "which would end the table's cell"


def test_each_proof_that_is_named_exists() -> None:
    """A proof is `file::name`, below tests/; of a tape `file::name[tape]`."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)(?:\[([\w-]+)\])?`", DOCUMENT.read_text())
    assert len(named) > 60
    for file, test, tape in named:
        tree = ast.parse((ROOT / "tests" / file).read_text())
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert test in names, f"{file} has no {test}"
        tapes = shared_folder() / "replay" / "tapes"
        if tape and tapes.exists():
            assert (tapes / f"{tape}.json").exists(), f"there is no tape {tape}"


def test_each_section_has_a_proof() -> None:
    for line in DOCUMENT.read_text().splitlines():
        if re.match(r"\| [2-8](?:[.,]| \|)", line):
            assert "::" in line, line


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_me_is_not_supported_and_says_so(method: str, db: None) -> None:
    """RFC 7644 section 3.11: 501 for who does not support it."""
    answer = factories.connect(factories.organization())(method, "/Me")
    assert answer.status == 501
    assert method == "HEAD" or "/Users" in answer.detail


@pytest.mark.parametrize("path", ["/v1/Users", "/v2/Users", "/users"])
def test_another_version_is_nothing_here(path: str, db: None) -> None:
    """RFC 7644 section 3.13: the version is a part of the address, and addresses have a case."""
    assert factories.connect(factories.organization())("GET", path).status == 404
