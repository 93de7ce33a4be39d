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
            # The first digest of the plain answer is that of the name itself; the template for it answers otherwise for
            # images of one platform.
            answer=$(docker buildx imagetools inspect "$image")
            digest=$(printf '%s\n' "$answer" | sed -n 's/^Digest: *\(sha256:[0-9a-f]\{64\}\)$/\1/p')
            [ -n "$digest" ] || { echo "no digest of $image" >&2; exit 1; }
            echo "$name=$image@$digest"
            ;;
    esac
done
