#!/bin/sh
# Makes every secret of a compose trunk, once, from the kernel's random numbers: nothing has a default.
#   deploy/compose/make-secrets.sh [FOLDER]      FOLDER: else deploy/compose/secrets
# A second run makes what is missing and touches nothing that exists; to change a secret see
# docs/operations/install-compose.md. The folder belongs to its owner alone; the files inside are readable to the
# users of the containers, into which compose mounts each one where it is needed.
set -eu
umask 022
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

random 24 | keep rabbitmq_admin_password
printf 'default_vhost = trunk\ndefault_user = admin\ndefault_pass = %s\n' "$(cat rabbitmq_admin_password)" |
    keep rabbitmq_admin.conf

for user in intake validator router archive notifier operator; do
    random 24 | keep "broker_password_$user"
    printf 'amqp://%s:%s@rabbitmq:5672/trunk' "$user" "$(cat "broker_password_$user")" | keep "amqp_url_$user"
done
for user in intake validator router archive notifier operator; do
    printf '%s"%s": "%s"' "${comma-}" "$user" "$(cat "broker_password_$user")"
    comma=', '
done | { printf '{'; cat; printf '}\n'; } | keep broker_users.json

printf trunk | keep mongo_user
random 24 | keep mongo_password
random 48 | keep mongo_keyfile
printf 'mongodb://%s:%s@mongodb:27017/?authSource=admin' "$(cat mongo_user)" "$(cat mongo_password)" | keep mongo_uri

random 10 | keep s3_access_key
random 24 | keep s3_secret_key
cat <<END | keep s3_identities.json
{"identities": [{"name": "trunk", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
  "credentials": [{"accessKey": "$(cat s3_access_key)", "secretKey": "$(cat s3_secret_key)"}]}]}
END

random 24 | keep grafana_admin_password
# Given by others: empty until then. The mail server's password, and where alerts go.
for name in smtp_password alertmanager_page_url alertmanager_desk_url alertmanager_heartbeat_url; do
    printf '' | keep "$name"
done
echo "secrets are in $(pwd)"
