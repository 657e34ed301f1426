#!/usr/bin/env bash
# The writer of the failover drill, inside the container of a replica: inserts numbered rows where
# every client does, one connection each. One line a row: number, begin and end in milliseconds,
# ok or failed. Ends after the given number of seconds, or when /tmp/drill-stop is there.
set -uo pipefail

export PGPASSFILE=/etc/patroni/pgpass PGCONNECT_TIMEOUT=2
limit=$1
number=0
rm -f /tmp/drill-stop
while [ "$SECONDS" -lt "$limit" ] && [ ! -e /tmp/drill-stop ]; do
  number=$((number + 1))
  began=$(date +%s%3N)
  result=failed
  if timeout 5 psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --host 10.0.0.10 --port 5432 \
    --username kb_admin --dbname postgres \
    --command "INSERT INTO failover_drill.written (number) VALUES ($number)" >/dev/null 2>&1; then
    result=ok
  fi
  echo "$number $began $(date +%s%3N) $result"
  sleep 0.1
done
