#!/usr/bin/env bash
# The golden topologies render as they did. `KBGEN_UPDATE=1` rewrites them; then the diff is what gets
# reviewed, and the run counts as skipped, never as passed.
set -euo pipefail
kbgen=$1
cd "$(dirname "$0")/.."

status=0
for topology in golden/*/topology.yaml; do
  folder=${topology%/topology.yaml}
  if [ -n "${KBGEN_UPDATE:-}" ]; then
    "$kbgen" render --quiet -m "$topology" -o "$folder/out"
  elif ! "$kbgen" render --check -m "$topology" -o "$folder/out"; then
    printf 'FAIL: %s: run KBGEN_UPDATE=1 tests/golden_test.sh KBGEN and review the diff\n' "$folder"
    status=1
  fi
done
[ -z "${KBGEN_UPDATE:-}" ] || { echo 'skipped: goldens were rewritten'; exit 77; }
exit "$status"
