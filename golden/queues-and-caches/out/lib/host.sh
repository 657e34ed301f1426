# What step scripts call on a server. Sourced by the prelude of every step, never run by itself.
# shellcheck shell=bash
#
# The folder above this one is the root: lib/, one folder a service, and what is made here:
#   logs/          one file a script, what `log` said
#   state/         changes that are not followed up yet (see kb_remember)
#   credentials/   secrets, 0600 files in a 0700 folder; KBGEN_CREDENTIALS names another place

kb_root=${kb_root:-$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)}
kb_script=$(basename -- "$0" .sh)
kb_credentials=${KBGEN_CREDENTIALS:-$kb_root/credentials}
kb_checks=0
kb_failures=0

# ---------------------------------------------------------------- saying what happens

# Results go to stdout; what is said meanwhile goes to stderr, and to logs/ for whoever comes later.
log() {
  local line
  line="$(date -u +%Y-%m-%dT%H:%M:%SZ) $kb_script: $*"
  printf '%s\n' "$line" >&2
  if [ -n "$kb_log" ]; then printf '%s\n' "$line" >>"$kb_log"; fi
}

kb_open_log() {
  kb_log=
  local folder=$kb_root/logs
  if [ ! -d "$folder" ] && [ -w "$kb_root" ]; then install -d -m 0750 "$folder"; fi
  if [ -d "$folder" ] && [ -w "$folder" ]; then kb_log=$folder/$kb_service-$kb_script.log; fi
}

# Ends the script with a reason.
fail() {
  log "FAILED: $*"
  kb_failed 1
}

# The ERR trap. The runner finds the line in the script, also when a function of this file failed,
# and translates it to the line of the template and of the model.
kb_failed() {
  local status=$1 frame file=$0 line=0
  for ((frame = 1; frame < ${#BASH_SOURCE[@]}; frame++)); do
    if [ "${BASH_SOURCE[frame]}" = "$0" ]; then
      line=${BASH_LINENO[frame - 1]}
      break
    fi
  done
  printf 'KBGEN_FAIL %s %d %d\n' "$file" "$line" "$status" >&2
  exit "$status"
}

# ---------------------------------------------------------------- questions

need_root() {
  if [ "$(id -u)" -ne 0 ]; then fail "this step must run as root"; fi
}

# The operating system as inventories write it: ubuntu-24.04, debian-12.
os_name() {
  (
    # shellcheck source=/dev/null
    . "${KBGEN_OS_RELEASE:-/etc/os-release}"
    printf '%s-%s\n' "$ID" "$VERSION_ID"
  )
}

# As the programs see it; timedatectl remembers an older one for a while.
time_zone() {
  local zone
  zone=$(readlink /etc/localtime)
  printf '%s\n' "${zone##*/zoneinfo/}"
}

# A container shares its machine's kernel, so that some settings are not its own to make.
in_container() { systemd-detect-virt --quiet --container; }

unit_exists() { [ -n "$(systemctl list-unit-files --no-legend "$1")" ]; }
unit_active() { systemctl is-active --quiet "$1"; }
unit_masked() { [ "$(systemctl is-enabled "$1")" = masked ]; }
unit_enabled() { systemctl is-enabled --quiet "$1"; }
package_version() { dpkg-query -W -f '${Version}' "$1"; }
package_installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]; }

# attempt COMMAND...: its output goes to $kb_output, its status to kb_status. Not a condition on
# purpose: bash ignores errors in everything that is called as one, functions and jobs included, and
# a check that cannot fail is worse than none.
attempt() {
  kb_status=0
  (
    trap - ERR EXIT
    set -e
    "$@"
  ) >"$kb_output" 2>&1 </dev/null &
  wait "$!" || kb_status=$?
}

# wait_for SECONDS COMMAND...: asks every second until the command succeeds; fails when it does not.
wait_for() {
  local limit=$1 deadline
  shift
  deadline=$((SECONDS + limit))
  while true; do
    attempt "$@"
    if [ "$kb_status" -eq 0 ]; then return 0; fi
    if [ "$SECONDS" -ge "$deadline" ]; then break; fi
    sleep 1
  done
  log "gave up after ${limit} s: $*"
  sed 's/^/  /' "$kb_output" >&2
  return 1
}

# ---------------------------------------------------------------- files

# A step that fails after it changed a file has not restarted what reads the file. So the change is
# remembered on disk until the step ends well; the next run takes it up again.
kb_remember() {
  changed=1
  if [ -d "$kb_root/state" ] || install -d -m 0750 "$kb_root/state" 2>/dev/null; then
    : >"$kb_root/state/$kb_service-$kb_script.changed"
  fi
}

kb_recall() {
  if [ -e "$kb_root/state/$kb_service-$kb_script.changed" ]; then changed=1; fi
}

kb_leave() {
  local status=$?
  rm -f -- "$kb_output" "$kb_temporary"
  if [ "$status" -eq 0 ]; then rm -f -- "$kb_root/state/$kb_service-$kb_script.changed"; fi
}

# install_file MODE OWNER PATH [SOURCE]: makes PATH equal to $here$PATH (or SOURCE).
install_file() {
  local mode=$1 owner=$2 path=$3 source=${4:-$here$3}
  if [ ! -f "$source" ]; then fail "$source is not there: was this server's folder copied whole?"; fi
  kb_open_temporary "$path"
  cat -- "$source" >"$kb_temporary"
  kb_close_temporary "$mode" "$owner" "$path"
}

# fill_file MODE OWNER PATH [SOURCE]: the same, and every @@file:KEY@@ becomes the value that the
# credentials folder holds for KEY in file, byte by byte. No value ever stands in a command line or
# in a message.
fill_file() {
  local mode=$1 owner=$2 path=$3 source=${4:-$here$3}
  local - LC_ALL=C kb_filled
  set +x
  if [ ! -f "$source" ]; then fail "$source is not there: was this server's folder copied whole?"; fi
  kb_fill "$source"
  kb_open_temporary "$path"
  printf '%s' "$kb_filled" >"$kb_temporary"
  kb_close_temporary "$mode" "$owner" "$path"
}

# The temporary file lies beside its target, so that the rename is atomic, and is unreadable for
# others until its owner and mode are right.
kb_open_temporary() {
  local folder
  folder=$(dirname -- "$1")
  if [ ! -d "$folder" ]; then install -d -m 0755 -- "$folder"; fi
  kb_temporary=$(umask 077 && mktemp -- "$folder/.kbgen.XXXXXXXX")
}

kb_close_temporary() {
  local mode=$1 owner=$2 path=$3
  if kb_owner_differs "$owner" "$kb_temporary"; then chown -- "$owner" "$kb_temporary"; fi
  chmod -- "$mode" "$kb_temporary"
  if [ -d "$path" ] && [ ! -L "$path" ]; then fail "$path is a directory"; fi
  if ! kb_same_file "$kb_temporary" "$path"; then
    kb_remember
    kb_replace "$kb_temporary" "$path"
    log "wrote $path"
  fi
  rm -f -- "$kb_temporary"
  kb_temporary=
}

kb_same_file() {
  if [ ! -f "$2" ] || [ -L "$2" ] || [ "$(sha256sum <"$1")" != "$(sha256sum <"$2")" ]; then return 1; fi
  kb_mounted "$2" || [ "$(stat -c '%a %u:%g' -- "$1")" = "$(stat -c '%a %u:%g' -- "$2")" ]
}

# A container engine mounts /etc/hosts and /etc/resolv.conf: they can be filled, not replaced.
kb_replace() {
  if kb_mounted "$2"; then
    cat -- "$1" >"$2"
  else
    mv -T -f -- "$1" "$2"
  fi
}

kb_mounted() {
  local where
  while read -r _ _ _ _ where _; do
    if [ "$where" = "$1" ]; then return 0; fi
  done </proc/self/mountinfo
  return 1
}

# remove_file PATH: for what an earlier version of a step has left behind.
remove_file() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then return 0; fi
  kb_remember
  rm -f -- "$1"
  log "removed $1"
}

# An ordinary user may keep a file that is theirs already, without asking for a chown.
kb_owner_differs() {
  local has
  has=$(stat -c '%U:%G %u:%g' -- "$2")
  [ "${has% *}" != "$1" ] && [ "${has#* }" != "$1" ]
}

# Reads SOURCE into kb_filled, with all tokens replaced. Works on bytes (LC_ALL=C of the caller).
kb_fill() {
  local source=$1 rest before token
  kb_read_whole "$source"
  rest=$kb_text
  kb_filled=
  while [[ $rest == *@@* ]]; do
    before=${rest%%@@*}
    rest=${rest:${#before}+2}
    token=${rest%%@@*}
    if [[ $token =~ ^([A-Za-z0-9][A-Za-z0-9._-]*):([A-Za-z_][A-Za-z0-9_]*)$ && $rest == "$token@@"* ]]; then
      kb_look_up "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
      kb_filled+=$before$kb_value
      rest=${rest:${#token}+2}
    else
      # Not a token: one character on, because the second @ may begin one.
      kb_filled+=$before@
      rest=@$rest
    fi
  done
  kb_filled+=$rest
  kb_value=
}

# Sets kb_text to the bytes of a file. Bash drops NUL without a word, hence the count.
kb_read_whole() {
  IFS= read -r -d '' kb_text <"$1" || true
  if [ "${#kb_text}" -ne "$(stat -c %s -- "$1")" ]; then fail "$1 holds a NUL byte"; fi
}

# Sets kb_value to the value of KEY in a credentials file: everything after the first '=', as it is.
kb_look_up() {
  local name=$1 key=$2 file=$kb_credentials/$1 line number=0 found=0
  if [ ! -f "$file" ]; then fail "$file is not there; it must hold $key"; fi
  if ((0$(stat -L -c %a -- "$file") & 077)); then
    fail "$file may be read by others than its owner: chmod 0600 it"
  fi
  kb_read_whole "$file"
  kb_text=
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    # A line of no known form is what is left of a value that had a newline in it.
    if [[ ! $line =~ ^([A-Za-z_][A-Za-z0-9_]*=.*|#.*|)$ ]]; then
      fail "$name, line $number: neither KEY=value nor a comment"
    fi
    if [[ $line != "$key="* ]]; then continue; fi
    kb_value=${line:${#key}+1}
    found=$((found + 1))
  done <"$file"
  if [ "$found" -eq 0 ]; then fail "$name has no $key"; fi
  if [ "$found" -gt 1 ]; then fail "$name has $key $found times"; fi
  if [ -z "$kb_value" ]; then fail "$key in $name is empty"; fi
  # A tab, a carriage return, an escape: some reader of the filled file would see something else.
  if [[ $kb_value == *[[:cntrl:]]* ]]; then fail "$key in $name holds a control character"; fi
}

# ---------------------------------------------------------------- units

# restart_if_changed UNIT [ACTION]: acts only when a file of this step changed. ACTION is restart
# (default) or reload. Either way the unit is enabled and running afterwards.
restart_if_changed() {
  local unit=$1 action=${2:-restart}
  if ! unit_enabled "$unit"; then systemctl enable --quiet "$unit"; fi
  if ! unit_active "$unit"; then
    log "starting $unit"
    systemctl start "$unit"
  elif [ "$changed" -eq 1 ]; then
    log "$action of $unit: its configuration changed"
    systemctl "$action" "$unit"
  fi
}

# ---------------------------------------------------------------- firewall

# firewall_rules [FILE]: table inet kbgen as the kernel lists it, so that two rule sets can be
# compared: the one that is loaded, or the one that FILE makes in a network of its own.
firewall_rules() {
  if [ "$#" -eq 1 ]; then
    # shellcheck disable=SC2016  # $1 is for the inner shell
    unshare --net -- /bin/sh -c 'nft -f "$1" && nft --stateless list table inet kbgen' load "$1"
  elif firewall_loaded; then
    nft --stateless list table inet kbgen
  fi
}

firewall_loaded() { nft list table inet kbgen >/dev/null 2>&1; }

# ---------------------------------------------------------------- checks

# check TEXT COMMAND...: prints one line of a numbered report (TAP), and the reason when it is "not
# ok". Goes on after a failure, so that one run shows everything.
check() {
  local text=$1
  shift
  kb_checks=$((kb_checks + 1))
  attempt "$@"
  if [ "$kb_status" -eq 0 ]; then
    printf 'ok %d - %s\n' "$kb_checks" "$text"
  else
    kb_failures=$((kb_failures + 1))
    printf 'not ok %d - %s\n' "$kb_checks" "$text"
    sed 's/^/# /' "$kb_output"
  fi
}

# check_skip TEXT REASON: a check that means nothing here. Counted and shown, so that nobody takes
# it for a passed one.
check_skip() {
  kb_checks=$((kb_checks + 1))
  printf 'ok %d - %s # SKIP %s\n' "$kb_checks" "$1" "$2"
}

# same WHAT WANTED FOUND: for use in checks.
same() {
  if [ "$2" != "$3" ]; then
    printf '%s: wanted "%s", found "%s"\n' "$1" "$2" "$3"
    return 1
  fi
}

# Ends the report; the script fails when a check did.
check_summary() {
  printf '1..%d\n# %d checks, %d failed\n' "$kb_checks" "$kb_checks" "$kb_failures"
  if [ "$kb_failures" -gt 0 ]; then exit 1; fi
}

kb_service=$(basename -- "$here")
kb_temporary=
kb_output=$(umask 077 && mktemp -t kbgen.XXXXXXXX)
changed=0
kb_open_log
kb_recall
trap kb_leave EXIT
