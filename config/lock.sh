#!/usr/bin/env bash
# Write the three locks anew from pyproject.toml: newest versions that fit, hashes, no address.
#   requirements.lock        what production installs
#   requirements-local.lock  what ./run needs besides: PostgreSQL, Valkey, the installer
#   requirements-dev.lock    what ./test needs besides
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lock() {
  .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate --quiet --upgrade "$@"
}

lock pyproject.toml --output-file requirements.lock
lock --group local --constraints requirements.lock --output-file requirements-local.lock
lock --group check --group test --group browser --constraints requirements.lock \
  --constraints requirements-local.lock --output-file requirements-dev.lock
