#!/usr/bin/env bash
# From every member: messages to 192.168.64.200:5672, confirmed by a majority, and out
# again. In a virtual host of its own, which is gone afterwards; applications notice nothing.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=05-parcels
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "mq-1 deploy@192.168.64.31"
  "mq-2 deploy@192.168.64.32"
  "mq-3 deploy@192.168.64.33"
  "mq-4 deploy@192.168.64.34"
  "mq-5 deploy@192.168.64.35"
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
