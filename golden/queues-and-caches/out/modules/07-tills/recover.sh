#!/usr/bin/env bash
# After a full stop: asks every member where its data ends, begins the cluster again from the one that reaches furthest, and
# lets the others join. Without --yes it only asks. A member that is Primary means that there is a cluster, and then
# nothing is done, whoever claims to know better.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=07-tills
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

members=(
  "till-1 deploy@192.168.64.61"
  "till-2 deploy@192.168.64.62"
  "till-3 deploy@192.168.64.63"
)
start_timeout=3600

usage() {
  cat <<USAGE
usage: $0 [--yes] [--without=MEMBER]...
  without --yes        asks every member, and says what would be done
  --yes                stops what waits, and begins the cluster from the member whose data reaches furthest
  --without=MEMBER     this member is lost or its data is not wanted: it is neither waited for nor started. Changes that
                       only it has are gone. The others, and it, when it comes back, copy everything from the one that
                       the cluster begins from, because nobody knows any more in what they differ
USAGE
}

confirmed=false
without=()
for argument in "$@"; do
  case $argument in
    --yes) confirmed=true ;;
    --without=?*) without+=("${argument#*=}") ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
done

# of_members NAME
of_members() {
  local member
  for member in "${members[@]}"; do if [ "${member%% *}" = "$1" ]; then return 0; fi; done
  return 1
}
for excluded in "${without[@]}"; do
  if ! of_members "$excluded"; then fail "--without: $excluded is no member"; fi
done
is_excluded() {
  local excluded
  for excluded in "${without[@]}"; do if [ "$excluded" = "$1" ]; then return 0; fi; done
  return 1
}

on_member() {
  local address=$1
  shift
  remote "$address" /usr/local/sbin/galera-member "$@" </dev/null
}

# ask_all: fills `answers`, one for each member, "silent" for one that is excluded and cannot be asked.
answers=()
ask_all() {
  local member name answer
  answers=()
  for member in "${members[@]}"; do
    name=${member%% *}
    if ! answer=$(on_member "${member#* }" state); then
      if ! is_excluded "$name"; then
        fail "$name cannot be asked. If it is lost, with everything that only it has: --without=$name"
      fi
      answer=silent
    fi
    log "$name: $answer"
    if [[ $answer == primary\ * ]]; then fail "$name is Primary: there is a cluster. Start the others: systemctl start mariadb-docker"; fi
    answers+=("$answer")
  done
}

# choose: the member whose data reaches furthest; among equals the one that left last, then the first.
chosen=
choose() {
  local index name condition cluster change safe best=-1 best_safe=0 history=
  chosen=
  for index in "${!members[@]}"; do
    name=${members[index]%% *}
    read -r condition cluster change safe <<<"${answers[index]} - -1 0"
    if is_excluded "$name"; then continue; fi
    if [ "$condition" = initialised ]; then
      fail "$name holds a database without a history. If the cluster is to begin from it: galera-member bootstrap new, on $name"
    fi
    if [ "$condition" != stopped ]; then continue; fi
    if [ -n "$history" ] && [ "$cluster" != "$history" ]; then
      fail "$name comes from another cluster ($cluster) than those before it ($history): leave out with --without whose data is not wanted"
    fi
    history=$cluster
    if [ "$change" -gt "$best" ] || { [ "$change" -eq "$best" ] && [ "$safe" -gt "$best_safe" ]; }; then
      chosen=$index best=$change best_safe=$safe
    fi
  done
}

log "asking every member"
ask_all
waiting=false
for index in "${!members[@]}"; do
  if [[ ${answers[index]} == waiting\ * ]]; then waiting=true; fi
done
if [ "$confirmed" = false ]; then
  if [ "$waiting" = true ]; then
    log "some members run and wait for a Primary component. When all that were there last are back, they find it by"
    log "themselves (pc.recovery). If they do not: with --yes they are stopped, compared, and started in the right order"
  else
    choose
    if [ -z "$chosen" ]; then fail "no member has data that a cluster could begin from"; fi
    log "with --yes, the cluster would begin from ${members[chosen]%% *}: ${answers[chosen]}"
  fi
  exit 0
fi

# Stopped, so that none of them changes between the comparison and the start; also those left out, so that they do not join.
for index in "${!members[@]}"; do
  if [ "${answers[index]}" != silent ]; then on_member "${members[index]#* }" stop; fi
done
log "all are stopped; asking again"
ask_all
for index in "${!members[@]}"; do
  if [[ ${answers[index]} == waiting\ * ]]; then fail "${members[index]%% *} does not stop"; fi
done
choose
if [ -z "$chosen" ]; then fail "no member has data that a cluster could begin from"; fi
read -r _ cluster change _ <<<"${answers[chosen]}"

log "beginning from ${members[chosen]%% *}, $cluster:$change"
manner=()
if [ "${#without[@]}" -gt 0 ]; then manner=(anew); fi
on_member "${members[chosen]#* }" bootstrap "$cluster:$change" "${manner[@]}"
for index in "${!members[@]}"; do
  if [ "$index" = "$chosen" ] || is_excluded "${members[index]%% *}"; then continue; fi
  log "starting ${members[index]%% *}"
  on_member "${members[index]#* }" start "$start_timeout"
done
if [ "${#without[@]}" -eq 0 ]; then on_member "${members[chosen]#* }" healthy; fi
on_member "${members[chosen]#* }" list
log "the cluster is back"
