#!/usr/bin/env bash
# The writer of the failover drill, inside the container of a member that is not stopped: inserts numbered rows where
# every client does, one connection each. One line a row: number, begin and end in milliseconds, ok or failed. Ends after
# the given number of seconds, or when /tmp/drill-stop is there.
set -uo pipefail

limit=$1
number=0
rm -f /tmp/drill-stop
while [ "$SECONDS" -lt "$limit" ] && [ ! -e /tmp/drill-stop ]; do
  number=$((number + 1))
  began=$(date +%s%3N)
  result=failed
  if timeout 15 mariadb --defaults-file=/etc/mariadb/probe.cnf --connect-timeout=5 \
    --execute "INSERT INTO failover_drill (number) VALUES ($number)" >/dev/null 2>&1; then
    result=ok
  fi
  echo "$number $began $(date +%s%3N) $result"
  sleep 0.1
done
