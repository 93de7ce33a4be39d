#!/bin/bash
# In place of mongod: PostgreSQL with DocumentDB, and FerretDB in front of it. The arguments of mongod are not used.
set -euo pipefail
cluster=/data/db/postgresql
user=$(cat "$MONGO_INITDB_ROOT_USERNAME_FILE")
if [ ! -e "$cluster/made" ]; then
    rm -rf "$cluster"
    initdb -D "$cluster" -U "$user" --pwfile="$MONGO_INITDB_ROOT_PASSWORD_FILE" -E UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 >/dev/null
    echo "include '/etc/trunk.conf'" >> "$cluster/postgresql.conf"
    pg_ctl -D "$cluster" -w -o "-c listen_addresses=''" -l /tmp/first-start.log start >/dev/null
    psql -v ON_ERROR_STOP=1 -h /tmp -U "$user" -q -c 'CREATE EXTENSION documentdb CASCADE' postgres
    pg_ctl -D "$cluster" -w -m fast stop >/dev/null
    touch "$cluster/made"
fi
postgres -D "$cluster" &
database=$!
until pg_isready -q -h 127.0.0.1; do kill -0 $database; sleep 0.2; done
FERRETDB_POSTGRESQL_URL="postgres://$user:$(cat "$MONGO_INITDB_ROOT_PASSWORD_FILE")@127.0.0.1:5432/postgres" \
    ferretdb --listen-addr=0.0.0.0:27017 --state-dir=/tmp --telemetry=disable --debug-addr=- --log-level=warn &
server=$!
trap 'kill -TERM $server; wait $server || true; kill -INT $database; wait $database || true; exit 0' TERM INT
wait -n $server $database
