"""The locks hold what pyproject.toml asks for, with hashes and no address."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.config import processes

PROJECT = tomllib.loads((processes.ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]
WANTED = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-opentelemetry.lock": [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["opentelemetry"],
    ],
    "requirements-local.lock": GROUPS["local"],
    "requirements-dev.lock": [
        wanted
        for group in ("check", "test", "browser", "release", "docs", "conformance")
        for wanted in GROUPS[group]
    ],
}


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_has_what_is_asked_for(name: str) -> None:
    text = (processes.ROOT / name).read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    for wanted in WANTED[name]:
        package = re.split(r"[\[<>=!~; ]", wanted, maxsplit=1)[0].lower().replace("_", "-")
        assert package in locked, f"{package} is missing: run config/lock.sh"
    assert "://" not in text
    assert text.count("==") <= text.count("--hash=sha256:")


def test_a_package_has_one_version_in_all_locks() -> None:
    versions: dict[str, set[str]] = {}
    for name in WANTED:
        text = (processes.ROOT / name).read_text()
        for package, version in re.findall(r"^([a-z0-9-]+)==([^ \\]+)", text, re.MULTILINE):
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}
