#!/bin/sh
# Prints a line NAME_IMAGE=image:tag@sha256:… for every public image of docker-compose.yml and deploy/Dockerfile, asked of
# the registries at this moment. Run it where they can be reached, look at the lines, and keep them in .env:
#   deploy/compose/pin-digests.sh > .env
# From then on compose and bake use those bytes and no others. The digests do not stand in the repository: no registry
# of images can be reached where it is built and tested, and a digest that nobody looked up would be an invention.
set -eu
cd "$(dirname "$0")/../.."
{
    sed -n 's/.*image: ${\([A-Z_]*_IMAGE\):-\([^}]*\)}.*/\1 \2/p' docker-compose.yml
    sed -n 's/^ARG \(BASE\|UV\)=\(.*\)/\1 \2/p' deploy/Dockerfile
} | sort -u | while read -r name default; do
    eval "image=\${$name:-$default}"
    case $image in
        *@sha256:*) echo "$name=$image" ;;
        *)
            digest=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}')
            echo "$name=$image@$digest"
            ;;
    esac
done
