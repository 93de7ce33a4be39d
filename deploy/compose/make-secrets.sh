#!/bin/sh
# Makes every secret of a compose trunk, once, from the kernel's random numbers: nothing has a default.
#   deploy/compose/make-secrets.sh [FOLDER]      FOLDER: else deploy/compose/secrets
# A second run makes what is missing and touches no secret that exists; what only follows from others
# (broker_users.json, mongo_users.json, s3_identities.json) is written anew. To change a secret see
# docs/operations/install-compose.md. The folder belongs to its owner alone; the files inside are readable to the users of
# the containers, into which compose mounts each one where it is needed.
set -eu
umask 022
identities=$(cd "$(dirname "$0")/../seaweedfs" && pwd)/identities.json
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# keep NAME: what stands on standard input becomes the file NAME, unless there is one.
keep() {
    if [ -e "$1" ]; then cat >/dev/null; return; fi
    cat >".$1.unfinished"
    mv ".$1.unfinished" "$1"
}

# write NAME: what stands on standard input becomes the file NAME, whatever was there.
write() {
    cat >".$1.unfinished"
    mv ".$1.unfinished" "$1"
}

random 24 | keep rabbitmq_admin_password
printf 'default_vhost = trunk\ndefault_user = admin\ndefault_pass = %s\n' "$(cat rabbitmq_admin_password)" |
    keep rabbitmq_admin.conf

for user in intake validator router archive notifier operator reader; do
    random 24 | keep "broker_password_$user"
    printf 'amqp://%s:%s@rabbitmq:5672/trunk' "$user" "$(cat "broker_password_$user")" | keep "amqp_url_$user"
done
# The canary's two units, in the profile of that name. (docs/operations/canary.md).
for user in CANARY.1 CANARY.2; do random 24 | keep "broker_password_$user"; done
printf 'amqp://CANARY.1:%s@rabbitmq:5672/trunk' "$(cat broker_password_CANARY.1)" | keep canary_sender_amqp_url
printf 'amqp://CANARY.2:%s@rabbitmq:5672/trunk' "$(cat broker_password_CANARY.2)" | keep canary_receiver_amqp_url

for user in intake validator router archive notifier operator reader CANARY.1 CANARY.2; do
    printf '%s"%s": "%s"' "${comma-}" "$user" "$(cat "broker_password_$user")"
    comma=', '
done | { printf '{'; cat; printf '}\n'; } | write broker_users.json

# The database: its administrator, whom only the jobs that prepare it know, and a user for each role.
printf trunk | keep mongo_user
random 24 | keep mongo_password
random 48 | keep mongo_keyfile
at=mongodb:27017/?authSource=admin
printf 'mongodb://%s:%s@%s' "$(cat mongo_user)" "$(cat mongo_password)" "$at" | keep mongo_admin_uri
comma=
for role in intake validator router archive notifier migrate operator backup tidy; do
    random 24 | keep "mongo_password_$role"
    printf 'mongodb://%s:%s@%s' "$role" "$(cat "mongo_password_$role")" "$at" | keep "mongo_uri_$role"
done
for role in intake validator router archive notifier migrate operator backup tidy; do
    printf '%s"%s": "%s"' "${comma-}" "$role" "$(cat "mongo_password_$role")"
    comma=', '
done | { printf '{'; cat; printf '}\n'; } | write mongo_users.json

# The object store: a pair of keys for each role, and what the store is told of them. A pair that is being replaced stays
# valid beside the new one as long as its files s3_former_access_key_ROLE and s3_former_secret_key_ROLE are there; one for
# all services, of an earlier release, as long as s3_access_key and s3_secret_key are there (docs/operations/rotation.md).
for role in intake validator router archive notifier migrate topology operator reader backup tidy; do
    random 10 | keep "s3_access_key_$role"
    random 24 | keep "s3_secret_key_$role"
    former=
    if [ -e "s3_former_access_key_$role" ]; then
        former=$(printf '"}, {"accessKey": "%s", "secretKey": "%s' \
            "$(cat "s3_former_access_key_$role")" "$(cat "s3_former_secret_key_$role")")
    fi
    printf 's/@%s_access@/%s/; s/@%s_secret@/%s/\n' \
        "$role" "$(cat "s3_access_key_$role")" "$role" "$(cat "s3_secret_key_$role")$former"
done >.s3_keys.sed
if [ -e s3_access_key ]; then
    printf 's/"identities": \[/&{"name": "former", "actions": [%s], "credentials": [%s]},/\n' \
        '"Admin", "Read", "Write", "List", "Tagging"' \
        "{\"accessKey\": \"$(cat s3_access_key)\", \"secretKey\": \"$(cat s3_secret_key)\"}" >>.s3_keys.sed
fi
sed -f .s3_keys.sed "$identities" | write s3_identities.json
rm .s3_keys.sed

# Signs the checkpoints of the ledger's log (docs/operations/ledger-log.md).
random 32 | keep log_key

random 24 | keep grafana_admin_password
# Given by others: empty until then. The mail server's password, the canary's keys, and where alerts go.
for name in canary_signer.pem canary_signer.key canary_unit.pem canary_unit.key smtp_password backup_s3_access_key backup_s3_secret_key alertmanager_page_url alertmanager_desk_url alertmanager_heartbeat_url; do
    printf '' | keep "$name"
done
echo "secrets are in $(pwd)"
