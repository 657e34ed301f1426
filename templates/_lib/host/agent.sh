# What a server does for a runner, as long as one is connected. Never lies in wait: a runner starts it over SSH
# (or here, on its own machine) and sends this text first:
#
#   bash -c 'eval "$(head -c BYTES)"' kbgen-agent ROOT
#
# Then come requests, one a line, words separated by one space; a payload follows its line as exactly BYTES bytes. Every
# answer is a line `TAG WORD ...` of at most 4000 bytes, where TAG is what the request began with; `TAG done STATUS` is
# the last one. What takes long (run, here, exec, preflight, drift) runs beside the rest, the others one by one.
#
#   TAG hello                          info generation ID|-, info os NAME, info host NAME,
#                                      info receipt FOLDER STEP INPUT 0|1 ENDED (1: its credentials are today's),
#                                      info running FOLDER STEP RUN (a step of an earlier connection that still runs)
#   TAG lock RUN | unlock              one run a server; ship, switch, credentials, run and here want it
#   TAG ship ID BYTES                  a tar of the generation ID (the first 16 digits of its digest, or all)
#   TAG switch ID                      back to a generation that is still there
#   TAG credentials BYTES              lines `FILE KEY=VALUE`: exactly these are made; and `@ FOLDER FILE KEY`: who reads
#                                      what, so that a step runs again when a value that it reads is another one
#   TAG preflight BYTES                rows of plan.tsv without the server's name, see do_preflight; ok|bad|note TEXT
#   TAG run RUN FOLDER STEP INPUT TREE [ARG...]        a step whose receipt says INPUT and TREE
#   TAG here RUN FOLDER STEP INPUT TREE SCRIPT [ARG...]  the same with a script by its path: what runs on the install host
#   TAG exec RUN FOLDER STEP [ARG...]                  without a receipt; INPUT - makes the others leave none either
#                                      out LINE ..., done with the script's status. SCRIPT and ARG are percent-encoded
#   TAG drift FOLDER [BYTES]           out same|differs|missing|mode PATH; the payload's lines `MODE OWNER PATH` say
#                                      what to look at and add the modes; without it all files, contents only
#   TAG bye
#
# A step outlives its connection: it writes its log and its receipt itself, and `run` of a step that still runs joins it.
# A status of 75 says that another step runs. Needs bash 5, coreutils and tar, nothing else, and says no secret to
# any program: not in arguments, not in the environment, not in a log.
# shellcheck shell=bash

set -uo pipefail
agent_locale=${LC_ALL-unset}
LC_ALL=C # bytes, and their order
umask 022
trap '' HUP
shopt -s dotglob globstar nullglob

root=$1
state=$root/state
logs=$root/logs
tag=-
run=     # of whoever holds the lock over this connection
scripts=0
declare -A told=() # FOLDER/STEP that hello has called running -> where to read how it ends

# ---------------------------------------------------------------- saying and reading

# One write a line, so that the lines of several requests do not mix.
say() {
  local line="$tag $*"
  printf '%s\n' "${line:0:3900}"
}

refuse() {
  say out "$*"
  return 1
}

# Sets payload to exactly BYTES bytes of the connection.
take_payload() {
  payload=$(head -c "$1" && printf .) 2>/dev/null
  payload=${payload%.}
  [ "${#payload}" -eq "$1" ]
}

is_atom() { [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]]; }
is_count() { [[ $1 =~ ^(0|[1-9][0-9]{0,14})$ ]]; }
is_hex() { [[ $1 =~ ^[0-9a-f]+$ ]]; }

# Sets REPLY to what a percent-encoded word stands for.
decode() {
  local text=${1//\\/\\\\}
  if [[ $1 =~ %([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$|00) ]]; then return 1; fi
  printf -v REPLY '%b' "${text//%/\\x}"
}

# ---------------------------------------------------------------- processes and locks

# Sets REPLY to when a process started; fails when it has ended, waited for or not.
started() {
  local stat=
  IFS= read -r -d '' stat 2>/dev/null <"/proc/$1/stat"
  # The name may hold blanks and brackets.
  stat=${stat##*) }
  local -a fields
  read_words fields "$stat"
  if [ "${#fields[@]}" -lt 20 ] || [ "${fields[0]}" = Z ]; then return 1; fi
  REPLY=${fields[19]}
}

# Splits at blanks without looking at files.
read_words() {
  local -n split_into=$1
  local - IFS=$' \t\n'
  set -f
  # shellcheck disable=SC2034,SC2206  # the caller's array, split on purpose
  split_into=($2)
}

# Sets REPLY to PID.START.BOOT, which no two processes ever share.
identity() {
  local boot
  if ! started "$1"; then return 1; fi
  IFS= read -r boot </proc/sys/kernel/random/boot_id
  REPLY=$1.$REPLY.$boot
}

# Whether the process of such a text, with more behind a colon perhaps, lives. In doubt it does.
alive() {
  local text=${1%%:*} REPLY
  if [[ ! $text =~ ^([0-9]+)\.([0-9]+)\.([0-9a-f-]+)$ ]]; then return 0; fi
  identity "${BASH_REMATCH[1]}" && [ "$REPLY" = "$text" ]
}

# take_lock PATH TEXT: makes the link, which only one can. The lock of a dead process is removed by whoever
# makes the link PATH.over.DEAD, and only while it is still that one. Fails with REPLY: why.
take_lock() {
  local path=$1 text=$2 holder over attempt
  for ((attempt = 0; attempt < 50; attempt++)); do
    if ln -s -T -- "$text" "$path" 2>/dev/null; then return 0; fi
    if ! holder=$(readlink -- "$path"); then
      if [ "$attempt" -lt 5 ]; then continue; fi # given back in this moment
      REPLY="cannot make $path"
      return 1
    fi
    if alive "$holder"; then
      REPLY=$holder
      return 1
    fi
    over=$path.over.${holder%%:*}
    if take_lock "$over" "$text"; then
      if [ "$(readlink -- "$path")" = "$holder" ]; then rm -f -- "$path"; fi
      rm -f -- "$over"
    fi
  done
  REPLY="$path is taken and given back all the time"
  return 1
}

do_lock() {
  if ! is_atom "$1"; then refuse "$1 is no name of a run" || return; fi
  if [ -n "$run" ]; then refuse "run $run holds the lock over this connection" || return; fi
  if { [ ! -d "$root" ] && ! mkdir -p -- "$root"; } || ! make_folder "$state" 0750; then refuse "cannot make $state" || return; fi
  identity "$$"
  if ! take_lock "$state/host.lock" "$REPLY:$1"; then
    refuse "${REPLY/*:/another run goes on here: }" || return
  fi
  run=$1
}

do_unlock() {
  if [ -z "$run" ]; then return 0; fi
  rm -f -- "$state/host.lock" # nobody takes it from who lives
  run=
}

need_lock() {
  if [ -n "$run" ]; then return 0; fi
  refuse "this changes the server: lock it first"
}

make_folder() { [ -d "$1" ] || mkdir -m "$2" -- "$1"; }

# ---------------------------------------------------------------- hello

do_hello() {
  local REPLY
  generation
  say info generation "$REPLY"
  os_name
  say info os "$REPLY"
  host_name
  say info host "$REPLY"
  say_receipts
  say_running
}

# Sets REPLY to the generation that this server has, or to -, also when somebody has put folders in the place of links.
generation() {
  local id entry
  REPLY=-
  if [ ! -L "$root/current" ] || ! cd -P -- "$root/current" 2>/dev/null; then return 0; fi
  id=${PWD##*/}
  for entry in *; do
    if [ ! -L "$root/$entry" ]; then id=-; fi
  done
  cd /
  if [ -f "$root/generations/$id.sums" ]; then REPLY=$id; fi
}

os_name() {
  local key value id='' version=''
  while IFS='=' read -r key value; do
    value=${value#[\"\']} value=${value%[\"\']}
    case $key in ID) id=$value ;; VERSION_ID) version=$value ;; esac
  done <"${KBGEN_OS_RELEASE:-/etc/os-release}"
  REPLY=$id-$version
}

host_name() { IFS= read -r REPLY </proc/sys/kernel/hostname; }

say_receipts() {
  local file folder step input credentials ended key value
  local -A digests=()
  for file in "$state"/receipts/*; do digests[${file##*/}]=-; done
  digest_credentials digests
  for file in "$state"/receipts/*/*; do
    step=${file##*/} folder=${file%/*} folder=${folder##*/}
    if ! is_atom "$step"; then continue; fi # half written
    input=- credentials='' ended=-
    while read -r key value; do
      case $key in
        input) input=$value ;;
        credentials) credentials=$value ;;
        ended) ended=$value ;;
      esac
    done <"$file"
    if [ "$credentials" = "${digests[$folder]}" ]; then credentials=1; else credentials=0; fi
    say info receipt "$folder" "$step" "$input" "$credentials" "$ended"
  done
}

# Sets job to the fields of the step that runs here: identity, folder, step, run, mark, log. Fails when none does.
running() {
  local line=
  if [ -f "$state/running" ]; then IFS= read -r line <"$state/running"; fi
  read_words job "$line"
  [ "${#job[@]}" -eq 6 ] && alive "${job[0]}"
}

say_running() {
  local -a job
  told=()
  if ! running; then return 0; fi
  told[${job[1]}/${job[2]}]=${job[*]}
  say info running "${job[@]:1:3}"
}

# ---------------------------------------------------------------- credentials

# Where scripts look for them: lib/host.sh.
credentials_folder=${KBGEN_CREDENTIALS:-$root/credentials}

do_credentials() {
  local payload line readers='' name bad=0 same=1
  local -A wanted=() before=()
  # Without a process; it reads no byte too much unless one of them is NUL, which no runner sends.
  IFS= read -r -N "$1" payload
  if [ "${#payload}" -ne "$1" ]; then refuse "the credentials arrived cut short" || return; fi
  need_lock || return
  while [ -n "$payload" ]; do
    line=${payload%%$'\n'*}
    if [ "$line" = "$payload" ]; then bad=1; fi
    payload=${payload#*$'\n'}
    if [[ $line =~ ^@\ [A-Za-z0-9][A-Za-z0-9._-]*\ [A-Za-z0-9][A-Za-z0-9._-]*\ [A-Za-z_][A-Za-z0-9_]*$ ]]; then
      readers+=${line:2}$'\n'
    elif [[ $line =~ ^([A-Za-z0-9][A-Za-z0-9._-]*)\ [A-Za-z_][A-Za-z0-9_]*=[^[:cntrl:]]+$ ]]; then
      wanted[${BASH_REMATCH[1]}]+=${line#* }$'\n'
    else
      bad=1
    fi
    if [ "$bad" -ne 0 ]; then
      refuse "a line of the credentials is neither FILE KEY=VALUE nor @ FOLDER FILE KEY" || return
    fi
  done
  if [ "${#wanted[@]}" -gt 0 ] && [ -e "$state/journal.jsonl" ]; then
    refuse "$credentials_folder is where runs take credentials from: nothing is written there" || return
  fi
  write_list "$state/readers" "$readers" || return
  read_list before "$state/credentials.files"
  for name in "${!wanted[@]}"; do
    if [ -z "${before[$name]:-}" ]; then same=0; fi
  done
  # Noted before they are there, so that what is there is always noted.
  if [ "$same" -eq 0 ]; then write_list "$state/credentials.files" "$(printf '%s\n' "${!before[@]}" "${!wanted[@]}")" || return; fi
  for name in "${!wanted[@]}"; do write_credentials "$name" "${wanted[$name]}" || return; done
  for name in "${!before[@]}"; do
    if [ -n "${wanted[$name]:-}" ]; then continue; fi
    same=0
    if ! rm -f -- "$credentials_folder/$name"; then
      refuse "cannot remove $credentials_folder/$name, which is no longer wanted" || return
    fi
  done
  if [ "$same" -eq 0 ]; then write_list "$state/credentials.files" "$(printf '%s\n' "${!wanted[@]}")"; fi
}

read_list() {
  local -n list=$1
  local name
  if [ ! -f "$2" ]; then return 0; fi
  while IFS= read -r name; do
    # shellcheck disable=SC2034  # the caller's array
    if is_atom "$name"; then list["$name"]=1; fi
  done <"$2"
}

# Sets text to what a file holds; nothing when it is not there.
read_text() {
  text=
  if [ -f "$1" ]; then IFS= read -r -d '' text <"$1"; fi
  return 0
}

# Nothing secret: names.
write_list() {
  local text
  read_text "$1"
  if [ "${text%$'\n'}" = "${2%$'\n'}" ]; then return 0; fi
  if { printf '%s\n' "${2%$'\n'}" >"$1.new"; } 2>/dev/null && sync -- "$1.new" && mv -T -f -- "$1.new" "$1"; then return 0; fi
  refuse "cannot write $1"
}

write_credentials() {
  local file=$credentials_folder/$1 new=$credentials_folder/.$1.new text
  read_text "$file"
  if [ ! -L "$file" ] && [ "$text" = "$2" ]; then return 0; fi # its mode is seen to before a step
  if [ ! -d "$credentials_folder" ] && ! (umask 077 && mkdir -p -- "$credentials_folder"); then
    refuse "cannot make $credentials_folder" || return
  fi
  rm -f -- "$new"
  if (umask 077 && printf '%s' "$2" >"$new") 2>/dev/null && sync -- "$new" && mv -T -f -- "$new" "$file" &&
    sync -- "$credentials_folder"; then
    return 0
  fi
  rm -f -- "$new"
  refuse "cannot write $file"
}

# digest_credentials NAME: gives each folder in that array the digest of what its service's steps read, salted with what
# never leaves this server; - when they read nothing. One process for all.
digest_credentials() {
  local -n digest_into=$1
  local folder file key salt='' line i descriptor
  local -a folders=() places=() found=()
  local -A texts=() lines=()
  if [ ! -s "$state/readers" ]; then return 0; fi
  if [ -f "$state/salt" ]; then IFS= read -r salt <"$state/salt"; fi
  while read -r folder file key; do
    if [ -z "${digest_into[$folder]:-}" ]; then continue; fi
    if [ -z "${lines[$file]:-}" ]; then
      lines[$file]=seen
      if [ -f "$credentials_folder/$file" ]; then
        while IFS= read -r line; do lines["$file ${line%%=*}"]=${line#*=}; done <"$credentials_folder/$file"
      fi
    fi
    texts[$folder]+="$file $key=${lines["$file $key"]:-}"$'\n'
  done <"$state/readers"
  for folder in "${!texts[@]}"; do
    digest_into["$folder"]="none without a salt"
    if [ "${#salt}" -ne 64 ]; then continue; fi
    folders+=("$folder")
    exec {descriptor}< <(printf '%s\n%s' "$salt" "${texts[$folder]}")
    places+=("/dev/fd/$descriptor")
  done
  if [ "${#folders[@]}" -eq 0 ]; then return 0; fi
  mapfile -t found < <(sha256sum -- "${places[@]}")
  for ((i = 0; i < ${#folders[@]}; i++)); do
    digest_into["${folders[i]}"]=${found[i]%% *}
    descriptor=${places[i]##*/}
    exec {descriptor}<&-
  done
}

make_salt() {
  local salt
  if [ -s "$state/salt" ]; then return 0; fi
  salt=$(head -c 64 /dev/urandom | sha256sum) || return 1
  (umask 077 && printf '%s\n' "${salt%% *}" >"$state/salt.new") && sync -- "$state/salt.new" &&
    mv -T -f -- "$state/salt.new" "$state/salt"
}

# ---------------------------------------------------------------- requests

# Ends when the runner says so or is gone. What cannot be understood ends the connection: nobody knows where the next
# request begins. The shell reads this text as it goes, so when all is well and nothing is to be done it has read no
# more than what stands above: a request that needs the rest waits until that is read.
serve() {
  local payload
  local -a words
  while [ -n "$waiting" ] || IFS= read -r waiting; do
    read_words words "$waiting"
    case "${words[1]:-}" in
      hello | lock | unlock | credentials | bye) ;;
      *) if [ "$1" != all ]; then return; fi ;;
    esac
    waiting=
    tag=${words[0]:-}
    if [[ ! $tag =~ ^[a-z0-9.-]+$ ]]; then break; fi
    words=("${words[@]:1}")
    case "${words[0]:-}/${#words[@]}" in
      hello/1) do_hello ;;
      lock/2) do_lock "${words[1]}" ;;
      unlock/1) do_unlock ;;
      ship/3)
        is_count "${words[2]}" || break
        do_ship "${words[@]:1}"
        ;;
      switch/2) do_switch "${words[1]}" ;;
      credentials/2)
        is_count "${words[1]}" || break
        do_credentials "${words[1]}"
        ;;
      preflight/2 | drift/3)
        is_count "${words[-1]}" || break
        take_payload "${words[-1]}" || break
        beside "do_${words[0]}" "${words[@]:1:${#words[@]}-2}" "$payload"
        continue
        ;;
      drift/2)
        beside do_drift "${words[1]}" ""
        continue
        ;;
      run/[6-9] | run/[1-9]?*)
        start run "${words[@]:1:5}" '' "${words[@]:6}"
        continue
        ;;
      here/[7-9] | here/[1-9]?*)
        start here "${words[@]:1}"
        continue
        ;;
      exec/[4-9] | exec/[1-9]?*)
        start exec "${words[@]:1:3}" - - '' "${words[@]:4}"
        continue
        ;;
      bye/1)
        say "done" 0
        break
        ;;
      *)
        say out "this agent knows no such request: ${words[0]:-}/${#words[@]}"
        say "done" 2
        break
        ;;
    esac
    say "done" $?
  done
  do_unlock
  exit 0
}

waiting=
serve some

# ---------------------------------------------------------------- generations

# weigh FOLDER: sets sums to a line `MODE DIGEST  PATH` for each file below it, by path. Fails with REPLY: what does
# not belong there.
weigh() {
  local path bits=() paths=() found=() i
  sums=
  cd -- "$1" || return 1
  for path in **; do
    if [ -L "$path" ] || [ ! -f "$path" ] && [ ! -d "$path" ]; then
      REPLY="$path is no regular file"
      return 1
    fi
    if [[ ! $path =~ ^[A-Za-z0-9._@+:=,~/-]+$ ]]; then
      REPLY="the name of a file is not allowed: $(printf '%q' "$path")"
      return 1
    fi
    if [ -d "$path" ]; then continue; fi
    paths+=("$path")
    if [ -x "$path" ]; then bits+=(0755); else bits+=(0644); fi
  done
  if [ "${#paths[@]}" -gt 0 ]; then mapfile -t found < <(sha256sum -- "${paths[@]}"); fi
  cd /
  if [ "${#paths[@]}" -ne "${#found[@]}" ]; then
    REPLY="cannot read what was shipped"
    return 1
  fi
  for ((i = 0; i < ${#paths[@]}; i++)); do sums+="${bits[i]} ${found[i]}"$'\n'; done
}

# Whether a folder is the generation ID, to the last bit. Sets sums.
is_generation() {
  local digest
  if ! weigh "$1"; then
    cd /
    return 1
  fi
  digest=$(printf '%s' "$sums" | sha256sum) || return 1
  REPLY="what arrived is not generation $2"
  [[ $digest == "$2"* ]]
}

is_generation_id() { is_hex "$1" && { [ "${#1}" -eq 16 ] || [ "${#1}" -eq 64 ]; }; }

do_ship() {
  local id=${1:0:16} whole=$1 bytes=$2 home=$root/generations incoming said
  if ! may_switch "$whole"; then
    head -c "$bytes" >/dev/null
    return 1
  fi
  if [ -d "$home/$id" ] && is_generation "$home/$id" "$whole"; then
    head -c "$bytes" >/dev/null
    switch_to "$id"
    return
  fi
  incoming=$home/.incoming
  rm -rf -- "$home"/.incoming* # what a connection that was cut left
  if said=$(receive "$bytes" "$home" "$incoming" 2>&1); then said=; fi
  if [ -z "$said" ] && is_generation "$incoming" "$whole" && keep "$incoming" "$id"; then
    switch_to "$id"
    return
  fi
  rm -rf -- "$incoming"
  refuse "${said:-$REPLY}"
}

# Takes all bytes, whatever happens: requests follow them.
receive() {
  head -c "$1" | {
    mkdir -p -- "$2" && mkdir -- "$3" &&
      tar --extract --file=- --directory="$3" --no-same-owner --no-same-permissions 2>&1 | tail -n 3
    status=$?
    cat >/dev/null
    exit "$status"
  }
}

# On the disk before anything points to it.
keep() {
  local home=$root/generations
  REPLY="cannot write to $home"
  printf '%s' "$sums" >"$1.sums" || return 1
  rm -rf -- "${home:?}/$2"
  mv -T -- "$1" "$home/$2" && mv -T -f -- "$1.sums" "$home/$2.sums" && sync -f -- "$home/$2"
}

do_switch() {
  local id=${1:0:16}
  may_switch "$1" || return
  if [ ! -d "$root/generations/$id" ]; then refuse "generation $id is not here" || return; fi
  if ! is_generation "$root/generations/$id" "$1"; then
    refuse "generation $id is not what it was: $REPLY" || return
  fi
  switch_to "$id"
}

may_switch() {
  local -a job
  need_lock || return
  if ! is_generation_id "$1"; then refuse "$1 is no generation" || return; fi
  if ! running; then return 0; fi
  # Its scripts would change under its hands.
  generation
  if [ "$REPLY" = "${1:0:16}" ]; then return 0; fi
  refuse "step ${job[2]} of ${job[1]} still runs (run ${job[3]})"
}

# Links first, the switch last: who looks in between sees the old generation, or none on a server that had folders.
switch_to() {
  local id=$1 home=$root/generations name REPLY
  for name in "$home/$id"/*; do
    name=${name##*/}
    case $name in
      credentials | current | generations | logs | reports | state | .*)
        refuse "$name is not for shipping" || return
        ;;
    esac
    if ! link "$name" "$id"; then refuse "cannot make the link $root/$name" || return; fi
  done
  touch -- "$home/$id"
  if ! ln -s -f -n -- "generations/$id" "$root/.current" || ! mv -T -f -- "$root/.current" "$root/current" ||
    ! sync -- "$root"; then
    refuse "cannot switch $root/current" || return
  fi
  for name in "$root"/*; do
    if [ -L "$name" ] && [ ! -e "$name" ] && [ "$(readlink -- "$name")" = "current/${name##*/}" ]; then rm -f -- "$name"; fi
  done
  prune "$id"
  told=()
}

# Makes ROOT/NAME a link into the current generation. A folder in its place, as lib/fleet.sh makes them, is put aside.
link() {
  local place=$root/$1 aside=$root/generations/$2-before
  if [ -L "$place" ] && [ "$(readlink -- "$place")" = "current/$1" ]; then return 0; fi
  if [ -e "$place" ] && [ ! -L "$place" ]; then
    mkdir -p -- "$aside" && rm -rf -- "${aside:?}/$1" && mv -T -- "$place" "$aside/$1" || return
  fi
  ln -s -f -n -- "current/$1" "$root/.link" && mv -T -f -- "$root/.link" "$place"
}

# The three that were switched to last stay.
prune() {
  local entry kept=0 home=$root/generations
  while IFS= read -r entry; do
    if [[ ! $entry =~ ^[0-9a-f]{16}$ ]]; then continue; fi
    kept=$((kept + 1))
    if [ "$kept" -gt 3 ] && [ "$entry" != "$1" ]; then
      rm -rf -- "${home:?}/$entry" "$home/$entry.sums" "$home/$entry-before"
    fi
  done < <(ls -1 -t -- "$home")
}

# ---------------------------------------------------------------- steps

# start KIND RUN FOLDER STEP INPUT TREE SCRIPT ARG...
start() {
  local kind=$1 by=$2 folder=$3 step=$4 input=$5 tree=$6 script=$7 word mark log pid reader writer
  local -a arguments=() job
  shift 7
  for word in "$by" "$folder" "$step"; do
    if ! is_atom "$word"; then end_with 2 "$word is no name" || return; fi
  done
  for word in "$input" "$tree"; do
    if [ "$word" != - ] && ! is_hex "$word"; then end_with 2 "$word is no digest" || return; fi
  done
  for word in "$@"; do
    if ! decode "$word"; then end_with 2 "$word is not percent-encoded" || return; fi
    arguments+=("$REPLY")
  done
  if [ "$kind" != exec ]; then
    if [ -z "$run" ]; then end_with 1 "this changes the server: lock it first" || return; fi
    if join "$folder" "$step"; then return; fi
    if running; then
      end_with 75 "step ${job[2]} of ${job[1]} still runs (run ${job[3]})" || return
    fi
  fi
  if [ "$kind" = here ]; then
    if ! decode "$script"; then end_with 2 "$script is not percent-encoded" || return; fi
    script=$REPLY
  else
    script=$root/$folder/$step.sh
    if ! intact "$folder" "$step"; then end_with 1 "$REPLY" || return; fi
  fi
  if [ ! -x "$script" ] || [ ! -f "$script" ]; then end_with 1 "$script is not there" || return; fi
  make_folder "$state" 0750 && make_folder "$logs" 0750
  scripts=$((scripts + 1))
  mark="kbgen-end-$$-$scripts-$RANDOM$RANDOM"
  log=$logs/$folder-$step.out
  if [ "$kind" = exec ]; then log=$state/exec.$$.$scripts; fi
  if ! { : >"$log"; } 2>/dev/null; then end_with 1 "cannot write $log" || return; fi
  if [ "$kind" != exec ] && ! forget "$folder" "$step"; then end_with 1 "cannot write to $state" || return; fi
  # Both ends now: the file of an exec has no name any more when the script begins.
  exec {writer}>>"$log"
  exec {reader}<"$log"
  # A group of its own, so that Ctrl-C at a runner on this machine does not reach it.
  set -m
  work >&"$writer" 2>&1 </dev/null &
  pid=$!
  set +m
  exec {writer}>&-
  identity "$pid" || REPLY=$pid.0.0
  if [ "$kind" = exec ]; then
    rm -f -- "$log"
  else
    printf '%s %s %s %s %s %s\n' "$REPLY" "$folder" "$step" "$by" "$mark" "$log" >"$state/running"
  fi
  follow "$reader" "$REPLY" "$mark" &
  exec {reader}<&-
}

end_with() {
  say out "$2"
  say "done" "$1"
  return 1
}

# A step that hello has called running is joined, also when it has ended since: it must not run twice.
join() {
  local -a job
  local reader
  read_words job "${told[$1/$2]:-}"
  if [ "${#job[@]}" -ne 6 ]; then
    if ! running || [ "${job[1]}/${job[2]}" != "$1/$2" ]; then return 1; fi
  fi
  unset "told[$1/$2]"
  if ! exec {reader}<"${job[5]}"; then return 1; fi
  follow "$reader" "${job[0]}" "${job[4]}" &
  exec {reader}<&-
}

# What a step reads is what was shipped: the script, what its folder holds below its top level, lib.
intact() {
  local folder=$1 step=$2 line path i
  local -a lines shipped=() paths=() found=()
  generation
  if [ "$REPLY" = - ]; then
    REPLY="nothing was shipped to this server"
    return 1
  fi
  mapfile -t lines <"$root/generations/$REPLY.sums"
  for line in "${lines[@]}"; do
    path=${line:71}
    case $path in
      "$folder/$step.sh" | "$folder"/*/* | lib/*)
        shipped+=("${line:5}")
        paths+=("$path")
        if [ "${line:0:4}" = 0755 ] && [ ! -x "$root/$path" ]; then
          REPLY="$root/$path is not executable any more"
          return 1
        fi
        ;;
    esac
  done
  REPLY="$folder has no step $step here"
  if [ "${#paths[@]}" -eq 0 ]; then return 1; fi
  cd -- "$root" || return 1
  mapfile -t found < <(sha256sum -- "${paths[@]}" 2>&1)
  cd /
  for ((i = 0; i < ${#paths[@]}; i++)); do
    if [ "${shipped[i]}" != "${found[i]:-}" ]; then
      REPLY="$root/${paths[i]} is not what was shipped"
      return 1
    fi
  done
}

# From its beginning until its end a step has no receipt: what it leaves when it fails is neither the old nor the new.
forget() {
  local file=$state/receipts/$1/$2
  mkdir -p -- "$state/receipts/$1" && make_salt && close_credentials || return
  if [ -e "$file" ]; then rm -f -- "$file" && sync -- "$state/receipts/$1" || return; fi
}

# Others than root must not read what this agent wrote, also after somebody's chmod.
close_credentials() {
  local name
  local -a files=()
  local -A names=()
  read_list names "$state/credentials.files"
  for name in "${!names[@]}"; do
    if [ -f "$credentials_folder/$name" ]; then files+=("$credentials_folder/$name"); fi
  done
  if [ "${#files[@]}" -gt 0 ]; then chmod 0700 -- "$credentials_folder" && chmod 0600 -- "${files[@]}"; fi
}

# Runs the script; in a process of its own, which nobody may be left to wait for. Reads start's variables.
work() {
  local status began=$EPOCHSECONDS digest
  exec {reader}<&- {writer}>&-
  local -A digests=([$folder]=-)
  digest_credentials digests
  digest=${digests[$folder]}
  if [ "$agent_locale" = unset ]; then unset LC_ALL; else LC_ALL=$agent_locale; fi
  cd /
  "$script" "${arguments[@]}"
  status=$?
  LC_ALL=C
  if [ "$kind" != exec ]; then
    if [ "$status" -eq 0 ] && [ "$input" != - ] && ! write_receipt; then
      printf 'the step is done, but its receipt cannot be written\n'
      status=74
    fi
    : >"$state/running"
  fi
  # A line of its own, also behind output that does not end in one; `follow` takes the first newline away.
  printf '\n%s %d\n' "$mark" "$status"
}

write_receipt() {
  local folder_of=$state/receipts/$folder new=$state/receipts/$folder/.$step.new ended
  TZ=UTC printf -v ended '%(%Y-%m-%dT%H:%M:%SZ)T' -1
  printf 'input %s\ncredentials %s\nended %s\nrun %s\ntree %s\ntook %d\n' \
    "$input" "$digest" "$ended" "$by" "$tree" "$((EPOCHSECONDS - began))" >"$new" &&
    sync -- "$new" && mv -T -f -- "$new" "$folder_of/$step" && sync -- "$folder_of"
}

# follow DESCRIPTOR IDENTITY MARK: says what a step prints until it ends, and its status.
follow() {
  local from=$1 who=$2 mark=$3 line part='' blank=0 quiet=0 gone=0 pause never
  pause=0.02
  exec {never}<> <(:) # nothing ever comes: a pause without a process
  while true; do
    if IFS= read -r -u "$from" line; then
      line=$part$line part='' quiet=0 pause=0.02
      if [ -z "$line" ]; then
        blank=$((blank + 1))
      elif [[ $line == "$mark "* ]]; then
        for ((; blank > 1; blank--)); do say out ""; done
        say "done" "${line##* }"
        return
      else
        for ((; blank > 0; blank--)); do say out ""; done
        say out "$line"
      fi
      continue
    fi
    part+=$line
    if [ "$gone" -eq 1 ]; then break; fi
    quiet=$((quiet + 1))
    if ((quiet % 10 == 0)) && ! alive "$who"; then
      gone=1 # what it wrote last is still to be read
    else
      if [ "$quiet" -gt 50 ]; then pause=0.2; fi
      read -r -t "$pause" -u "$never" _
    fi
  done
  if [ -n "$part" ]; then say out "$part"; fi
  say out "the step was killed, or could not write its log: is the disk full?"
  say "done" 137
}

# ---------------------------------------------------------------- preflight

# do_preflight ROWS: what would stop an installation, or surprise it. Rows, separated by tabs:
#   os NAME   host NAME   mount PATH   port PORT PROTOCOL SERVICE   peer IP PORT SERVICE
#   space KIB (free where the root is)   clock EPOCH (the runner's)   file PATH SERVICE (that will be written)
do_preflight() {
  local kind first second third bad=0
  local -A listeners=() peers=() inodes=()
  local clock=$EPOCHSECONDS # before anything takes time
  read_listeners
  while IFS=$'\t ' read -r kind first second third; do
    case $kind in
      os) look_at_os "$first" ;;
      host) look_at_name "$first" ;;
      mount) look_at_mount "$first" ;;
      port) look_at_port "$first" "$second" "$third" ;;
      peer) peers["$first $second"]=$third ;;
      space) look_at_space "$first" ;;
      clock) look_at_clock "$first" "$clock" ;;
      file) look_at_file "$first" "$second" ;;
      '') ;;
      *) no "the preflight knows no $kind" ;;
    esac
  done < <(printf '%s\n' "$1")
  look_at_engine
  look_at_peers
  return "$bad"
}

no() {
  say bad "$*"
  bad=1
}

look_at_os() {
  os_name
  if [ "$REPLY" = "$1" ]; then say ok "runs $1"; else no "runs $REPLY, and $1 is what the inventory says"; fi
}

# The part before the first dot: some call a server by its whole name.
look_at_name() {
  host_name
  if [ "${REPLY%%.*}" = "${1%%.*}" ]; then
    say ok "is called $REPLY"
  else
    no "is called $REPLY, and $1 in the inventory: is the address right?"
  fi
}

# A folder that is to be mounted over must be empty: what is in it would vanish from sight.
look_at_mount() {
  local where entries
  while read -r _ _ _ _ where _; do
    if [ "$where" = "$1" ]; then
      say ok "$1 is mounted"
      return
    fi
  done </proc/self/mountinfo
  entries=("$1"/*)
  if [ "${#entries[@]}" -gt 0 ]; then
    no "$1 is not mounted, and ${#entries[@]} things lie in the folder below: the first is ${entries[0]##*/}"
  else
    say note "$1 is not mounted yet"
  fi
}

# Sets listeners[PROTOCOL PORT] to "ADDRESS INODE ...", as the kernel writes addresses.
read_listeners() {
  local protocol file here state_of inode line
  for protocol in tcp udp; do
    for file in "/proc/net/$protocol" "/proc/net/${protocol}6"; do
      if [ ! -r "$file" ]; then continue; fi
      while read -r _ here _ state_of _ _ _ _ _ inode _; do
        case $protocol$state_of in tcp0A | udp07) ;; *) continue ;; esac
        line="$protocol $((16#${here##*:}))"
        listeners[$line]+="${here%:*} $inode "
      done <"$file"
    done
  done
}

look_at_port() {
  local port=$1 protocol=$2 service=$3 held=${listeners["$2 $1"]:-} receipts who
  if [ -z "$held" ]; then
    say ok "port $port/$protocol is free"
    return
  fi
  receipts=("$state"/receipts/*-"$service"/*)
  if [ "${#receipts[@]}" -gt 0 ]; then
    say ok "port $port/$protocol is $service's"
    return
  fi
  holder "$held"
  who=$REPLY
  read_words receipts "$held"
  case $who in
    sshd | systemd) say ok "port $port/$protocol is held by $who, as it was before" ;;
    *)
      if is_loopback "${receipts[0]}" && [ "${#receipts[@]}" -eq 2 ]; then
        say note "port $port/$protocol of the loopback is held by $who"
      else
        no "port $port/$protocol, which $service needs, is held by $who"
      fi
      ;;
  esac
}

is_loopback() { [[ $1 =~ ^(......7F|0{24}01000000|0{16}FFFF0000......7F)$ ]]; }

# Sets REPLY to the name of the process that holds the first socket. Reads who has what open only when asked.
holder() {
  local line pid inode
  local -a words
  read_words words "$1"
  if [ "${#inodes[@]}" -eq 0 ]; then
    inodes[-]=
    while IFS= read -r line; do
      if [[ $line =~ ^\'/proc/([0-9]+)/fd/[0-9]+\'\ -\>\ \'socket:\[([0-9]+)\]\'$ ]]; then
        inodes[${BASH_REMATCH[2]}]=${BASH_REMATCH[1]}
      fi
    done < <(printf '%s\0' /proc/[0-9]*/fd | each_open)
  fi
  inode=${words[1]}
  pid=${inodes[$inode]:-}
  REPLY="a process that cannot be seen"
  if [ -n "$pid" ]; then IFS= read -r REPLY 2>/dev/null <"/proc/$pid/comm"; fi
}

# One stat for each process, not one for all: their files may be more than fit into one command.
each_open() {
  local folder
  while IFS= read -r -d '' folder; do
    local -a files=("$folder"/*)
    if [ "${#files[@]}" -gt 0 ]; then stat --format=%N -- "${files[@]}" 2>/dev/null; fi
  done
}

look_at_space() {
  local folder=$root free
  until [ -d "$folder" ]; do folder=${folder%/*}/ folder=${folder%/}; done
  free=$(df --output=avail -k -- "${folder:-/}") || free=
  free=${free##*[!0-9]}
  if [ -z "$free" ]; then
    no "cannot see how much is free at $root"
  elif [ "$free" -ge "$1" ]; then
    say ok "$((free / 1024)) MiB are free at $root"
  else
    no "$((free / 1024)) MiB are free at $root, and $((($1 + 1023) / 1024)) MiB are needed"
  fi
}

# Certificates, replication and journals go by the clock; what sets it comes with the installation.
look_at_clock() {
  local off=$(($2 - $1))
  off=${off#-}
  if [ "$off" -le 2 ]; then
    say ok "the clock is right"
  elif [ "$off" -le 60 ]; then
    say note "the clock is $off s off"
  else
    no "the clock is $off s off: set it before anything relies on it"
  fi
}

look_at_file() {
  local receipts=("$state"/receipts/*-"$2"/*)
  if [ -e "$1" ] && [ "${#receipts[@]}" -eq 0 ]; then say note "$1 is there already and will be replaced"; fi
}

look_at_engine() {
  local version
  if ! type -P docker >/dev/null; then return; fi
  if version=$(timeout 5 docker version --format '{{.Server.Version}}' 2>/dev/null); then
    say note "docker $version is there"
  else
    say note "docker is there, and its daemon does not answer"
  fi
}

# A port that refuses is reachable: whoever listens there may not be installed yet. Silence is a wall in between.
look_at_peers() {
  local edge text status
  if [ "${#peers[@]}" -eq 0 ]; then return; fi
  while IFS=$'\t' read -r edge status text; do
    case $status-$text in
      0-* | *"Connection refused"*) say ok "reaches ${edge/ /:} (${peers[$edge]})" ;;
      124-*) no "does not reach ${edge/ /:} (${peers[$edge]}): no answer within 3 s" ;;
      *) no "does not reach ${edge/ /:} (${peers[$edge]}): ${text##*: }" ;;
    esac
  done < <(knock_at "${!peers[@]}")
}

knock_at() {
  local edge number=0
  for edge in "$@"; do
    knock "${edge% *}" "${edge#* }" </dev/null &
    number=$((number + 1))
    if [ "$((number % 64))" -eq 0 ]; then wait; fi
  done
  wait
}

knock() {
  local said status
  # shellcheck disable=SC2016  # for the inner shell
  said=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' knock "$1" "$2" 2>&1)
  status=$?
  printf '%s %s\t%d\t%s\n' "$1" "$2" "$status" "${said//$'\n'/ }"
}

# ---------------------------------------------------------------- drift

# do_drift FOLDER ROWS: each file that a service puts on this server against what it would be now. Values of secrets
# are filled in in memory, by lib/host.sh, and go nowhere.
do_drift() {
  local folder=$1 mode owner path here=$root/$1 status=0
  local -a files=()
  local -A modes=()
  if ! is_atom "$folder" || [ ! -d "$here" ]; then refuse "$folder is not here" || return; fi
  while read -r mode owner path; do
    if [ -z "$path" ]; then continue; fi
    files+=("$path")
    modes[$path]="$mode $owner"
  done < <(printf '%s\n' "$2")
  if [ "${#files[@]}" -eq 0 ]; then
    cd -P -- "$here" || return
    for path in */**; do
      if [ -f "$path" ]; then files+=("/$path"); fi
    done
  fi
  cd /
  for path in "${files[@]}"; do
    if [ ! -f "$here$path" ]; then
      refuse "$here$path was not shipped"
      status=1
    else
      compare "$path" "${modes[$path]:-}" || status=1
    fi
  done
  return "$status"
}

# The owner may be written by name or by number.
compare() {
  local path=$1 rights=$2 found
  if [ ! -e "$path" ] && [ ! -L "$path" ]; then
    say out "missing $path"
    return
  fi
  same_text "$here$path" "$path"
  case $? in
    0) ;;
    1)
      say out "differs $path"
      return
      ;;
    *)
      say out "cannot tell what $path would be"
      return 1
      ;;
  esac
  found=$(stat --format='%a %U:%G %u:%g' -- "$path") || found="- - -"
  if [ -n "$rights" ] && [[ $(printf '%o' "0${rights%% *}") != "${found%% *}" ||
    " ${found#* } " != *" ${rights#* } "* ]]; then
    say out "mode $path"
  else
    say out "same $path"
  fi
}

# In a shell of its own, which lib/host.sh may end: 0 same, 1 different, else it cannot be told.
same_text() {
  # shellcheck disable=SC2154,SC2317  # what lib/host.sh sets and calls
  (
    if [ -L "$2" ] || [ ! -f "$2" ]; then exit 1; fi
    # shellcheck disable=SC2034  # host.sh reads it, and `here`
    kb_root=$root
    # shellcheck source=/dev/null
    . "$root/lib/host.sh" || exit 2
    kb_failed() { exit 2; }
    kb_fill "$1"
    if [ "$(stat --format=%s -- "$2")" -ne "${#kb_filled}" ]; then exit 1; fi
    kb_read_whole "$2"
    [ "$kb_text" = "$kb_filled" ] || exit 1
  ) >/dev/null 2>&1
}

beside() {
  {
    "$@"
    say "done" $?
  } </dev/null &
}

serve all
