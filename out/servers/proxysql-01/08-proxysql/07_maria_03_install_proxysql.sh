#!/usr/bin/env bash
# Installs this proxy and starts it. One after the other, so that its twin serves meanwhile. What runs is not
# touched, unless its unit or its image changed: everything else is changed in place by the next step.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

unit=proxysql-docker.service
member=/usr/local/sbin/proxysql-member
wanted=/etc/proxysql/wanted.json
image=proxysql/proxysql:2.6.4
archive=/opt/keybuzz-installer/images/proxysql/image.tar

if ! docker image inspect "$image" >/dev/null 2>&1; then
  if [ -f "$archive" ]; then
    docker load --quiet --input "$archive"
  else
    docker pull --quiet "$image"
  fi
fi

install -d -m 0755 /etc/proxysql /etc/proxysql/conf

# A running proxy lets us in with the old password, until the next step has told it the new one.
if [ -f /etc/proxysql/admin.cnf ] && [ ! -e /etc/proxysql/admin.before.cnf ]; then
  cp --preserve=all -- /etc/proxysql/admin.cnf /etc/proxysql/admin.before.cnf
fi

# A variable that is not rendered any more has its default again after a restart, and only then.
names_in() { jq --raw-output '.[] | select(.[0] == "variable") | .[1]' "$1" | sort; }
if [ -f "$wanted" ]; then
  before=$(names_in "$wanted")
  now=$(names_in "$here$wanted")
  if [ -n "$(comm -23 <(echo "$before") <(echo "$now"))" ]; then : >/run/proxysql-restart-owed; fi
fi

fill_file 0600 6033:6033 /etc/proxysql/conf/proxysql.cnf
fill_file 0600 0:0 /etc/proxysql/mysql-variables.sqlite.sql
fill_file 0600 0:0 /etc/proxysql/admin-variables.sqlite.sql
install_file 0600 0:0 /etc/proxysql/servers.sqlite.sql
fill_file 0600 0:0 /etc/proxysql/users.sqlite.sql
install_file 0600 0:0 /etc/proxysql/query-rules.sqlite.sql
fill_file 0600 0:0 /etc/proxysql/wanted.json
fill_file 0600 0:0 /etc/proxysql/admin.cnf
fill_file 0600 0:0 /etc/proxysql/stats.cnf
fill_file 0600 0:0 /etc/proxysql/probe.cnf
fill_file 0600 0:0 /etc/proxysql/role-passwords
install_file 0644 0:0 /etc/systemd/system/proxysql-docker.service
install_file 0755 0:0 /usr/local/sbin/proxysql-member
install_file 0755 0:0 /usr/local/sbin/proxysql-drill-writer
install_file 0755 0:0 /usr/local/bin/monitor_proxysql.sh
install_file 0644 0:0 /etc/systemd/system/monitor-proxysql.service
install_file 0644 0:0 /etc/systemd/system/monitor-proxysql.timer
if cmp -s -- /etc/proxysql/admin.cnf /etc/proxysql/admin.before.cnf; then rm -f -- /etc/proxysql/admin.before.cnf; fi
systemctl daemon-reload

# The container was started with these; everything else it can be told.
needs_restart() {
  local since
  if [ -e /run/proxysql-restart-owed ]; then return 0; fi
  since=$(date --date "$(docker inspect --format '{{.State.StartedAt}}' proxysql)" +%s)
  [ "$(stat -c %Y -- "/etc/systemd/system/$unit")" -gt "$since" ] ||
    [ "$(docker inspect --format '{{.Image}}' proxysql)" != "$(docker image inspect --format '{{.Id}}' "$image")" ]
}

if unit_active "$unit"; then
  if ! unit_enabled "$unit"; then systemctl enable --quiet "$unit"; fi
  if needs_restart; then
    log "restarting $unit: it cannot be told what changed"
    "$member" restart
  fi
else
  systemctl enable --quiet --now "$unit"
fi

listens() { (: <"/dev/tcp/127.0.0.1/$1"); }
wait_for 60 listens 3306
wait_for 30 "$member" writer
log "ready, $("$member" writer) takes the queries"
