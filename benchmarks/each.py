"""What `python -m benchmarks.kills --each` runs, on a database that it may fill: prints JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys

import pytest  # noqa: F401 - settings then are those of tests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from accounts import clock  # noqa: E402
from benchmarks import running  # noqa: E402
from tests import killed_kinds, killing  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.each", description=__doc__)
    parser.add_argument("--moments", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    setup_test_environment()  # forms that ask first are read from the page's context
    killing.quiet(settings)
    now = clock.now()
    worlds = killed_kinds.Worlds(now)
    found = killing.Killing(now)
    told = []
    try:
        for kind in killed_kinds.every(worlds):
            if options.only not in kind.name:
                continue
            seen = found.see(kind, moments=options.moments)
            told.append(seen.__dict__)
            running.say(f"{'; '.join(seen.wrong) or 'whole':<6} {kind.name}")
    finally:
        found.close()
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
