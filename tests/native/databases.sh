#!/usr/bin/env bash
# databases.sh SCRATCH SQL STEP SUPERUSER ADDRESS PORT REST_PORT: starts PostgreSQL in a sandbox, lets STEP (or psql
# alone, when it is empty) run SQL twice, logs in as every role, prints the rows that there are now.
# SCRATCH holds what the validator has made: installed/, extension/, expected, names, superuser.
set -Eeuo pipefail

scratch=$1 sql=$2 step=$3 superuser=$4 address=$5 port=$6 rest_port=$7
export PGPORT=$port
cd "$scratch"

die() {
  echo "$*" >&2
  exit 1
}

as() { setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; }

# ---------------------------------------------------------------- the server

cp -a installed/. /
version=$(pg_config --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
mount --bind extension "/usr/share/postgresql/$version/extension"
mkdir /run/postgresql
chown 65534:65534 /run/postgresql
chown 65534:65534 superuser
install -d -o 65534 -g 65534 -m 0700 data
: >server.log
chown 65534:65534 server.log
as initdb --pgdata data --username "$superuser" --pwfile superuser --auth-local trust \
  --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8 --no-sync >initdb.log
echo "host all all 0.0.0.0/0 scram-sha-256" >>data/pg_hba.conf
cat >>data/postgresql.conf <<'SETTINGS'
listen_addresses = '*'
unix_socket_directories = '/run/postgresql'
fsync = off
log_statement = all
log_connections = on
shared_preload_libraries = 'pg_stat_statements'
SETTINGS
echo "port = $port" >>data/postgresql.conf
as pg_ctl --pgdata data --log server.log --silent --timeout 60 start || die "$(tail server.log)"

query() {
  local database=$1
  shift
  psql --no-psqlrc --quiet --tuples-only --no-align --field-separator ' ' --set ON_ERROR_STOP=1 \
    --host /run/postgresql --username "$superuser" --dbname "$database" --command "$1"
}

# ---------------------------------------------------------------- the step, twice

# The container's programs are this machine's: only the options of `docker exec` are understood.
mkdir /run/programs
cat >/run/programs/docker <<'DOCKER'
#!/usr/bin/env bash
set -euo pipefail
if [ "$1" != exec ]; then echo "docker $1 is not there" >&2; exit 1; fi
shift
while [[ $1 == --* ]]; do
  case $1 in
    --interactive) shift ;;
    --env) export "${2?}"; shift 2 ;;
    --user) shift 2 ;;
    *) echo "docker exec $1 is not there" >&2; exit 1 ;;
  esac
done
shift
exec "$@"
DOCKER
chmod +x /run/programs/docker

# Patroni's REST interface, as far as it says who leads.
python3 - "$address" "$rest_port" <<'REST' >/dev/null 2>&1 &
import http.server, sys
class Leader(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/primary" else 404)
        self.end_headers()
http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Leader).serve_forever()
REST
for _ in $(seq 100); do
  if (: <"/dev/tcp/$address/$rest_port") 2>/dev/null; then break; fi
  sleep 0.1
done

run_step() {
  if [ -n "$step" ]; then
    PATH=/run/programs:$PATH bash "$step"
  else
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --host /run/postgresql --username "$superuser" \
      --dbname postgres --file "$sql"
  fi
}

# Everything that a second run could change: roles and their passwords, databases, grants, extensions.
state() {
  query postgres "SELECT rolname, rolcanlogin, rolsuper, rolpassword FROM pg_authid ORDER BY 1"
  query postgres "SELECT datname, datdba, datacl FROM pg_database ORDER BY 1"
  local name
  while read -r name; do query "$name" "SELECT extname, extowner FROM pg_extension ORDER BY 1"; done <names
}

run_step >run.1 2>&1 </dev/null || die "the first run failed: $(tail -n 8 run.1)"
while read -r name; do
  if [ -z "$(query postgres "SELECT 1 FROM pg_database WHERE datname = '$name'")" ]; then
    die "there is no database $name"
  fi
done <names
state >state.1
run_step >run.2 2>&1 </dev/null || die "the second run failed: $(tail -n 8 run.2)"
state >state.2
diff state.1 state.2 >&2 || die "the second run changed something"

# ---------------------------------------------------------------- who may log in

enters() {
  PGPASSWORD=$3 psql --no-psqlrc --no-password --quiet --tuples-only --host "$address" --username "$1" \
    --dbname "$2" --command 'SELECT 1' >/dev/null 2>enters.log
}

while read -r role password databases; do
  if [ "$password" = - ]; then continue; fi
  for name in $databases; do
    enters "$role" "$name" "$password" || die "$role cannot log in to $name: $(<enters.log)"
    if enters "$role" "$name" "not-$password"; then die "$role logs in to $name with any password"; fi
  done
  while read -r name; do
    if [[ " $databases " != *" $name "* ]] && enters "$role" "$name" "$password"; then
      die "$role may enter $name, which is not its own"
    fi
  done <names
done <expected

# ---------------------------------------------------------------- what there is

query postgres "SELECT 'role', rolname FROM pg_roles
  WHERE rolcanlogin AND NOT rolsuper AND rolname !~ '^pg_'"
query postgres "SELECT 'database', datname, pg_get_userbyid(datdba) FROM pg_database
  WHERE NOT datistemplate AND datname <> 'postgres'"
while read -r name; do
  query "$name" "SELECT 'extension', '$name', extname FROM pg_extension WHERE extname <> 'plpgsql'"
done <names
