#!/usr/bin/env bash
# Begins the cluster again from a base backup: all members stop, the first one gets the data and leads, the others copy
# them from there. What the first one held is kept beside, in before-restore-<time>; the others' is thrown away, when
# the first one leads and not before. Clients are without PostgreSQL for as long as it takes.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/keybuzz-installer folder=03-postgres
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR
# Backups lie on the backup server in <folder>/<topology>/<service>/<time>/: the data, MANIFEST and SHA256SUMS. Such a
# folder is there whole or not at all, because it gets its name last.
backup_server=backup-01
backup_folder=/opt/keybuzz/backup/data/keybuzz/postgres
backup_keep=7
# shellcheck disable=SC2154  # lib/fleet.sh sets it
backup_scratch=$fleet_reports
backup_yes=--yes=keybuzz/postgres
backup_members=(
  "db-master-01 root@10.0.0.120"
  "db-slave-01 root@10.0.0.121"
  "db-slave-02 root@10.0.0.122"
)

at_backup_server() { remote "$backup_address" "$@"; }

# address_of MEMBER
address_of() {
  local host
  for host in "${backup_members[@]}"; do
    if [ "${host%% *}" = "$1" ]; then
      echo "${host#* }"
      return
    fi
  done
  fail "$1 is no member of $folder"
}

# on_member MEMBER COMMAND...: stdin and stdout are passed on.
on_member() {
  local member=$1 address
  shift
  address=$(address_of "$member")
  remote "$address" "$@"
}

# One at a time: a second one would take the first one's unfinished folder for a leftover.
backup_open() {
  fleet_read_plan
  backup_address=${fleet_addresses[$backup_server]:-}
  if [ -z "$backup_address" ]; then fail "backup_server: $backup_server is no server of this topology"; fi
  if [ ! -d "$root/state" ]; then install -d -m 0750 -- "$root/state"; fi
  exec {backup_lock}>"$root/state/$folder-backup.lock"
  if ! flock --nonblock "$backup_lock"; then fail "another backup or restore of $folder is going on"; fi
}

# ---------------------------------------------------------------- taking one

# These texts are for the shell of the backup server.
# shellcheck disable=SC2016
backup_receive='
set -eu
umask 077
mkdir -p "$1"
cd "$1"
rm -rf .incoming
mkdir .incoming
cat >.incoming/"$2"
sync .incoming/"$2"
'
# Read back from the disk before it counts.
# shellcheck disable=SC2016
backup_finish='
set -eu
umask 077
cd "$1/.incoming"
cat >MANIFEST
printf "%s  %s\n" "$4" "$3" >SHA256SUMS
sha256sum --check --strict --quiet SHA256SUMS
sync MANIFEST SHA256SUMS .
cd ..
mv -T .incoming "$2"
sync .
'
# The oldest go, as many as there are too many; the newest was read back a moment ago.
# shellcheck disable=SC2016
backup_thin='
set -eu
cd "$1"
keep=$2
set -- [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z
while [ "$#" -gt "$keep" ]; do
  rm -rf -- "./$1"
  echo "$1"
  shift
done
'

# backup_take FILE MEMBER FACTS COMMAND...: what COMMAND prints on the member becomes FILE of a new backup. FACTS is a
# command there that prints lines for MANIFEST, asked when the data has arrived.
backup_take() {
  local file=$1 member=$2 facts=$3 time began digest bytes gone
  shift 3
  time=$(date -u +%Y%m%dT%H%M%SZ) began=$SECONDS
  log "backing up from $member to $backup_server:$backup_folder/$time"
  mkfifo -- "$backup_scratch/copy"
  sha256sum <"$backup_scratch/copy" >"$backup_scratch/digest" &
  if ! on_member "$member" "$@" </dev/null | tee -- "$backup_scratch/copy" |
    at_backup_server /bin/sh -c "$backup_receive" receive "$backup_folder" "$file"; then
    fail "the backup did not come to its end; what is there of it is removed by the next one"
  fi
  wait "$!"
  digest=$(cut -d ' ' -f 1 <"$backup_scratch/digest")
  rm -f -- "$backup_scratch/copy" "$backup_scratch/digest"
  bytes=$(at_backup_server stat -c %s -- "$backup_folder/.incoming/$file" </dev/null)
  if [ "$bytes" -eq 0 ]; then fail "the backup is empty"; fi
  {
    printf 'topology %s\nservice %s\nmodule %s\n' keybuzz postgres postgresql-ha
    printf 'began %s\nended %s\nmember %s\nfile %s\nbytes %s\nsha256 %s\n' \
      "$time" "$(date -u +%Y%m%dT%H%M%SZ)" "$member" "$file" "$bytes" "$digest"
    # shellcheck disable=SC2086  # a command and its arguments
    on_member "$member" $facts </dev/null
  } >"$backup_scratch/manifest"
  at_backup_server /bin/sh -c "$backup_finish" finish "$backup_folder" "$time" "$file" "$digest" <"$backup_scratch/manifest"
  log "$time: $bytes bytes, read back, after $((SECONDS - began)) s"
  gone=$(at_backup_server /bin/sh -c "$backup_thin" thin "$backup_folder" "$backup_keep" </dev/null)
  if [ -n "$gone" ]; then log "removed, because $backup_keep are kept: $(paste -s -d ' ' <<<"$gone")"; fi
}

# ---------------------------------------------------------------- what there is

# shellcheck disable=SC2016
backup_names='if cd "$1" 2>/dev/null; then ls -1; fi'

# shellcheck disable=SC2016
backup_check='cd "$1" && sha256sum --check --strict --quiet SHA256SUMS'

backup_list() {
  at_backup_server /bin/sh -c "$backup_names" names "$backup_folder" </dev/null | grep -xE '[0-9]{8}T[0-9]{6}Z' || true
}

backup_usage() {
  cat <<USAGE
usage: $0 [--list]
  --list  the backups that $backup_server holds, the newest last
Without it makes a backup; the newest $backup_keep stay.
USAGE
}

# backup_arguments ARG...: ends the script when only a list was wanted.
backup_arguments() {
  case $# in
    0) backup_open ;;
    *)
      if [ "$*" != --list ]; then
        backup_usage >&2
        exit 2
      fi
      backup_open
      backup_list
      exit 0
      ;;
  esac
}

# ---------------------------------------------------------------- giving one back

restore_time='' restore_file='' restore_over=false

restore_usage() {
  cat <<USAGE
usage: $0 $backup_yes --from=TIME|latest [--over-living-data]
       $0 --list
  --from=...          which backup; --list shows them
  --over-living-data  the service holds data, and that is to be replaced
USAGE
}

# restore_arguments ARG...: checks the backup, every byte of it, before anything else happens.
restore_arguments() {
  local argument confirmed=false
  for argument in "$@"; do
    case $argument in
      "$backup_yes") confirmed=true ;;
      --from=?*) restore_time=${argument#*=} ;;
      --over-living-data) restore_over=true ;;
      --list)
        backup_open
        backup_list
        exit 0
        ;;
      *)
        restore_usage >&2
        exit 2
        ;;
    esac
  done
  if [ "$confirmed" = false ] || [ -z "$restore_time" ]; then
    restore_usage >&2
    exit 2
  fi
  backup_open
  if [ "$restore_time" = latest ]; then restore_time=$(backup_list | tail -n 1); fi
  if ! backup_list | grep -qxF -- "$restore_time"; then fail "$backup_server has no such backup in $backup_folder; see --list"; fi
  log "reading $restore_time on $backup_server"
  if ! at_backup_server /bin/sh -c "$backup_check" check "$backup_folder/$restore_time" </dev/null >&2; then
    fail "$restore_time is not what was written: a disk or a hand has changed it; take another one, see --list"
  fi
  if [ "$(fact service)" != postgres ] || [ "$(fact topology)" != keybuzz ]; then
    fail "this is a backup of $(fact service) of $(fact topology)"
  fi
  restore_file=$(fact file)
}

# fact KEY: of the backup's MANIFEST.
fact() {
  at_backup_server cat -- "$backup_folder/$restore_time/MANIFEST" </dev/null |
    awk -v key="$1" '$1 == key && !seen { sub(/^[^ ]+ /, ""); print; seen = 1 }'
}

# restore_stream: the data, as it was taken.
restore_stream() { at_backup_server cat -- "$backup_folder/$restore_time/$restore_file" </dev/null; }

# living WHAT: refuses, unless it was said.
living() {
  if [ "$restore_over" = true ]; then return 0; fi
  fail "$1, and a restore replaces it. If that is meant: $0 $backup_yes --from=$restore_time --over-living-data"
}

member=/usr/local/sbin/pg-member
limit=900
target=${backup_members[0]%% *}
others=()
for host in "${backup_members[@]:1}"; do others+=("${host%% *}"); done

pg() {
  local name=$1
  shift
  on_member "$name" "$member" "$@"
}
leads() { pg "$target" leads </dev/null; }
streams() { pg "$1" streams </dev/null; }

restore_arguments "$@"
for host in "${backup_members[@]}"; do
  if pg "${host%% *}" holds-data </dev/null; then living "${host%% *} holds a database"; fi
done
# Not only there: what the unit would find missing is found now.
for host in "${backup_members[@]}"; do on_member "${host%% *}" test -f /etc/patroni/patroni.yml </dev/null; done

stage="before anything was replaced: systemctl start patroni-docker on all members goes on as before"
# shellcheck disable=SC2154  # lib/fleet.sh sets fleet_reports
tidy_up() {
  local status=$?
  trap - ERR
  if [ "$status" -ne 0 ] && [ -n "$stage" ]; then log "it ended $stage"; fi
  rm -rf -- "$fleet_reports"
  kb_leave
}
trap tidy_up EXIT

log "stopping all members"
for name in "${others[@]}" "$target"; do on_member "$name" systemctl stop patroni-docker.service </dev/null; done
log "$target gets $restore_time"
restore_stream | pg "$target" restore

# The agreement on who leads belongs to the old data: it begins anew, with the others' voices but without their data.
stage="with the data of $restore_time on $target: run it again; what $target held before is in before-restore-*"
for name in "$target" "${others[@]}"; do pg "$name" forget-dcs </dev/null; done
for name in "${others[@]}"; do pg "$name" vote-begin </dev/null; done
on_member "$target" systemctl start patroni-docker.service </dev/null
wait_for "$limit" leads
log "$target leads"

stage="with $target leading on $restore_time: reinit.sh for each member that does not stream"
for name in "${others[@]}"; do
  pg "$name" vote-end </dev/null
  pg "$name" wipe "$name" </dev/null
  on_member "$name" systemctl start patroni-docker.service </dev/null
  wait_for "$limit" streams "$name"
  log "$name streams"
done
stage=
log "the cluster is that of $restore_time; roles and passwords of today: 03_pg_05_databases"
