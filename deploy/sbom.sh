#!/bin/sh
# Prints the list of parts (CycloneDX 1.5, JSON) of one image, from the lock file: deploy/sbom.sh intake > intake.cdx.json
# It names every Python package with its version and digest; what the base image holds is the base image's to tell.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .uv/bin/uv)
exec "$uv" export --quiet --frozen --no-dev --preview-features sbom-export --format cyclonedx1.5 --package "trunk-$1"
