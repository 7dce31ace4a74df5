#!/usr/bin/env bash
# Print what the image consists of, as a CycloneDX bill of materials: each package of
# requirements.lock with version, hashes and address of the package itself.
#
#   config/bill_of_materials.sh >bill-of-materials.json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec .venv/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
  --output-format JSON --output-reproducible --output-file -
