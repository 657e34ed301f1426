#!/usr/bin/env bash
# Installs what this folder holds, from the install host, where there is no kbgen: the same plan, receipts, journal and
# order as `kbgen apply`, so that either continues what the other began. One step after the other; a step that may run
# on all its servers at once does. Needs bash 5, OpenSSH, tar and coreutils. docs/RUNNER.md tells more.
set -uo pipefail
shopt -s dotglob globstar nullglob
export LC_ALL=C
umask 022
trap '' PIPE # a connection that ends is noticed where it is read

usage() {
  cat <<'USAGE'
usage: run.sh plan|apply|status|validate|drift [OPTIONS]
       run.sh drill SERVICE --yes [OPTIONS]
       run.sh run SERVICE STEP [OPTIONS] [-- ARGUMENT...]
  --limit SERVER,...    only these servers
  --module SERVICE,...  only these services
  --dry-run             look and say what would be done
  --enrol               record the host keys of servers that are not known yet
  --from-here           this is not the install host, and shall act for it
  --state DIR           journal, logs and reports elsewhere
  --gate-timeout SEC    how long a closed gate is asked again (default 600)
Status: 0 done, 1 something failed or differs, 2 wrong usage, 3 this machine cannot do it.
USAGE
}

# ---------------------------------------------------------------- saying what happens

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "run.sh: $*" >&2; }
usage_error() {
  warn "$*"
  usage >&2
  exit 2
}
cannot() {
  warn "$*"
  exit 3
}

# Sets REPLY to now, as journals and receipts write it.
now() { TZ=UTC printf -v REPLY '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }

# Splits at blanks without looking at files.
read_words() {
  local -n split_into=$1
  local - IFS=$' \t\n'
  set -f
  # shellcheck disable=SC2034,SC2206  # the caller's array, split on purpose
  split_into=($2)
}

# What comes from elsewhere must not act on the terminal.
printable() { REPLY=${1//[[:cntrl:]]/ }; }

has_word() { [[ ,$1, == *,"$2",* ]]; }

# ---------------------------------------------------------------- the command line

command=${1:-}
limit='' only='' dry='' enrol='' from_here='' state_option='' gate_timeout=600 yes=''
service_wanted='' step_wanted=''
arguments=()

parse_arguments() {
  case $command in
    plan | apply | status | validate | drift) shift ;;
    drill)
      service_wanted=${2:-}
      shift $(($# < 2 ? $# : 2))
      ;;
    run)
      service_wanted=${2:-} step_wanted=${3:-}
      shift $(($# < 3 ? $# : 3))
      ;;
    --help | -h | help)
      usage
      exit 0
      ;;
    *) usage_error "say what to do" ;;
  esac
  while [ "$#" -gt 0 ]; do
    case $1 in
      --limit | --module | --state | --gate-timeout)
        if [ "$#" -lt 2 ]; then usage_error "$1 needs a value"; fi
        set -- "$1=$2" "${@:3}"
        continue
        ;;
      --limit=?*) limit+=${limit:+,}${1#*=} ;;
      --module=?*) only+=${only:+,}${1#*=} ;;
      --state=?*) state_option=${1#*=} ;;
      --gate-timeout=?*) gate_timeout=${1#*=} ;;
      --dry-run) dry=1 ;;
      --enrol) enrol=1 ;;
      --from-here) from_here=1 ;;
      --yes) yes=1 ;;
      --)
        shift
        arguments=("$@")
        break
        ;;
      *) usage_error "unknown: $1" ;;
    esac
    shift
  done
  if [[ ! $gate_timeout =~ ^[1-9][0-9]{0,5}$ ]]; then usage_error "--gate-timeout: $gate_timeout is no number of seconds"; fi
  if [ "${#arguments[@]}" -gt 0 ] && [ "$command" != run ]; then usage_error "arguments go to: run.sh run"; fi
}

# ---------------------------------------------------------------- the tree

tree=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
declare -A digest_of=() mode_of=()
paths=()
tree_id=

declare -A carried=() # what a bundle brought besides: SHA256SUMS lists it, the manifest does not

# SHA256SUMS of an unpacked bundle: lines `MODE DIGEST  PATH`, the whole of it.
read_sums() {
  local line path
  if [ ! -f "$tree/SHA256SUMS" ]; then return 0; fi
  while IFS= read -r line; do
    if [[ ! $line =~ ^(0644|0755)\ ([0-9a-f]{64})\ \ ([A-Za-z0-9._@+:=,~/-]+)$ ]]; then
      cannot "SHA256SUMS: cannot read: $line"
    fi
    path=${BASH_REMATCH[3]}
    if [ "$path" = MANIFEST.json ] || [ -n "${digest_of[$path]:-}" ]; then continue; fi
    if [[ /$path/ == */../* || /$path/ == */./* || $path == /* ]]; then cannot "SHA256SUMS: $path is no path"; fi
    paths+=("$path")
    digest_of[$path]=${BASH_REMATCH[2]} mode_of[$path]=${BASH_REMATCH[1]} carried[$path]=1
  done <"$tree/SHA256SUMS"
}

# Compares every file with MANIFEST.json, which has one file a line: what is run is what was reviewed.
read_tree() {
  local line path entry number=0
  local -a found=() wrong=()
  local row='^    \{"path": "([A-Za-z0-9._@+:=,~/-]+)", "sha256": "([0-9a-f]{64})", "mode": "(0644|0755)"'
  if [ ! -f "$tree/MANIFEST.json" ]; then cannot "$tree has no MANIFEST.json"; fi
  while IFS= read -r line; do
    if [[ $line =~ $row ]]; then
      path=${BASH_REMATCH[1]}
      if [[ /$path/ == */../* || /$path/ == */./* || $path == /* || -n "${digest_of[$path]:-}" ]]; then
        cannot "MANIFEST.json: $path is no path, or stands there twice"
      fi
      paths+=("$path")
      digest_of[$path]=${BASH_REMATCH[2]} mode_of[$path]=${BASH_REMATCH[3]}
    elif [[ $line == *'"path"'* ]]; then
      cannot "MANIFEST.json: cannot read: $line"
    fi
  done <"$tree/MANIFEST.json"
  if [ "${#paths[@]}" -eq 0 ]; then cannot "MANIFEST.json names no file"; fi
  tree_id=$(sha256sum <"$tree/MANIFEST.json") || cannot "cannot read MANIFEST.json"
  tree_id=${tree_id%% *}
  read_sums
  cd -- "$tree" || cannot "cannot enter $tree"
  for entry in **; do
    if [ -L "$entry" ]; then
      wrong+=("$entry is a link")
    elif [ -d "$entry" ]; then
      continue
    elif [[ $entry != MANIFEST.json && $entry != SHA256SUMS && $entry != SHA256SUMS.sig ]] &&
      [ -z "${digest_of[$entry]:-}" ]; then
      wrong+=("$entry is not in the manifest")
    fi
  done
  # In parts: a command line has an end.
  for ((number = 0; number < ${#paths[@]}; number += 2000)); do
    while IFS= read -r line; do
      found+=("$line")
    done < <(sha256sum -- "${paths[@]:number:2000}" 2>/dev/null)
  done
  local -A have=()
  for line in "${found[@]}"; do have[${line:66}]=${line:0:64}; done
  for path in "${paths[@]}"; do
    entry=0644
    if [ -x "$path" ]; then entry=0755; fi
    if [ -z "${have[$path]:-}" ]; then
      wrong+=("$path is missing")
    elif [ "${have[$path]}" != "${digest_of[$path]}" ]; then
      wrong+=("$path has other contents")
    elif [ "$entry" != "${mode_of[$path]}" ]; then
      wrong+=("$path has another mode")
    fi
  done
  cd / || cannot "cannot enter /"
  if [ "${#wrong[@]}" -eq 0 ]; then return 0; fi
  printf 'run.sh: %s\n' "${wrong[@]:0:5}" >&2
  cannot "the tree is not what was rendered (${#wrong[@]} findings): nothing was done"
}

# ---------------------------------------------------------------- the plan

servers=() services=() steps=() # names; steps: SERVICE/STEP, in an order that works one by one
declare -A address=() ip=() os_of=() rows_for=() services_on=()
declare -A folder=() label=() gate=() members=() images=() credentials_for=()
declare -A kind=() strategy=() on=() connection=() script=() hosts=()

read_plan() {
  local what a b c d e f g h i
  root='' credentials_folder='' install=''
  while IFS=$'\t' read -r what a b c d e f g h i; do
    case $what in
      topology) root=$b credentials_folder=$c install=$d ;;
      server)
        servers+=("$a")
        address[$a]=$b ip[$a]=$c
        os_of[$a]=$d
        rows_for[$a]="host"$'\t'"$a"$'\n'"os"$'\t'"$d"$'\n'
        ;;
      mount) rows_for[$a]+="mount"$'\t'"$b"$'\n' ;;
      port) rows_for[$a]+="port"$'\t'"$b"$'\t'"$c"$'\t'"$d"$'\n' ;;
      peer) rows_for[$a]+="peer"$'\t'"$b"$'\t'"$c"$'\t'"$d"$'\n' ;;
      service)
        services+=("$a")
        label[$a]=$c folder[$a]=$d gate[$a]=${f#-} images[$a]=${h#-}
        members[$a]=''
        ;;
      member)
        members[$a]+=${members[$a]:+,}$b
        services_on[$b]=${services_on[$b]:-}${services_on[$b]:+,}$a
        ;;
      credential) credentials_for[$a]=${credentials_for[$a]:-}"$b $c"$'\n' ;;
      step)
        steps+=("$a/$b")
        kind[$a/$b]=$c strategy[$a/$b]=$d on[$a/$b]=$e connection[$a/$b]=$f
        script[$a/$b]=$g hosts[$a/$b]=${h#-}
        : "$i" # what it comes after: the order of the rows says it already
        ;;
      *) cannot "PLAN.tsv: this run.sh knows no row of the kind $what" ;;
    esac
  done <"$tree/PLAN.tsv"
  if [[ $root != /?* ]]; then cannot "PLAN.tsv names no root"; fi
}

split_list() {
  local -n list_into=$1
  local IFS=,
  # shellcheck disable=SC2034,SC2206  # the caller's array; names hold nothing that a shell expands
  list_into=($2)
}

check_selection() {
  local name
  local -a names
  split_list names "$limit"
  for name in "${names[@]}"; do
    if [ -z "${address[$name]:-}" ]; then usage_error "--limit: the plan has no server $name"; fi
  done
  split_list names "$only"
  for name in "${names[@]}"; do
    if [ -z "${folder[$name]:-}" ]; then usage_error "--module: the plan has no service $name"; fi
  done
}

# Sets tasks to "SERVICE/STEP SERVER" for all steps of a kind (or of one name), in order.
tasks=()
select_tasks() {
  local step server
  local -a list
  tasks=()
  for step in "${steps[@]}"; do
    if [ "${kind[$step]}" != "$1" ] || { [ -n "$only" ] && ! has_word "$only" "${step%%/*}"; }; then continue; fi
    if [ -n "$step_wanted" ] && [ "${step#*/}" != "$step_wanted" ]; then continue; fi
    split_list list "${hosts[$step]}"
    for server in "${list[@]}"; do
      if [ -n "$limit" ] && ! has_word "$limit" "$server"; then continue; fi
      if [ "${on[$step]}" = install ] && ! is_here "${address[$server]}" && [ -n "$from_here" ]; then
        cannot "$step runs on $server, out of a tree that lies there: run it there"
      fi
      tasks+=("$step $server")
    done
  done
}

# ---------------------------------------------------------------- what is shipped

declare -A lines_of=() # folder of the tree -> "MODE DIGEST  PATH" of the files below it, as hosts call them
declare -A read_of=()  # the same without what a bundle carries
declare -A generation_of=() input_of=()

# Puts the manifest's files into buckets: servers/NAME (as they are called there), images/NAME, lib.
gather_lines() {
  local path rest bucket name line
  for path in "${paths[@]}"; do
    name=$path
    case $path in
      servers/*/*)
        rest=${path#servers/}
        bucket=servers/${rest%%/*} name=${rest#*/}
        ;;
      images/*/*)
        rest=${path#images/}
        bucket=images/${rest%%/*}
        ;;
      lib/*) bucket=lib ;;
      packages/*/*)
        rest=${path#packages/}
        bucket=packages/${rest%%/*}
        ;;
      packages/*) bucket=packages ;;
      *) continue ;;
    esac
    line="${mode_of[$path]} ${digest_of[$path]}  $name"$'\n'
    lines_of[$bucket]=${lines_of[$bucket]:-}$line
    # What a bundle carries is how to get something, not what it is: no step runs again for it.
    if [ -z "${carried[$path]:-}" ]; then read_of[$bucket]=${read_of[$bucket]:-}$line; fi
  done
}

# Sets REPLY to the digest of such lines, by path, each once.
digest_lines() {
  REPLY=$(printf '%s' "$1" | sort -s -u -k 1.72 | sha256sum) || cannot "sha256sum failed"
  REPLY=${REPLY%% *}
}

# Sets REPLY to the lines of the images of services, as the first argument, the name of an array, has them.
image_lines() {
  local -n lines_by=$1
  local service image text=''
  shift
  local -a list
  for service in "$@"; do
    split_list list "${images[$service]}"
    for image in "${list[@]}"; do text+=${lines_by[images/$image]:-}; done
  done
  REPLY=$text
}

# package_folder SERVER: sets package_parts to the folder of a bundle's packages that it gets (its system's where they are
# sorted by system, else all) and package_lines to what is in it. Leaves REPLY alone.
package_lines=
package_parts=()
package_folder() {
  local bucket
  package_lines='' package_parts=()
  if [ -n "${lines_of[packages/${os_of[$1]}]:-}" ]; then
    package_lines=${lines_of[packages/${os_of[$1]}]}
    package_parts=("packages/${os_of[$1]}")
    return
  fi
  for bucket in "${!lines_of[@]}"; do
    if [[ $bucket == packages || $bucket == packages/* ]]; then package_lines+=${lines_of[$bucket]}; fi
  done
  if [ -n "$package_lines" ]; then package_parts=(packages); fi
}

generation_id() {
  local -a list
  if [ -z "${generation_of[$1]:-}" ]; then
    split_list list "${services_on[$1]:-}"
    image_lines lines_of "${list[@]}"
    package_folder "$1"
    digest_lines "${lines_of[servers/$1]:-}${lines_of[lib]:-}$REPLY${package_lines}"
    generation_of[$1]=$REPLY
  fi
  REPLY=${generation_of[$1]}
}

# Of lib/ what scripts source: a newer agent must not run every step again.
lib_lines() {
  local path
  for path in "$@"; do printf '%s %s  %s\n' "${mode_of[$path]}" "${digest_of[$path]}" "$path"; done
}

# input_id STEP SERVER: what the receipt of a step must say: the digest of all that it reads.
input_id() {
  local step=$1 server=$2 service=${1%%/*} line path text=''
  if [ -z "${input_of[$step $server]:-}" ]; then
    if [ "${on[$step]}" = install ]; then
      path=modules/${script[$step]}
      digest_lines "${mode_of[$path]} ${digest_of[$path]}  $path"$'\n'"$(lib_lines lib/host.sh lib/fleet.sh)"$'\n'
    else
      while IFS= read -r line; do
        path=${line:71}
        case $path in
          "${script[$step]}" | "${folder[$service]}"/*/*) text+=$line$'\n' ;;
        esac
      done < <(printf '%s' "${lines_of[servers/$server]:-}")
      image_lines read_of "$service"
      digest_lines "$text$(lib_lines lib/host.sh)"$'\n'"$REPLY"
    fi
    input_of[$step $server]=$REPLY
  fi
  REPLY=${input_of[$step $server]}
}

# ---------------------------------------------------------------- one run at a time

# Sets REPLY to PID.START.BOOT, which no two processes ever share; fails when that one has ended.
identity() {
  local stat='' boot
  local -a fields
  IFS= read -r -d '' stat 2>/dev/null <"/proc/$1/stat"
  read_words fields "${stat##*) }"
  if [ "${#fields[@]}" -lt 20 ] || [ "${fields[0]}" = Z ]; then return 1; fi
  IFS= read -r boot </proc/sys/kernel/random/boot_id
  REPLY=$1.${fields[19]}.$boot
}

# In doubt it lives.
alive() {
  local REPLY
  if [[ ! $1 =~ ^([0-9]+)\.([0-9]+)\.([0-9a-f-]+)$ ]]; then return 0; fi
  identity "${BASH_REMATCH[1]}" && [ "$REPLY" = "$1" ]
}

# take_lock PATH TEXT: as kbgen takes it. The lock of a dead process is removed by whoever makes PATH.over.DEAD.
take_lock() {
  local holder attempt
  for ((attempt = 0; attempt < 50; attempt++)); do
    if ln -s -T -- "$2" "$1" 2>/dev/null; then return 0; fi
    if ! holder=$(readlink -- "$1"); then
      if [ "$attempt" -lt 5 ]; then continue; fi # given back in this moment
      REPLY="cannot make $1"
      return 1
    fi
    if alive "$holder"; then
      REPLY="another run goes on: process ${holder%%.*} holds $1"
      return 1
    fi
    if take_lock "$1.over.$holder" "$2"; then
      if [ "$(readlink -- "$1")" = "$holder" ]; then rm -f -- "$1"; fi
      rm -f -- "$1.over.$holder"
    fi
  done
  REPLY="$1 is taken and given back all the time"
  return 1
}

# ---------------------------------------------------------------- the journal

journal='' journal_seq=0 journal_last=

# Verifies all of it, cuts off what a crash has left of a line, and tells that.
open_journal() {
  local size whole line number=0 prev chunk
  local -a files found
  journal=$state/journal.jsonl
  journal_last=$(printf '0%.0s' {1..64})
  if [ ! -e "$journal" ]; then
    if ! (umask 077 && : >"$journal") || ! sync -- "$state"; then cannot "cannot write $journal"; fi
    return
  fi
  size=$(stat -c %s -- "$journal") || cannot "cannot read $journal"
  mkdir -- "$work/journal"
  (cd -- "$work/journal" && split -l 1 -a 7 -- "$journal" line.) || cannot "cannot read $journal"
  files=("$work/journal"/line.*)
  whole=$size
  if [ "${#files[@]}" -gt 0 ] && [ -n "$(tail -c 1 -- "${files[-1]}")" ]; then
    whole=$((size - $(stat -c %s -- "${files[-1]}")))
    unset 'files[-1]'
  fi
  for ((chunk = 0; chunk < ${#files[@]}; chunk += 5000)); do
    truncate -s -1 -- "${files[@]:chunk:5000}"
    mapfile -t found < <(sha256sum -- "${files[@]:chunk:5000}")
    for line in "${found[@]}"; do
      prev=$journal_last
      journal_last=${line:0:64}
      IFS= read -r -d '' line <"${files[number]}"
      number=$((number + 1))
      if [[ $line != "{\"seq\":$number,"* || $line != *",\"prev\":\"$prev\"}" ]]; then
        cannot "the journal $journal is not what was written, from line $number on. Nothing was changed: put the file aside once you know why"
      fi
    done
  done
  journal_seq=$number
  rm -rf -- "$work/journal"
  if [ "$whole" -ne "$size" ]; then
    truncate -s "$whole" -- "$journal" || cannot "cannot cut $journal"
    record torn
  fi
}

# record EVENT [KEY VALUE]...: host, service, step, input, result, status, took, in this order. Returns when it is on the
# disk: what cannot be told is not done.
record() {
  local line key value
  journal_seq=$((journal_seq + 1))
  now
  line="{\"seq\":$journal_seq,\"time\":\"$REPLY\",\"run\":\"$run\",\"who\":\"$who\",\"event\":\"$1\""
  shift
  local tree_said=''
  while [ "$#" -gt 0 ] || [ -z "$tree_said" ]; do
    key=${1:-} value=${2:-}
    case $key in
      host | service | step) ;;
      *)
        if [ -z "$tree_said" ]; then line+=",\"tree\":\"$tree_id\"" tree_said=1; fi
        if [ -z "$key" ]; then break; fi
        ;;
    esac
    if [ "$key" = status ] || [ "$key" = took ]; then line+=",\"$key\":$value"; else line+=",\"$key\":\"$value\""; fi
    shift 2
  done
  line+=",\"prev\":\"$journal_last\"}"
  if ! printf '%s\n' "$line" >>"$journal" || ! sync --data -- "$journal"; then
    leave 3 "cannot write the journal $journal"
  fi
  journal_last=$(printf '%s' "$line" | sha256sum)
  journal_last=${journal_last%% *}
}

# note STEP SERVER TEXT: into the log of the step's module, where operators look for it.
note() {
  local number=${label[${1%%/*}]} what=install
  if [[ $number =~ ^[0-9]+$ ]]; then number=$((10#$number)); fi
  case ${kind[$1]} in validate | drill) what='test' ;; esac
  now
  printf '%s %s %s %s\n' "$REPLY" "$2" "${1#*/}" "$3" >>"$logs/module_${number}_$what.log"
}

# ---------------------------------------------------------------- connections

declare -A to=() from=() client=() asked=() status_of=() last_of=() shown_of=()
declare -A has_generation=() receipt=() running_on=()
requests=0 stopping='' locking='' own_addresses='' agent_size=

find_own_addresses() {
  local line before=''
  own_addresses=' 127.0.0.1 '
  while IFS= read -r line; do
    if [[ $line == *"/32 host LOCAL"* ]]; then own_addresses+="${before##* } "; fi
    before=$line
  done </proc/net/fib_trie
}

is_here() { [[ $own_addresses == *" ${1##*@} "* ]]; }

quote() {
  local word
  REPLY=
  for word in "$@"; do REPLY+="'${word//\'/\'\\\'\'}' "; done
}

# Starts an agent on a server, and sends what every connection begins with. Does not wait.
begin() {
  local server=$1 place=${address[$1]} reader writer
  # shellcheck disable=SC2016  # for the shell at the other end
  local -a agent=(bash -c 'eval "$(head -c '"$agent_size"')"' kbgen-agent "$root") ssh
  if is_here "$place"; then
    if [ "$EUID" -ne 0 ]; then agent=(sudo -n -- "${agent[@]}"); fi
    ssh=("${agent[@]}")
  else
    if [[ $place == *@* && $place != root@* ]]; then agent=(sudo -n -- "${agent[@]}"); fi
    quote "${agent[@]}"
    ssh=(ssh -T -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=4
      -o ControlMaster=no -o ControlPath=none -o ClearAllForwardings=yes -o LogLevel=ERROR)
    if [ -n "$enrol" ]; then ssh+=(-o StrictHostKeyChecking=accept-new); else ssh+=(-o StrictHostKeyChecking=yes); fi
    if [ -n "${KBGEN_SSH_CONFIG:-}" ]; then ssh+=(-F "$KBGEN_SSH_CONFIG"); fi
    ssh+=(-- "$place" "exec $REPLY")
  fi
  rm -f -- "$work/$server.in" "$work/$server.out"
  mkfifo -- "$work/$server.in" "$work/$server.out" || cannot "cannot make pipes in $work"
  # In the background it does not hear Ctrl-C: what runs is finished. It must not hold the others' pipes, which would
  # outlive this shell with it.
  (
    for writer in "${to[@]}" "${from[@]}"; do
      if [ -n "$writer" ]; then exec {writer}>&-; fi
    done
    exec "${ssh[@]}"
  ) <"$work/$server.in" >"$work/$server.out" 2>"$work/$server.err" &
  client[$server]=$!
  exec {writer}>"$work/$server.in" {reader}<"$work/$server.out"
  to[$server]=$writer from[$server]=$reader
  cat -- "$tree/lib/agent.sh" >&"$writer"
  if [ -n "$locking" ]; then
    send "$server" "lock $run"
    send_credentials "$server" || return
  fi
  has_generation[$server]='' running_on[$server]=''
  send "$server" hello
}

# send SERVER LINE: the answer to the last line that was sent is what `listen` waits for.
send() {
  requests=$((requests + 1))
  asked[$1]=q.$requests
  put "$1" "q.$requests $2"$'\n'
}

# To a server that is gone nothing is said; `listen` finds out.
put() {
  local writer=${to[$1]:-}
  if [ -n "$writer" ]; then { printf '%s' "$2" >&"$writer"; } 2>/dev/null; fi
}

# Ends a connection, when all was said.
finish() {
  local server=$1 descriptor
  if [ -z "${to[$server]:-}" ]; then return 0; fi
  put "$server" $'q.0 bye\n'
  drop "$server"
  wait "${client[$server]}" 2>/dev/null
}

drop() {
  local descriptor
  for descriptor in "${to[$1]}" "${from[$1]}"; do exec {descriptor}>&-; done
  to[$1]='' from[$1]=''
}

# listen SECONDS HANDLER SERVER...: until each of them has answered its last request, or its connection has ended, or it
# takes too long (0: it may). Sets status_of (a number, lost, late), last_of: the last line that was said.
listen() {
  local limit=$1 handler=$2 server open=1 word text line heard deadline=$((SECONDS + $1))
  shift 2
  for server in "$@"; do status_of[$server]='' last_of[$server]=''; done
  while [ "$open" -gt 0 ]; do
    open=0 heard=0
    for server in "$@"; do
      while [ -z "${status_of[$server]}" ]; do
        if [ -z "${from[$server]:-}" ]; then
          status_of[$server]=lost
          break
        fi
        if ! read -r -t 0 -u "${from[$server]}"; then
          open=$((open + 1))
          break
        fi
        if ! IFS= read -r -u "${from[$server]}" line; then
          explain_end "$server"
          last_of[$server]=$REPLY status_of[$server]=lost
          break
        fi
        heard=1
        if [[ $line == "${asked[$server]} "* ]]; then
          text=${line#* } word=${text%% *} text=${text#"$word"} text=${text# }
          if [ "$word" = "done" ]; then
            status_of[$server]=$text
          else
            last_of[$server]=$text
            "$handler" "$server" "$word" "$text"
          fi
        elif [[ $line == q.*\ out\ * ]]; then
          shown_of[$server]=${line#* out } # of a request before: the lock that was refused
        elif [[ $line == q.*\ done\ [1-9]* ]]; then
          status_of[$server]=refused last_of[$server]=${shown_of[$server]:-}
        fi
      done
    done
    if [ "$open" -gt 0 ] && [ "$limit" -gt 0 ] && [ "$SECONDS" -gt "$deadline" ]; then
      for server in "$@"; do
        if [ -z "${status_of[$server]}" ]; then status_of[$server]=late last_of[$server]="no answer within $limit s"; fi
      done
      return
    fi
    if [ "$open" -gt 0 ] && [ "$heard" -eq 0 ]; then read -r -t 0.03 -u "$never" _; fi
  done
}

# Sets REPLY to why a connection ended, in words that say what to do.
explain_end() {
  local server=$1 said='' line
  drop "$server"
  wait "${client[$server]}" 2>/dev/null
  while IFS= read -r line; do
    case $line in
      *"IDENTIFICATION HAS CHANGED"*)
        said="its host key is not the one that was recorded, so this may be another machine; if the server was made anew: ssh-keygen -R ${address[$server]##*@}, then --enrol"
        break
        ;;
      *"Host key verification failed"*)
        said="its host key is not known here: compare its fingerprint with what the server says of itself, then --enrol"
        break
        ;;
      ?*) said=$line ;;
    esac
  done <"$work/$server.err"
  printable "${said:-the connection ended}"
}

ignore() { :; }

hear_hello() {
  local -a words
  read_words words "$3"
  case $2/${words[0]:-} in
    info/generation) has_generation[$1]=${words[1]} ;;
    info/receipt) receipt[$1 ${words[1]} ${words[2]}]="${words[3]} ${words[4]}" ;;
    info/running) running_on[$1]="${words[1]} ${words[2]} ${words[3]}" ;;
  esac
}

# connect SERVER...: those that have no connection yet. Sets unreached to "SERVER: why" lines.
connect() {
  local server
  local -a wanted=()
  unreached=()
  for server in "$@"; do
    if [ -z "${to[$server]:-}" ]; then wanted+=("$server"); fi
  done
  for server in "${wanted[@]}"; do begin "$server"; done
  listen 0 hear_hello "${wanted[@]}"
  for server in "${wanted[@]}"; do
    if [ "${status_of[$server]}" != 0 ]; then unreached+=("$server: ${last_of[$server]:-no answer}"); fi
  done
  [ "${#unreached[@]}" -eq 0 ]
}

# ---------------------------------------------------------------- credentials

declare -A credential_lines=()

# Sets REPLY to KEY=VALUE out of a credentials file, by the rules of lib/host.sh. No message holds a value.
read_credential() {
  local file=$credentials_folder/$1 line times=0
  if [ -z "${credential_lines[$1 $2]:-}" ]; then
    if [ ! -f "$file" ]; then leave 3 "$file is not there; it must hold $2"; fi
    if ((0$(stat -L -c %a -- "$file") & 077)); then leave 3 "$file may be read by others than its owner: chmod 0600 it"; fi
    while IFS= read -r line || [ -n "$line" ]; do
      if [[ ! $line =~ ^([A-Za-z_][A-Za-z0-9_]*=.*|#.*|)$ ]]; then leave 3 "$file has a line that is neither KEY=value nor a comment"; fi
      if [[ $line == "$2="* ]]; then
        credential_lines[$1 $2]=$line
        times=$((times + 1))
      fi
    done <"$file"
    line=${credential_lines[$1 $2]:-}
    if [ "$times" -ne 1 ]; then leave 3 "$file has $2 $times times"; fi
    if [ -z "${line#*=}" ] || [[ $line == *[[:cntrl:]]* ]]; then leave 3 "$2 in $file is empty or holds a control character"; fi
  fi
  REPLY=${credential_lines[$1 $2]}
}

# Values for all but the install host, where they are at home; who reads them for all.
send_credentials() {
  local server=$1 service file key text='' readers=''
  local -a list
  local -A seen=()
  split_list list "${services_on[$server]:-}"
  for service in "${list[@]}"; do
    while read -r file key; do
      if [ -z "$file" ]; then continue; fi
      readers+="@ ${folder[$service]} $file $key"$'\n'
      if [ "$server" = "$install" ] || [ -n "${seen[$file $key]:-}" ]; then continue; fi
      seen[$file $key]=1
      read_credential "$file" "$key"
      text+="$file $REPLY"$'\n'
    done < <(printf '%s' "${credentials_for[$service]:-}")
  done
  text+=$readers
  send "$server" "credentials ${#text}"
  put "$server" "$text"
}

# ---------------------------------------------------------------- before anything changes

hear_preflight() {
  printable "$3"
  case $2 in
    bad)
      say "$1: not ok: $REPLY"
      refusals=$((refusals + 1))
      ;;
    note) say "$1: note: $REPLY" ;;
  esac
}

# The files of a generation as tar knows them.
parts_of() {
  local service image
  local -a list names
  parts=(--directory="$tree/servers/$1" .)
  if [ ! -d "$tree/servers/$1" ]; then parts=(); fi
  package_folder "$1"
  parts+=(--directory="$tree" lib "${package_parts[@]}")
  split_list list "${services_on[$1]:-}"
  for service in "${list[@]}"; do
    split_list names "${images[$service]}"
    for image in "${names[@]}"; do
      if [ -d "$tree/images/$image" ] && [[ " ${parts[*]} " != *" images/$image "* ]]; then parts+=("images/$image"); fi
    done
  done
}

# preflight SERVER...: all of them at once.
preflight() {
  local server rows size
  refusals=0
  for server in "$@"; do
    parts_of "$server"
    size=$(tar --create --file=- "${parts[@]}" | wc -c)
    rows=${rows_for[$server]}"space"$'\t'"$((size / 1024 + 65536))"$'\n'"clock"$'\t'"$EPOCHSECONDS"$'\n'
    send "$server" "preflight ${#rows}"
    put "$server" "$rows"
  done
  listen 60 hear_preflight "$@"
  for server in "$@"; do
    case ${status_of[$server]} in
      0 | 1) ;;
      *)
        say "$server: the preflight did not end: ${last_of[$server]}"
        refusals=$((refusals + 1))
        ;;
    esac
  done
  [ "$refusals" -eq 0 ]
}

ship() {
  local server=$1 size writer
  generation_id "$server"
  record ship host "$server"
  parts_of "$server"
  if ! tar --create --file="$work/ship.tar" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --mode='u+rwX,go+rX,go-w' "${parts[@]}"; then
    leave 3 "cannot pack what belongs to $server"
  fi
  size=$(stat -c %s -- "$work/ship.tar")
  generation_id "$server"
  send "$server" "ship ${REPLY:0:16} $size"
  writer=${to[$server]:-}
  if [ -n "$writer" ]; then { cat -- "$work/ship.tar" >&"$writer"; } 2>/dev/null; fi
  rm -f -- "$work/ship.tar"
  listen 0 ignore "$server"
  if [ "${status_of[$server]}" != 0 ]; then
    record ship host "$server" result failed
    printable "${last_of[$server]}"
    leave 1 "$server could not be given its files: $REPLY"
  fi
  has_generation[$server]=${generation_of[$server]:0:16}
  record ship host "$server" result ok
  say "$server: has the files of this tree"
}

# A step of an earlier connection that still runs: it is waited for, and what it leaves is looked at.
wait_for_earlier() {
  local server
  for server in "$@"; do
    while [ -n "${running_on[$server]}" ]; do
      say "$server: ${running_on[$server]% *} of the run ${running_on[$server]##* } still runs; waiting"
      read -r -t 2 -u "$never" _
      running_on[$server]=''
      send "$server" hello
      listen 0 hear_hello "$server"
      if [ "${status_of[$server]}" != 0 ]; then leave 1 "$server: ${last_of[$server]}"; fi
      if [ -n "$stopping" ]; then leave 1 "stopped"; fi
    done
  done
}

# Whether a receipt says that a task is done.
is_done() {
  local step=$1 server=$2
  input_id "$step" "$server"
  [ "${receipt[$server ${folder[${step%%/*}]} ${step#*/}]:-}" = "$REPLY 1" ]
}

# ---------------------------------------------------------------- gates

gate_words() {
  case $1 in
    0) REPLY=yes ;;
    10) REPLY="does not run" ;;
    *) REPLY="${2:-says no}" ;;
  esac
}

# ask_gate SERVICE [WORD]: asks every member at once; sets status_of and last_of.
ask_gate() {
  local service=$1 member
  local -a list able=()
  split_list list "${members[$service]}"
  connect "${list[@]}"
  for member in "${list[@]}"; do
    if [ -z "${to[$member]:-}" ]; then continue; fi
    able+=("$member")
    send "$member" "exec $run ${folder[$service]} gate${2:+ $2}"
  done
  listen 15 ignore "${able[@]}"
  for member in "${list[@]}"; do
    if [ -z "${to[$member]:-}" ] && [[ ${status_of[$member]:-} != lost ]]; then status_of[$member]=lost; fi
  done
}

# may_stop SERVICE SERVER: one sample. Sets REPLY to who objects.
may_stop() {
  local service=$1 server=$2 member said=''
  local -a list
  split_list list "${members[$service]}"
  ask_gate "$service" "$server"
  if [ "${status_of[$server]}" = 10 ]; then return 0; fi
  for member in "${list[@]}"; do
    if [ "${status_of[$member]}" = 0 ]; then continue; fi
    gate_words "${status_of[$member]}" "${last_of[$member]}"
    said+="${said:+; }$service on $member: $REPLY"
  done
  printable "$said"
  [ -z "$said" ]
}

# Whether every member has every apply step of a service behind it.
is_complete() {
  local service=$1 step member
  local -a list
  for step in "${steps[@]}"; do
    if [ "${step%%/*}" != "$service" ] || [ "${kind[$step]}" != apply ] || [ "${on[$step]}" != members ]; then continue; fi
    split_list list "${hosts[$step]}"
    for member in "${list[@]}"; do
      if [ -z "${receipt[$member ${folder[$service]} ${step#*/}]:-}" ]; then return 1; fi
    done
  done
}

gated_services() {
  local service
  local -a list
  split_list list "${services_on[$1]:-}"
  gated=()
  for service in "${list[@]}"; do
    if [ -n "${gate[$service]}" ]; then gated+=("$service"); fi
  done
}

# gate_before STEP SERVER: three samples in a row must be open, for every service of the server that has a gate.
gate_before() {
  local step=$1 server=$2 service sample why deadline=$((SECONDS + gate_timeout)) said=''
  gated_services "$server"
  if [ "${#gated[@]}" -eq 0 ]; then return 0; fi
  while true; do
    why=
    for sample in 1 2 3; do
      if [ "$sample" -gt 1 ]; then read -r -t 1 -u "$never" _; fi
      for service in "${gated[@]}"; do
        if ! may_stop "$service" "$server"; then
          why=$REPLY
          break 2
        fi
      done
    done
    if [ -z "$why" ]; then
      record gate host "$server" service "${step%%/*}" step "${step#*/}" input "${input_of[$step $server]}" result ok
      return 0
    fi
    if [ "$why" != "$said" ]; then say "$server: must not be stopped now: $why"; fi
    said=$why
    if [ "$SECONDS" -ge "$deadline" ] || [ -n "$stopping" ]; then break; fi
    read -r -t 5 -u "$never" _
  done
  record gate host "$server" service "${step%%/*}" step "${step#*/}" input "${input_of[$step $server]}" result failed
  REPLY=$why
  return 1
}

# all_is_well SERVICE...: until every member says so. During the first installation nobody is asked.
all_is_well() {
  local service member why deadline=$((SECONDS + gate_timeout))
  local -a list
  for service in "$@"; do
    if [ -z "${gate[$service]}" ]; then continue; fi
    split_list list "${members[$service]}"
    connect "${list[@]}"
    if ! is_complete "$service"; then continue; fi
    while true; do
      ask_gate "$service"
      why=
      for member in "${list[@]}"; do
        if [ "${status_of[$member]}" = 0 ]; then continue; fi
        gate_words "${status_of[$member]}" "${last_of[$member]}"
        why+="${why:+; }$service on $member: $REPLY"
      done
      if [ -z "$why" ]; then break; fi
      if [ "$SECONDS" -ge "$deadline" ] || [ -n "$stopping" ]; then
        printable "$why"
        return 1
      fi
      read -r -t 2 -u "$never" _
    done
  done
}

# Sets ordered to the servers, those that lead last.
leaders_last() {
  local service=$1 server
  local -a leaders=()
  shift
  ordered=("$@")
  if [ -z "${gate[$service]}" ] || [ "$#" -lt 2 ]; then return; fi
  ask_gate "$service" --leads
  ordered=()
  for server in "$@"; do
    if [ "${status_of[$server]}" = 0 ]; then leaders+=("$server"); else ordered+=("$server"); fi
  done
  ordered+=("${leaders[@]}")
}

# ---------------------------------------------------------------- steps

declare -A began_at=() touched=()
current_step='' shows=''

hear_step() {
  local text
  printable "$3"
  text=$REPLY
  note "$current_step" "$1" "$text"
  if [ -n "$shows" ]; then say "$1: $text"; fi
  tail_of[$1]+=$text$'\n'
}

# run_tasks STEP SERVER...: on all of them at once. Fails when it did on one.
run_tasks() {
  local step=$1 server service=${1%%/*} name=${1#*/} line word failed=0 took result
  local -a receipts
  local -A tail_of=()
  shift
  current_step=$step
  if [ "${connection[$step]}" = new ]; then
    for server in "$@"; do finish "$server"; done
    if ! connect "$@"; then leave 1 "${unreached[0]}"; fi
  fi
  for server in "$@"; do
    input_id "$step" "$server"
    receipts=("$REPLY" "$tree_id")
    if [ "${kind[$step]}" != apply ]; then receipts=(- -); fi
    record step-begin host "$server" service "$service" step "$name" input "${input_of[$step $server]}"
    note "$step" "$server" begins
    say "$server: $name"
    began_at[$server]=$SECONDS tail_of[$server]=
    line="exec $run ${folder[$service]} $name"
    if [ "${on[$step]}" = install ]; then
      line="here $run ${folder[$service]} $name ${receipts[*]} $tree/modules/${script[$step]}"
    elif [ "${kind[$step]}" = apply ]; then
      line="run $run ${folder[$service]} $name ${receipts[*]}"
    fi
    for word in "${arguments[@]}"; do
      encode "$word"
      line+=" $REPLY"
    done
    send "$server" "$line"
  done
  listen 0 hear_step "$@"
  for server in "$@"; do
    took=$((SECONDS - began_at[$server]))
    case ${status_of[$server]} in
      0)
        result=ok
        if [ "${kind[$step]}" = apply ]; then
          receipt[$server ${folder[$service]} $name]="${input_of[$step $server]} 1"
          touched[$service]=1
        fi
        note "$step" "$server" "done in $took s"
        say "$server: $name done, $took s"
        ;;
      [0-9]*)
        result=failed
        note "$step" "$server" "FAILED (${status_of[$server]}) after $took s"
        say "$server: $name FAILED (${status_of[$server]}) after $took s"
        if [ -z "$shows" ]; then printf '%s' "${tail_of[$server]}" | tail -n 15 | while IFS= read -r line; do say "    $line"; done; fi
        ;;
      *)
        result=lost
        note "$step" "$server" "the connection was lost after $took s"
        say "$server: $name: ${last_of[$server]:-the connection was lost}; the step goes on there alone"
        ;;
    esac
    if [ "$result" = lost ]; then
      record step-end host "$server" service "$service" step "$name" input "${input_of[$step $server]}" result lost took "$took"
    else
      record step-end host "$server" service "$service" step "$name" input "${input_of[$step $server]}" result "$result" \
        status "${status_of[$server]}" took "$took"
    fi
    if [ "$result" != ok ]; then failed=1; fi
  done
  return "$failed"
}

# Percent-encodes a word of a request.
encode() {
  local text=$1 i c
  REPLY=
  for ((i = 0; i < ${#text}; i++)); do
    c=${text:i:1}
    if [[ $c != [A-Za-z0-9._/:=,@+-] ]]; then printf -v c '%%%02X' "'$c"; fi
    REPLY+=$c
  done
}

# ---------------------------------------------------------------- the course of a run

# Sets places to the servers of the tasks, each once.
places_of_tasks() {
  local task server
  local -A seen=()
  places=()
  for task in "${tasks[@]}"; do
    server=${task##* }
    if [ -z "${seen[$server]:-}" ]; then places+=("$server"); fi
    seen[$server]=1
  done
}

continue_with() { say "to continue: $0 $command${limit:+ --limit $limit}${only:+ --module $only}${from_here:+ --from-here}${state_option:+ --state $state_option}"; }

run_began=
# leave STATUS TEXT: ends the run, also from its middle.
leave() {
  local server
  if [ -n "${2:-}" ]; then warn "$2"; fi
  if [ -n "$run_began" ]; then
    run_began= # the record itself may be what fails
    if [ "$1" -eq 0 ]; then record run-end result ok; else record run-end result failed; fi
    if [ "$1" -ne 0 ]; then continue_with >&2; fi
  fi
  for server in "${!to[@]}"; do finish "$server"; done
  exit "$1"
}

cleanup() {
  if [ -n "$locking" ] && [ "$(readlink -- "$state/lock")" = "$locking" ]; then rm -f -- "$state/lock"; fi
  if [ -n "$work" ]; then rm -rf -- "$work"; fi
}

hear_interrupt() {
  if [ -n "$stopping" ]; then
    warn "left at once; what runs on servers runs on, and the next run finds it"
    exit 130
  fi
  stopping=1
  warn "stopping: what runs is finished first (once more to leave at once)"
}

open_work() {
  work=$(umask 077 && mktemp -d -t kbgen-run.XXXXXXXX) || cannot "cannot make a temporary folder"
  trap cleanup EXIT
  trap hear_interrupt INT TERM
  exec {never}<> <(:) # nothing ever comes: a pause without a process
  find_own_addresses
  agent_size=$(stat -c %s -- "$tree/lib/agent.sh") || cannot "the tree has no lib/agent.sh"
  if [ -z "$from_here" ] && [ -n "$install" ] && ! is_here "${address[$install]}"; then
    cannot "this is not $install (${ip[$install]}), from which this estate is installed: its journal, logs and credentials lie there. Go there, or say --from-here (and --state DIR)"
  fi
  local name=${SUDO_USER:-${USER:-${LOGNAME:-$EUID}}} host seconds
  IFS= read -r host </proc/sys/kernel/hostname
  who=${name//[!A-Za-z0-9._-]/_}@${host//[!A-Za-z0-9._-]/_}
  TZ=UTC printf -v seconds '%(%Y%m%dT%H%M%S)T' -1
  printf -v run '%s-%04x%02x' "$seconds" "$RANDOM" "$((RANDOM % 256))"
}

# What changes something, or tells that it was looked at, does it under the lock and with a journal.
open_state() {
  if ! { [ -d "$root" ] || [ -n "$state_option" ] || mkdir -p -- "$root"; } || ! (umask 077 && mkdir -p -- "$state") ||
    ! { [ -d "$logs" ] || mkdir -m 0750 -- "$logs"; }; then
    cannot "cannot make $state and $logs"
  fi
  identity "$$"
  local self=$REPLY
  if ! take_lock "$state/lock" "$self"; then cannot "$REPLY"; fi
  locking=$self
  open_journal
  record run-begin
  run_began=1
}

# Every server must answer before anything begins anywhere: a part of a fleet is worse than none.
reach() {
  if connect "$@"; then return 0; fi
  printf 'run.sh: %s\n' "${unreached[@]}" >&2
  leave 1 "${#unreached[@]} of $# servers could not be reached: nothing was changed"
}

apply() {
  local task step server state_of
  local -a todo=() fresh=() list
  select_tasks apply
  if [ "${#tasks[@]}" -eq 0 ]; then usage_error "nothing is selected"; fi
  places_of_tasks
  if [ -z "$dry" ]; then open_state; fi
  reach "${places[@]}"
  if [ -z "$dry" ]; then wait_for_earlier "${places[@]}"; fi
  for task in "${tasks[@]}"; do
    step=${task% *} server=${task##* }
    if is_done "$step" "$server"; then
      if [ -z "$dry" ]; then
        record step-end host "$server" service "${step%%/*}" step "${step#*/}" input "$REPLY" result skipped took 0
      fi
    else
      todo+=("$task")
    fi
  done
  for server in "${places[@]}"; do
    generation_id "$server"
    state_of=
    if [ "${has_generation[$server]}" != "${REPLY:0:16}" ]; then state_of=1; fi
    for task in "${todo[@]}"; do
      if [ "${task##* }" = "$server" ] && [ "${on[${task% *}]}" = members ]; then state_of=1; fi
    done
    if [ -n "$state_of" ]; then fresh+=("$server"); fi
  done
  if [ -n "$dry" ]; then
    for task in "${todo[@]}"; do say "would run ${task% *} on ${task##* }"; done
    say "${#todo[@]} of ${#tasks[@]} steps would run, on ${#fresh[@]} of ${#places[@]} servers"
    leave 0
  fi
  if [ "${#fresh[@]}" -gt 0 ]; then
    if ! preflight "${fresh[@]}"; then leave 1 "$refusals things stand in the way; nothing was changed"; fi
    for server in "${fresh[@]}"; do
      generation_id "$server"
      if [ -n "$stopping" ]; then leave 1 "stopped"; fi
      if [ "${has_generation[$server]}" != "${REPLY:0:16}" ]; then ship "$server"; fi
    done
  fi
  for step in "${steps[@]}"; do
    list=()
    for task in "${todo[@]}"; do
      if [ "${task% *}" = "$step" ]; then list+=("${task##* }"); fi
    done
    if [ "${#list[@]}" -eq 0 ]; then continue; fi
    run_step "$step" "${list[@]}"
  done
  if ! all_is_well "${!touched[@]}"; then leave 1 "not all is well after $gate_timeout s: $REPLY"; fi
  say "done: ${#todo[@]} steps were run, $((${#tasks[@]} - ${#todo[@]})) were done before"
  leave 0
}

# run_step STEP SERVER...: by its strategy.
run_step() {
  local step=$1 server
  shift
  if [ -n "$stopping" ]; then leave 1 "stopped"; fi
  if [ "${strategy[$step]}" != rolling ] || [ "${on[$step]}" = install ]; then
    if ! run_tasks "$step" "$@"; then leave 1 "${step#*/} failed"; fi
    return
  fi
  leaders_last "${step%%/*}" "$@"
  for server in "${ordered[@]}"; do
    if [ -n "$stopping" ]; then leave 1 "stopped"; fi
    input_id "$step" "$server"
    if ! gate_before "$step" "$server"; then leave 1 "$server must not be stopped: $REPLY"; fi
    if ! run_tasks "$step" "$server"; then leave 1 "${step#*/} failed on $server"; fi
    gated_services "$server"
    if ! all_is_well "${gated[@]}"; then leave 1 "not all is well after ${step#*/} on $server: $REPLY"; fi
  done
}

# Steps that leave no receipt: they run whenever they are asked for.
perform() {
  local task step failed=0
  local -a list
  select_tasks "$1"
  if [ "${#tasks[@]}" -eq 0 ]; then usage_error "nothing is selected: no step of the kind $1"; fi
  places_of_tasks
  if [ -n "$dry" ]; then
    for task in "${tasks[@]}"; do say "would run ${task% *} on ${task##* }"; done
    leave 0
  fi
  open_state
  reach "${places[@]}"
  wait_for_earlier "${places[@]}"
  for task in "${tasks[@]}"; do
    step=${task% *}
    generation_id "${task##* }"
    if [ "${on[$step]}" = members ] && [ "${has_generation[${task##* }]}" != "${REPLY:0:16}" ]; then
      leave 1 "${task##* } has another generation than this tree: apply first"
    fi
  done
  shows=1
  for step in "${steps[@]}"; do
    list=()
    for task in "${tasks[@]}"; do
      if [ "${task% *}" = "$step" ]; then list+=("${task##* }"); fi
    done
    if [ "${#list[@]}" -eq 0 ]; then continue; fi
    # Looking does no harm: everything is looked at, whatever is found.
    if [ "$1" = validate ]; then
      run_tasks "$step" "${list[@]}" || failed=1
    else
      run_step "$step" "${list[@]}"
    fi
  done
  leave "$failed"
}

status() {
  local server task step total good
  select_tasks apply
  places_of_tasks
  connect "${places[@]}"
  for server in "${places[@]}"; do
    if [ -z "${to[$server]:-}" ]; then continue; fi
    total=0 good=0
    for task in "${tasks[@]}"; do
      if [ "${task##* }" != "$server" ]; then continue; fi
      total=$((total + 1))
      if is_done "${task% *}" "$server"; then good=$((good + 1)); fi
    done
    generation_id "$server"
    step="other files (${has_generation[$server]})"
    if [ "${has_generation[$server]}" = "${REPLY:0:16}" ]; then step="the files of this tree"; fi
    if [ "${has_generation[$server]}" = - ]; then step="no files"; fi
    say "$server: $good of $total steps are done, $step${running_on[$server]:+, ${running_on[$server]% *} runs}"
    if [ "$good" -ne "$total" ]; then differs=1; fi
  done
  if [ "${#unreached[@]}" -gt 0 ]; then
    printf '%s\n' "${unreached[@]}"
    differs=1
  fi
  leave "${differs:-0}"
}

hear_drift() {
  printable "$3"
  case $2-$3 in
    out-same\ *) same=$((same + 1)) ;;
    *)
      say "$1: $REPLY"
      differs=1
      ;;
  esac
}

# Every file that a service puts on a server against what it would be, contents and mode.
drift() {
  local line server service rows
  local -a list
  local -A rows_of=()
  local row='"server": "([^"]+)", "service": "([^"]+)".* "host_path": "([^"]+)", "owner": "([^"]+)", "host_mode": "([0-7]+)"'
  while IFS= read -r line; do
    if [[ $line == *'"step": '* || ! $line =~ $row ]]; then continue; fi
    server=${BASH_REMATCH[1]} service=${BASH_REMATCH[2]}
    rows_of[$server $service]=${rows_of[$server $service]:-}"${BASH_REMATCH[5]} ${BASH_REMATCH[4]} ${BASH_REMATCH[3]}"$'\n'
  done <"$tree/MANIFEST.json"
  select_tasks apply
  places_of_tasks
  reach "${places[@]}"
  same=0
  for server in "${places[@]}"; do
    split_list list "${services_on[$server]:-}"
    for service in "${list[@]}"; do
      rows=${rows_of[$server $service]:-}
      if [ -z "$rows" ] || { [ -n "$only" ] && ! has_word "$only" "$service"; }; then continue; fi
      send "$server" "drift ${folder[$service]} ${#rows}"
      put "$server" "$rows"
      listen 120 hear_drift "$server"
      if [ "${status_of[$server]}" != 0 ]; then
        say "$server: $service: ${last_of[$server]}"
        differs=1
      fi
    done
  done
  say "$same files are what they would be"
  leave "${differs:-0}"
}

main() {
  local base
  parse_arguments "$@"
  read_tree
  read_plan
  gather_lines
  check_selection
  base=${state_option:-$root}
  state=${state_option:-$root/state}
  logs=$base/logs
  differs=0
  open_work
  case $command in
    plan)
      dry=1
      apply
      ;;
    apply) apply ;;
    status) status ;;
    drift) drift ;;
    validate) perform validate ;;
    drill | run)
      if [ -z "${folder[$service_wanted]:-}" ]; then usage_error "the plan has no service $service_wanted"; fi
      only=$service_wanted
      if [ "$command" = drill ]; then
        if [ -z "$yes" ] && [ -z "$dry" ]; then usage_error "a drill takes parts of $only down to see whether it survives that; say --yes"; fi
        perform drill
      fi
      if [ -z "${kind[$only/$step_wanted]:-}" ]; then usage_error "$only has no step $step_wanted"; fi
      perform "${kind[$only/$step_wanted]}"
      ;;
  esac
}

work='' state='' logs=''
main "$@"
