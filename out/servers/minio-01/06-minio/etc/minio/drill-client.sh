#!/usr/bin/env bash
# The client of the failover drill: writes numbered objects where every client does, and reads one of
# them back after each. One line an attempt: write or read, number, begin and end in milliseconds,
# digest, ok or failed. Ends after the given number of seconds, or when there is a file `stop`.
set -uo pipefail

limit=$1
folder=/run/minio-drill
bucket=kbgen-check
place=minio/$bucket/drill/$(<"$folder/run")
digests=() # by number, of what was acknowledged
numbers=()

# As a client that does not wait for ever: what takes longer has failed.
mc() { timeout 10 docker exec --interactive --env-file /etc/minio/mc.env minio mc "$@" 2>>"$folder/errors"; }

now() { date +%s%3N; }

number=0
while [ "$SECONDS" -lt "$limit" ] && [ ! -e "$folder/stop" ]; do
  number=$((number + 1))
  # Of sizes that lie in a node's metadata, and of sizes that do not.
  head -c "$((number % 2 == 0 ? 1000 : 300000))" /dev/urandom >"$folder/object"
  digest=$(sha256sum <"$folder/object" | cut -d ' ' -f 1)
  began=$(now)
  result=failed
  if mc pipe --quiet "$place/$number" <"$folder/object" >/dev/null; then
    result=ok
    digests[number]=$digest
    numbers+=("$number")
  fi
  echo "write $number $began $(now) $digest $result"

  if [ "${#numbers[@]}" -eq 0 ]; then continue; fi
  wanted=${numbers[RANDOM % ${#numbers[@]}]}
  began=$(now)
  result=failed
  found=$(mc cat "$place/$wanted" </dev/null | sha256sum | cut -d ' ' -f 1)
  if [ "$found" = "${digests[wanted]}" ]; then result=ok; fi
  echo "read $wanted $began $(now) $found $result"
done
