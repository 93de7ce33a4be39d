#!/bin/bash
# mongod wants the key of the replica set in a file that it alone may read; a mounted secret is not one.
set -eu
install -m 400 /run/secrets/mongo_keyfile /tmp/keyfile
exec docker-entrypoint.sh "$@"
