#!/usr/bin/env bash
# Runs both verifications, also when the first one fails.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=01-outside
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

failed=()
for step in verify_balancers verify_dns; do
  log "$step"
  if ! "$here/$step.sh"; then failed+=("$step"); fi
done
if [ "${#failed[@]}" -gt 0 ]; then fail "not as the topology says: ${failed[*]}"; fi
