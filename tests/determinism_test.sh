#!/usr/bin/env bash
# The same input gives the same bytes and modes: whatever the number of jobs, the locale, the time zone,
# the umask, the folder it runs in and the home of its user. A second run touches nothing, and what
# kbgen does not own it leaves alone.
set -euo pipefail
kbgen=$(realpath "$1")
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'FAIL: %s\n' "$*"; exit 1; }
# Every file with its mode and digest; inode and time as well, where those must not change.
listing() { (cd "$1" && find . -type f -printf '%P %m\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }
stamps() { (cd "$1" && find . -printf '%P %i %T@\n' | sort); }

"$kbgen" render --quiet --jobs 1 -o "$work/one"
listing "$work/one" >"$work/one.txt"
[ "$(wc -l <"$work/one.txt")" -gt 1000 ] || fail 'the reference estate is too small to prove anything'

(umask 077 && LC_ALL=tr_TR.UTF-8 TZ=Pacific/Kiritimati HOME=/nonexistent "$kbgen" render --quiet --jobs 16 -o "$work/many")
listing "$work/many" | diff - "$work/one.txt" >"$work/diff" || fail "jobs, locale, time zone or umask: $(head -n 3 "$work/diff")"

mkdir "$work/elsewhere"
cp -r model inventory "$work/elsewhere/"
(cd "$work/elsewhere" && "$kbgen" render --quiet --modules "$root/templates")
listing "$work/elsewhere/out" | diff - "$work/one.txt" >"$work/diff" || fail "another folder: $(head -n 3 "$work/diff")"
(cd / && "$kbgen" render --quiet -m "$work/elsewhere/model/topology.yaml" -o "$work/absolute")
listing "$work/absolute" | diff - "$work/one.txt" >"$work/diff" || fail "absolute paths: $(head -n 3 "$work/diff")"

stamps "$work/one" >"$work/before"
"$kbgen" render --quiet -o "$work/one"
stamps "$work/one" | diff - "$work/before" >"$work/diff" || fail "a second run touched: $(head -n 3 "$work/diff")"

# Healing: a file that was cut, one that is gone, one whose mode changed; and a stranger.
# The first of all: `head` would end the pipe while `sort` still writes, and pipefail would call that a failure.
first() { sort | sed -n 1p; }
victim=$(find "$work/one/servers" -name '*.sh' | first)
other=$(find "$work/one/docs" -type f | first)
: >"$victim"
rm "$other"
echo mine >"$work/one/servers/notes.txt"
"$kbgen" render -o "$work/one" >"$work/said" 2>&1
grep -q 'servers/notes.txt' "$work/said" || fail 'a foreign file is not reported'
[ "$(cat "$work/one/servers/notes.txt")" = mine ] || fail 'a foreign file was touched'
rm "$work/one/servers/notes.txt"
listing "$work/one" | diff - "$work/one.txt" >"$work/diff" || fail "not healed: $(head -n 3 "$work/diff")"

# And it can fail: another model is another tree.
sed -i 's/Europe\/Paris/Europe\/Rome/' "$work/elsewhere/model/topology.yaml"
if (cd "$work/elsewhere" && "$kbgen" render --check >"$work/said" 2>&1); then fail '--check does not see a change'; fi
grep -q '^+.*Europe/Rome' "$work/said" || fail '--check shows no diff'
echo 'ok'
