#!/usr/bin/env bash
# From every member: messages to 10.0.0.10:5672, confirmed by a majority, and out
# again. In a virtual host of its own, which is gone afterwards; applications notice nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=05-rabbitmq
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "queue-01 root@10.0.0.126"
  "queue-02 root@10.0.0.127"
  "queue-03 root@10.0.0.128"
)

problems=0
for member in "${members[@]}"; do
  if answer=$(remote "${member#* }" /usr/local/sbin/rmq-member round-trip </dev/null); then
    echo "ok - ${member%% *}: $answer"
  else
    echo "not ok - ${member%% *}"
    problems=$((problems + 1))
  fi
done
[ "$problems" -eq 0 ]
