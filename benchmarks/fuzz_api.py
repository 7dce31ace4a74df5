"""A long fuzz of the Admin API, over HTTP to the real server.

    .venv/bin/python -m benchmarks.fuzz_api --seconds 600

lets Schemathesis make requests from the OpenAPI description, right ones and wrong ones, one by
one and in sequences, and check each answer against it. Prints what it found and ends with 1 if
anything was wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from config import embedded
from tests.api import fuzzing
from tests.conformance.live import Server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=9457)
    parser.add_argument("arguments", nargs="*", help="further ones of `st run`, after --")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seatkeeper-fuzz-")))
        folder.chmod(0o711)  # PostgreSQL passes through as another user when we are root
        addresses = stack.enter_context(embedded.start(folder.resolve(), temporary=True)).addresses
        server = stack.enter_context(Server(addresses.database_url, addresses.redis_url))
        code, said = fuzzing.run(
            server,
            folder,
            *("--max-time", str(options.seconds), "--seed", str(options.seed)),
            *("--generation-database", "none", "--continue-on-failure", *options.arguments),
        )
        print(said)
        print(server.log.read_text()[-5000:], file=sys.stderr)
    return code


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    sys.exit(main())
