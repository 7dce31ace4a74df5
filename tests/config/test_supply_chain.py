"""What production consists of is known, named and free to be used and passed on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.config import processes

SHIPPED: dict[str, str] = dict(
    re.findall(
        r"^([a-z0-9-]+)==([^ \\]+)",
        (processes.ROOT / "requirements.lock").read_text(),
        re.MULTILINE,
    )
)
# SPDX words, and what older packages say instead. All of them let a company run, change and sell
# what it builds with them. LGPL and MPL want changes to the package itself published: we make none.
WELCOME = {
    "Apache-2.0", "Apache Software License", "BSD License", "BSD 3-Clause", "BSD-2-Clause",
    "BSD-3-Clause", "ISC",
    "LGPL-3.0-only", "MIT", "MIT-0", "MIT License", "MPL-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)", "PSF-2.0", "Python Software Foundation License",
    "Unlicense", "0BSD",
}  # fmt: skip


def printed(program: str, *arguments: str) -> Any:
    done = subprocess.run(
        [program, *arguments], cwd=processes.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_package_that_is_shipped_has_a_license_that_is_welcome() -> None:
    tool = str(Path(sys.executable).parent / "pip-licenses")
    rows = printed(tool, "--format=json", "--from=mixed", "--packages", *SHIPPED)
    assert len(rows) >= len(SHIPPED) * 0.9, "what is locked is not installed"  # other systems' few
    for row in rows:
        words = re.split(r"\s+(?:AND|OR)\s+|;\s*", row["License"].replace("(Apache", "Apache"))
        for word in words:
            assert word.removesuffix(")") in WELCOME or word in WELCOME, f"{row}: ask before"


def test_the_bill_of_materials_names_each_package_with_its_hashes() -> None:
    bill = printed(str(processes.ROOT / "config" / "bill_of_materials.sh"))
    assert bill["bomFormat"] == "CycloneDX"
    listed = {component["name"]: component for component in bill["components"]}
    assert {name: part["version"] for name, part in listed.items()} == SHIPPED
    for name, component in listed.items():
        assert f"pkg:pypi/{name}@" in component["purl"]
        hashes = [
            digest["content"]
            for reference in component["externalReferences"]
            for digest in reference.get("hashes", ())
        ]
        assert hashes, name
