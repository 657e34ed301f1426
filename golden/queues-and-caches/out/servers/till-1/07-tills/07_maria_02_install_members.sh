#!/usr/bin/env bash
# Installs this member's files, when the server itself has read its configuration without a complaint. Starts nothing:
# who may begin the cluster is decided by 07_maria_02_bootstrap, and 07_maria_02_deploy_galera starts the others.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

image=bitnamilegacy/mariadb-galera:10.11.6-debian-11-r0

# By the program that will read it; an option that it does not know would keep it from starting.
if ! complaints=$(docker run --rm --pull never --network none \
  --user 1001:0 \
  --cap-drop ALL --security-opt no-new-privileges \
  --mount "type=bind,src=$here/etc/mariadb/my.cnf,dst=/etc/mariadb/my.cnf,readonly" \
  --entrypoint /opt/bitnami/mariadb/sbin/mysqld \
  "$image" --defaults-file=/etc/mariadb/my.cnf --verbose --help 2>&1 >/dev/null); then
  printf '%s\n' "$complaints" >&2
  fail "the server does not accept my.cnf; what it says is above"
fi

install_file 0644 0:0 /etc/mariadb/my.cnf
fill_file 0600 0:0 /etc/mariadb/monitor.cnf
fill_file 0600 0:0 /etc/mariadb/probe.cnf
install_file 0644 0:0 /etc/mariadb/databases.mysql.sql
install_file 0644 0:0 /etc/mariadb/access.mysql.sql
fill_file 0600 0:0 /etc/mariadb/user-passwords
install_file 0755 0:0 /etc/mariadb/drill-writer.sh
install_file 0644 0:0 /etc/systemd/system/mariadb-docker.service
install_file 0755 0:0 /usr/local/sbin/galera-member
install_file 0755 0:0 /usr/local/bin/monitor_galera.sh
install_file 0644 0:0 /etc/systemd/system/monitor-galera.service
install_file 0644 0:0 /etc/systemd/system/monitor-galera.timer

systemctl daemon-reload
