#!/usr/bin/env bash
# mysql-databases.sh SCRATCH MY_CNF SQL STEP ADDRESS PORT: starts MariaDB in a sandbox, as a cluster of one member, lets STEP (or
# the client alone, when it is empty) run SQL twice, logs in as every role, prints the databases that there are now. SCRATCH
# holds what the validator has made: installed/, expected.
set -Eeuo pipefail

scratch=$1 configuration=/$2 sql=$3 step=$4 address=$5 port=$6
cd "$scratch"

die() {
  echo "$*" >&2
  exit 1
}

as() { setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; }

# ---------------------------------------------------------------- the server

# /usr/local is not this sandbox's own, and what lands there must be found all the same.
mkdir /run/programs
if [ -d installed/usr/local/sbin ]; then cp installed/usr/local/sbin/* /run/programs/; fi
cp -a installed/etc/. /etc/
mount -t tmpfs -o mode=0755 data /var/lib/mysql
chown 65534:65534 /var/lib/mysql
install -d -m 0777 /run/mysqld
: >server.log
: >general.log
chown 65534:65534 server.log general.log
as mariadb-install-db --defaults-file="$configuration" --datadir=/var/lib/mysql --wsrep-on=OFF --force \
  --auth-root-authentication-method=socket --auth-root-socket-user=root >install.log 2>&1 ||
  die "the system tables cannot be made: $(tail -n 5 install.log)"
as mariadbd --defaults-file="$configuration" --wsrep-new-cluster --general-log=1 --general-log-file="$scratch/general.log" \
  >>server.log 2>&1 &
server=$!

query() { mariadb --defaults-file="$configuration" --batch --skip-column-names --execute "$1"; }
synced() { [ "$(query "SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null | cut -f 2)" = Synced ]; }
for _ in $(seq 300); do
  if synced || ! kill -0 "$server" 2>/dev/null; then break; fi
  sleep 0.2
done
synced || die "the server does not begin a cluster: $(grep -E 'ERROR' server.log | tail -n 5)"

# ---------------------------------------------------------------- the step, twice

# The container's programs are this machine's: only the options of `docker exec` are understood.
cat >/run/programs/docker <<'DOCKER'
#!/usr/bin/env bash
set -euo pipefail
if [ "$1" != exec ]; then echo "docker $1 is not there" >&2; exit 1; fi
shift
interactive=false
while [[ $1 == --* ]]; do
  case $1 in
    --interactive) interactive=true; shift ;;
    --env) if [[ $2 == *=* ]]; then export "$2"; fi; shift 2 ;;
    --user) shift 2 ;;
    *) echo "docker exec $1 is not there" >&2; exit 1 ;;
  esac
done
shift
# Without --interactive nothing is read, as in a container, and the status is 0.
if [ "$interactive" = false ]; then exec </dev/null; fi
exec "$@"
DOCKER
chmod +x /run/programs/docker

run_step() {
  if [ -n "$step" ]; then
    PATH=/run/programs:$PATH bash "$step"
  else
    mariadb --defaults-file="$configuration" <"$sql"
  fi
}

# Everything that a second run could change, and whether it sent anything to other members.
state() {
  query "SELECT * FROM mysql.global_priv ORDER BY User, Host"
  query "SELECT * FROM mysql.db ORDER BY User, Host, Db"
  query "SELECT * FROM information_schema.schemata ORDER BY 2"
  query "SHOW STATUS LIKE 'wsrep_last_committed'"
}

# What an older installation leaves behind.
query "CREATE DATABASE IF NOT EXISTS test; CREATE USER IF NOT EXISTS ''@'localhost'; CREATE USER root@'%' IDENTIFIED BY 'x'"

run_step >run.1 2>&1 </dev/null || die "the first run failed: $(tail -n 8 run.1)"
state >state.1
run_step >run.2 2>&1 </dev/null || die "the second run failed: $(tail -n 8 run.2)"
state >state.2
diff state.1 state.2 >&2 || die "the second run changed something"

# ---------------------------------------------------------------- who may log in

enters() {
  MYSQL_PWD=$3 mariadb --no-defaults --protocol=tcp --host="$address" --port="$port" --user="$1" --connect-timeout=5 \
    --execute 'SELECT 1' "$2" >/dev/null 2>enters.log </dev/null
}

while read -r role password databases; do
  if [ "$password" = - ]; then
    for name in $databases; do
      if enters "$role" "$name" ''; then die "$role logs in to $name without a password"; fi
    done
    continue
  fi
  for name in $databases; do
    enters "$role" "$name" "$password" || die "$role cannot log in to $name: $(<enters.log)"
    if enters "$role" "$name" "not-$password"; then die "$role logs in to $name with any password"; fi
  done
  while read -r name; do
    if [[ " $databases information_schema " != *" $name "* ]] && enters "$role" "$name" "$password"; then
      die "$role may enter $name, which is not its own"
    fi
  done < <(query 'SHOW DATABASES')
done <expected

if [ -n "$step" ]; then
  left=$(query "SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.global_priv
    WHERE User = '' OR (User = 'root' AND Host <> 'localhost')")
  if [ -n "$left" ]; then die "these accounts are still there: $left"; fi
  if query 'SHOW DATABASES' | grep -qx test; then die "the database test is still there"; fi
fi

query 'SHOW DATABASES'
kill "$server"
wait "$server" || true
