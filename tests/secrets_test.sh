#!/usr/bin/env bash
# `kbgen secrets` as an operator runs it, on the reference estate: what is made and kept, what is refused,
# rotation and the way back, two runs at once, and a run that is killed at any moment.
set -euo pipefail
kbgen=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r model inventory "$work/"
cd "$work"

fail() { printf 'FAIL: %s\n' "$*"; exit 1; }
folder=$work/estate/credentials
secrets() { "$kbgen" secrets "$@" --credentials "$folder" >said 2>&1; }
# expect STATUS ARGUMENT…
expect() {
  local wanted=$1 status=0
  shift
  secrets "$@" || status=$?
  [ "$status" = "$wanted" ] || fail "secrets $* exits $status instead of $wanted: $(cat said)"
}
says() { grep -qF -- "$1" said || fail "it does not say \"$1\": $(cat said)"; }
value() { sed -n "s/^$2=//p" "$folder/$1"; }
state() { (cd "$folder" && find . -mindepth 1 -printf '%P %m %U %T@\n' | sort && sha256sum ./*); }
unchanged() { state | diff - state.txt >difference || fail "$1 changed something: $(head -n 3 difference)"; }

count=$(grep -c '{file: ' model/credentials.yaml)
[ "$count" -gt 20 ] || fail 'the reference estate is too small to prove anything'

# ---- init
expect 1 check
[ "$(grep -c '^error.KB6001' said)" = "$count" ] || fail 'check does not name everything that is missing in one run'
[ ! -e "$folder" ] || fail 'check makes something'
(umask 000 && expect 0 init)
[ "$(grep -c '  created$' said)" = "$count" ] || fail "not everything was created: $(cat said)"
[ "$(stat -c %a "$folder")" = 700 ] || fail 'the folder is open'
[ -z "$(find "$folder" -type f ! -perm 0600)" ] || fail 'a file is open'
expect 0 check
[[ $(value redis.env REDIS_PASSWORD) =~ ^[A-Za-z0-9]{32}$ ]] || fail 'no strong password'
[[ $(value rabbitmq.env RABBITMQ_ERLANG_COOKIE) =~ ^[0-9a-f]{32}$ ]] || fail 'the cookie is not of its alphabet'
[ "$(sed -n 's/^[A-Z_0-9]*=//p' "$folder"/*.env | sort | uniq -d | wc -l)" = 0 ] || fail 'two values are the same'
state >state.txt
expect 0 init
[ "$(grep -c '  kept$' said)" = "$count" ] || fail 'a second init does not keep everything'
unchanged 'a second init'

# What is there stays, whatever stands around it; what is missing or empty is made.
kept=$(value redis.env REDIS_SENTINEL_PASSWORD)
printf '# by hand\n\nREDIS_URL=redis://cache\nREDIS_PASSWORD=\nREDIS_SENTINEL_PASSWORD=%s' "$kept" >"$folder/redis.env"
expect 0 init
says KB6008
[[ $(cat "$folder/redis.env") =~ ^'# by hand'$'\n\n''REDIS_URL=redis://cache'$'\n''REDIS_PASSWORD='[A-Za-z0-9]{32}$'\n'"REDIS_SENTINEL_PASSWORD=$kept"$ ]] ||
  fail "redis.env is not what it should be"

# ---- what is refused, and the remedy
state >state.txt
refused() {  # refused WHAT SAYS REMEDY: nothing is written, whichever command
  local command
  for command in check init 'rotate redis_password'; do
    # shellcheck disable=SC2086  # words
    expect 1 $command
    says KB6007
    says "$1"
    says "$2"
  done
}
chmod 0640 "$folder/redis.env"
refused 'others than its owner may reach it (mode 0640)' "chmod 0600 $folder/redis.env"
chmod 0600 "$folder/redis.env"
chmod 0755 "$folder"
refused '(mode 0755)' "chmod 0700 $folder"
chmod 0700 "$folder"
mv "$folder/redis.env" real.env
ln -s "$work/real.env" "$folder/redis.env"
refused 'it is a symbolic link' "$folder/redis.env"
rm "$folder/redis.env"
mkfifo -m 0600 "$folder/redis.env"
refused 'it is not a regular file' "$folder/redis.env"
rm "$folder/redis.env"
mv real.env "$folder/redis.env"
mv "$folder" "$work/estate/real"
ln -s real "$folder"
refused 'it is a symbolic link' "$folder"
rm "$folder"
mv "$work/estate/real" "$folder"
if [ "$(id -u)" = 0 ]; then
  chown 65534 "$folder/redis.env"
  refused 'it belongs to user 65534' "chown 0 $folder/redis.env"
  chown 0 "$folder/redis.env"
fi
unchanged 'a refused command'
# Everything that is wrong, in one run, with file and line and without a value.
cp -a "$folder" saved
printf 'export OPENSESAME\nREDIS_PASSWORD=OpenSesame\nREDIS_PASSWORD=OpenSesame\n' >"$folder/redis.env"
printf 'MINIO_ROOT_USER=Open\tSesame\nMINIO_ROOT_PASSWORD=\n' >"$folder/minio.env"
expect 1 check
for kind in KB6001 KB6002 KB6003 KB6004 KB6005 KB6006; do says "$kind"; done
says "$folder/redis.env:1"
says "$folder/redis.env:3:1"
if grep -qi sesame said; then fail "a value is shown: $(grep -i sesame said)"; fi
rm -r "$folder"
mv saved "$folder"

# ---- rotate
for arguments in rotate 'init redis_password' 'check --dry-run' 'rotate redis_password --finish --undo'; do
  # shellcheck disable=SC2086  # words
  expect 2 $arguments
done
expect 1 rotate redis_pasword
# shellcheck disable=SC2016  # backquotes of the message
says 'did you mean `redis_password`?'
state >state.txt
expect 1 rotate postgres_raft
says KB6012
says 'do not hear each other'
expect 1 rotate redis_password postgres_raft
expect 1 rotate --finish redis_password
says 'is not being rotated'
expect 0 rotate redis_password --dry-run
says 'service redis on redis-01, redis-02, redis-03'
says '04_redis_02_deploy_redis_cluster'
says 'forget-passwords'
expect 0 rotate rabbitmq_app --dry-run
says 'app keybuzz-api on k3s-master-01'
says 'give app keybuzz-api the new value of RABBITMQ_PASSWORD'
unchanged 'what was refused or only shown'
former=$(value redis.env REDIS_PASSWORD)
expect 0 rotate redis_password
# Members must accept it before a proxy asks with it.
grep -A1 -F 'kbgen apply --module redis,redis-watcher' said | grep -qF 'kbgen apply --module haproxy' ||
  fail "proxies are not last: $(cat said)"
new=$(value redis.env REDIS_PASSWORD)
[ "$new" != "$former" ] || fail 'no new value'
[[ $new =~ ^[A-Za-z0-9]{32}$ ]] || fail 'the new value is weak'
[ "$(cat "$folder/redis.env.previous")" = "REDIS_PASSWORD=$former" ] || fail 'the former value is not kept'
[ "$(stat -c %a "$folder/redis.env.previous")" = 600 ] || fail 'the former value is open'
expect 0 check
says KB6011
expect 1 rotate redis_password
says '--finish'
expect 0 rotate --undo redis_password
[ "$(value redis.env REDIS_PASSWORD)" = "$former" ] || fail 'the former value is not back'
[ ! -e "$folder/redis.env.previous" ] || fail 'something is left of a rotation that was undone'
expect 0 rotate redis_password redis_sentinel_password haproxy_stats
expect 0 rotate --finish redis_password
grep -q '^REDIS_SENTINEL_PASSWORD=' "$folder/redis.env.previous" || fail 'another rotation was finished, too'
expect 0 rotate --finish redis_sentinel_password haproxy_stats
[ -z "$(find "$folder" -name '*.previous')" ] || fail 'former values are left'
# A run that died between keeping the former value and exchanging it: the same command goes on.
(umask 077 && grep '^REDIS_PASSWORD=' "$folder/redis.env" >"$folder/redis.env.previous")
former=$(value redis.env REDIS_PASSWORD)
expect 0 rotate redis_password
[ "$(cat "$folder/redis.env.previous")" = "REDIS_PASSWORD=$former" ] || fail 'the former value is lost'
[ "$(value redis.env REDIS_PASSWORD)" != "$former" ] || fail 'a rotation does not go on'
expect 0 rotate --finish redis_password
sed -i 's/key: REDIS_PASSWORD}/key: REDIS_PASSWORD, rotates: false}/' model/credentials.yaml
expect 1 rotate redis_password
says 'rotates: false'
sed -i 's/key: REDIS_PASSWORD, rotates: false}/key: REDIS_PASSWORD}/' model/credentials.yaml

# ---- two at once
(flock 9 && expect 3 init && says 'another kbgen') 9<"$folder" || exit 1
for _ in 1 2 3 4 5 6; do
  rm -rf "$folder"
  pids=()
  for _ in 1 2 3; do
    "$kbgen" secrets init --credentials "$folder" --quiet >/dev/null 2>&1 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || [ $? = 3 ] || fail 'one of several fails in another way'; done
  expect 0 init
done

# ---- killed at any moment: every file is whole or not there, and the next run goes on
whole() {
  local file
  [ -d "$folder" ] || return 0
  find "$folder" -type f ! -perm 0600 | grep . && fail "killed $1: a file is open"
  for file in "$folder"/*.env; do
    [ -e "$file" ] || continue
    [ "$(grep -cvE '^[A-Z_0-9]+=[A-Za-z0-9]{16,32}$' "$file")" = 0 ] || fail "killed $1: half of $file"
    [ "$(wc -l <"$file")" = "$(grep -c "file: ${file##*/}," model/credentials.yaml)" ] || fail "killed $1: $file is not whole"
  done
}
points=0
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
  for call in openat write fsync renameat mkdir unlinkat; do
    # Many files are opened before the first one of ours.
    only=()
    if [ "$call" = openat ]; then only=(-P "$folder"); fi
    for ((when = 1; ; when++)); do
      rm -rf "$folder"
      status=0
      (
        strace -f -o /dev/null "${only[@]}" -e trace="$call" -e inject="$call:signal=KILL:when=$when" \
          "$kbgen" secrets init --credentials "$folder" --quiet >/dev/null 2>&1
        exit "$?"
      ) 2>/dev/null || status=$?
      if [ "$status" = 0 ]; then break; fi
      [ "$status" = 137 ] || fail "strace at $call $when: exits $status"
      points=$((points + 1))
      whole "at $call $when"
      cp -a "$folder" before 2>/dev/null || mkdir before
      expect 0 init
      whole "at $call $when, then run again"
      for file in before/*.env; do
        [ ! -e "$file" ] || cmp -s "$file" "$folder/${file##*/}" || fail "killed at $call $when: the next run changed $file"
      done
      [ -z "$(find "$folder" -name '.*.kbgen-new')" ] || fail "killed at $call $when: something is left behind"
      rm -rf before
    done
  done
  [ "$points" -gt 20 ] || fail "only $points moments: strace did not meet what it should"
else
  for ((points = 0; points < 60; points++)); do
    rm -rf "$folder"
    "$kbgen" secrets init --credentials "$folder" --quiet >/dev/null 2>&1 &
    sleep "0.0$((RANDOM % 90 + 10))"
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
    [ ! -d "$folder" ] || whole "at a random moment"
    expect 0 init
    whole 'at a random moment, then run again'
  done
fi
echo "ok: $count secrets, killed at $points moments"
