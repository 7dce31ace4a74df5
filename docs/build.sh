#!/usr/bin/env bash
# Builds the documentation as a site, into build/docs or the folder that is named.
# A warning is an error: a link or a heading that is not there, a page that no menu shows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
site=${1:-build/docs}
.venv/bin/sphinx-build --builder html --fresh-env --write-all --fail-on-warning --keep-going --quiet \
  --doctree-dir "$site/.doctrees" docs "$site"
echo "$site/index.html"
