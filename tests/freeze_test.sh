#!/usr/bin/env bash
# Freezing on the reference estate: what is frozen renders as it did, a change is refused and leaves the
# tree alone byte for byte, other services go on changing, and a freeze that is killed leaves the lock
# as it was or as it should be.
set -euo pipefail
kbgen=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r model inventory "$work/"
cd "$work"
rm -f model/freeze.lock

fail() { printf 'FAIL: %s\n' "$*"; exit 1; }
tree() { (cd out && find . -type f -printf '%P %m %i %T@\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
untouched() { tree | diff - tree.txt >difference || fail "$1: $(head -n 3 difference)"; }
who=(--by 'M. Okafor' --why 'accepted in the lab' --on 2026-03-01)
refuses() {
  local status=0
  "$kbgen" "$@" >said 2>&1 || status=$?
  [ "$status" = 1 ] || fail "kbgen $* exits $status instead of 1: $(tail -n 5 said)"
}

mapfile -t services < <("$kbgen" dump --stage graph 2>/dev/null | python3 -c '
import json, sys
print(*(s["name"] for s in json.load(sys.stdin)["services"]), sep="\n")')
[ "${#services[@]}" -gt 3 ] || fail 'the reference estate is too small to prove anything'

"$kbgen" render --quiet
tree >tree.txt
"$kbgen" freeze "${services[@]}" "${who[@]}" --quiet
for command in check render 'render --check' 'render --jobs 7'; do
  # shellcheck disable=SC2086  # words
  "$kbgen" $command --quiet >said 2>&1 || fail "all is frozen, nothing changed, and kbgen $command says: $(cat said)"
done
untouched 'a render that changes nothing'

# One service is let go: it may change, the others may not.
cp model/topology.yaml topology.yaml
"$kbgen" thaw postgres "${who[@]}" --quiet
sed -i 's/^      superuser: .*/&\n      max_connections: 333/' model/topology.yaml
grep -q 333 model/topology.yaml || fail 'the reference topology has no place to change'
"$kbgen" render --quiet >said 2>&1 || fail "postgres is thawed: $(cat said)"
grep -rq 'max_connections: 333' out/servers || fail 'a thawed service does not change'

# Now the change comes from a neighbour: an app wants a database, which is in the files of postgres too.
"$kbgen" freeze postgres "${who[@]}" --quiet
tree >tree.txt
sed -i 's/database: n8n/database: flows/' model/topology.yaml
grep -q 'database: flows' model/topology.yaml || fail 'the reference topology has no app to change'
refuses render
# shellcheck disable=SC2016  # backquotes of the message
grep -q 'KB5107.*`postgres` is frozen (on 2026-03-01 by M. Okafor: accepted in the lab)' said || fail 'nobody says who froze it'
grep -q '^+.*flows' said || fail 'no difference is shown'
grep -q '::: model/topology.yaml:' said || fail 'no cause is shown'
refuses render --check
refuses check
untouched 'a refused render'

# What other services say of a frozen one is theirs.
cp topology.yaml model/topology.yaml
"$kbgen" thaw "${services[@]}" "${who[@]}" --quiet
"$kbgen" render --quiet >said 2>&1 || fail "all is thawed: $(cat said)"
[ "$(grep -c '^thawed ' model/freeze.lock)" = $((${#services[@]} + 1)) ] || fail 'the history is not whole'

# Killed at any time: every lock that is ever seen is a whole one.
cp model/freeze.lock thawed.lock
"$kbgen" freeze "${services[@]}" "${who[@]}" --quiet
cp model/freeze.lock frozen.lock
killed=0
for round in {1..60}; do
  cp thawed.lock model/freeze.lock
  "$kbgen" freeze "${services[@]}" "${who[@]}" --quiet >said 2>&1 &
  victim=$!
  sleep "0.0$((round % 9))$((round % 10))"
  kill -KILL "$victim" 2>/dev/null || true  # it may have ended
  status=0
  wait "$victim" 2>/dev/null || status=$?
  [ "$status" != 137 ] || killed=$((killed + 1))
  cmp -s model/freeze.lock thawed.lock || cmp -s model/freeze.lock frozen.lock || fail 'half a lock stands there'
done
[ "$killed" -gt 5 ] || fail "only $killed of 60 were killed"
cp thawed.lock model/freeze.lock
"$kbgen" freeze "${services[@]}" "${who[@]}" --quiet || fail 'the lock cannot be written after a crash'
[ "$(find model -name '.*' -type f | wc -l)" = 0 ] || fail 'something of a crash is left beside the lock'
echo 'ok'
