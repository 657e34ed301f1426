#!/usr/bin/env bash
# Makes the running proxy what is rendered: loads the parts that differ, and reads all of them back, because
# ProxySQL takes a name that it does not know, and a value out of range, without an error. One proxy after
# the other: when the first is not well afterwards, the second still goes on as before.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

member=/usr/local/sbin/proxysql-member

if ! loaded=$("$member" apply); then fail "could not change the running proxy; what it said is above"; fi
for part in $loaded; do log "loaded $part"; done

# Addresses and threads: told, but not taken.
if ! left=$("$member" differences); then
  if [ -z "$left" ]; then fail "the admin interface does not answer"; fi
  log "this takes a restart: $left"
  "$member" restart
  if ! left=$("$member" differences); then fail "is not as rendered, even after a restart: $left"; fi
fi

wait_for 30 "$member" writer
log "as rendered; $("$member" writer) takes the queries"
remove_file /etc/proxysql/admin.before.cnf

# What the validation writes to, through this proxy like any client.
probe() { mariadb --defaults-file=/etc/proxysql/probe.cnf --batch --skip-column-names --execute "$1"; }
if [ "$(probe "SELECT COUNT(*) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'proxysql_check'")" = 0 ]; then
  probe 'CREATE TABLE IF NOT EXISTS proxysql_check (proxy VARCHAR(64) PRIMARY KEY, stamp VARCHAR(64) NOT NULL) ENGINE = InnoDB'
  log "made the table of the validation"
fi
