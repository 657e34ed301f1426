#!/usr/bin/env bash
# Creates databases and accounts through this member; Galera carries them to the others. Passwords are turned into
# MariaDB's hashes on this host, so that no statement, log or other member ever sees one.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

sql() { galera-member sql --batch --skip-column-names; }

# native_hash: of the password on stdin, as mysql_native_password keeps it: SHA1 of its SHA1.
native_hash() {
  local first second
  first=$(sha1sum)
  second=$(printf '%b' "$(sed 's/ .*//; s/../\\x&/g' <<<"$first")" | sha1sum)
  second=${second%% *}
  printf '*%s\n' "${second^^}"
}

galera-member wait-synced 60
sql </etc/mariadb/databases.mysql.sql

# Only accounts with another password than theirs get a statement.
while IFS=' ' read -r user password <&3; do
  hash=$(printf '%s' "$password" | native_hash)
  statements=$(sql <<SQL
SELECT CONCAT('SET PASSWORD FOR ', QUOTE(User), '@', QUOTE(Host), ' = ', QUOTE('$hash'), ';')
  FROM mysql.global_priv
 WHERE User = '$user' AND (User <> 'root' OR Host = 'localhost')
   AND NOT (JSON_VALUE(Priv, '\$.authentication_string') <=> '$hash');
SQL
  )
  if [ -z "$statements" ]; then continue; fi
  sql <<<"$statements"
  log "set the password of $user"
done 3</etc/mariadb/user-passwords

sql </etc/mariadb/access.mysql.sql
log "databases and accounts are as the topology has them"
