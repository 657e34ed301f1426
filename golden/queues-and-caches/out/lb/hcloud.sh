# What balancers.sh calls: each function makes one thing of a load balancer what its arguments say, and
# runs hcloud only for what differs. Sourced by balancers.sh, never run by itself.
# shellcheck shell=bash
#
# Works with hcloud 1.30 and later, which is what Debian 12 has.

: "${here:?}"
lb_yes=false   # run the commands, instead of only showing them
lb_prune=false # also those that take something away
lb_only=       # ",NAME,NAME,"
lb_quiet=false
lb_execute=false
lb_changes=0
lb_left=() # what no command of this script may or can put right

# The provider's project.
declare -A lb_network_ids lb_server_ids lb_server_names lb_server_ips lb_certificate_ids lb_there
# The load balancer at hand: what it is, its targets (id: by its private address?), its services (port: flags).
declare -A lb_is lb_target lb_service
lb_other=() # its targets that are no servers

# ---------------------------------------------------------------- the course of a run

lb_usage() {
  cat <<USAGE
usage: $0 [--yes] [--prune] [--only=NAME,NAME...]
  --yes       run the commands; without it they are only shown
  --prune     also take away services and targets that the topology does not know
  --only=...  these load balancers only, by their names at the provider
USAGE
}

# lb_run FUNCTION ARG...: FUNCTION says what there shall be. Before anything is changed it is run once
# without changing: a server that is missing at its end must stop the run at its beginning.
lb_run() {
  local estate=$1 argument
  shift
  for argument in "$@"; do
    case $argument in
      --yes) lb_yes=true ;;
      --prune) lb_prune=true ;;
      --only=?*) lb_only=,${argument#*=}, ;;
      --help | -h)
        lb_usage
        exit 0
        ;;
      *)
        lb_usage >&2
        exit 2
        ;;
    esac
  done
  lb_state=$(umask 077 && mktemp -d -t balancers.XXXXXXXX)
  trap 'rm -rf -- "$lb_state"; kb_leave' EXIT
  lb_read_project
  lb_quiet=$lb_yes
  lb_pass "$estate"
  if [ "$lb_yes" = true ]; then
    lb_quiet=false
    lb_execute=true
    lb_pass "$estate"
  fi
  lb_report
}

lb_pass() {
  local wanted
  lb_changes=0
  lb_left=()
  lb_names=()
  "$1"
  for wanted in ${lb_only//,/ }; do
    if [[ " ${lb_names[*]} " != *" $wanted "* ]]; then
      fail "--only: there is no load balancer $wanted, but ${lb_names[*]}"
    fi
  done
}

lb_report() {
  local line name
  for name in "${!lb_there[@]}"; do
    if [[ " ${lb_names[*]} " != *" $name "* ]]; then
      log "the project also has the load balancer $name, which the topology does not know"
    fi
  done
  for line in "${lb_left[@]}"; do log "left as it is: $line"; done
  if [ "$lb_changes" -eq 0 ]; then
    log "nothing to change"
  elif [ "$lb_yes" = true ]; then
    log "$lb_changes commands were run"
  else
    log "$lb_changes commands would be run; --yes runs them"
  fi
  if [ "${#lb_left[@]}" -gt 0 ]; then exit 1; fi
}

# ---------------------------------------------------------------- the provider

# lb_ask FUNCTION COMMAND...: what the provider says, read by a function of balancers.jq into $lb_rows.
lb_ask() {
  local read=$1
  shift
  if ! hcloud "$@" --output=json >"$lb_state/answer" </dev/null; then
    fail "hcloud cannot read the project: is there an active context, or HCLOUD_TOKEN?"
  fi
  lb_rows=$(jq -L "$here" --raw-output "include \"balancers\"; $read" "$lb_state/answer")
}

lb_read_project() {
  local id name network ip
  lb_ask names network list
  while read -r id name; do
    if [ -n "$id" ]; then lb_network_ids[$name]=$id; fi
  done <<<"$lb_rows"
  lb_ask names certificate list
  while read -r id name; do
    if [ -n "$id" ]; then lb_certificate_ids[$name]=$id; fi
  done <<<"$lb_rows"
  lb_ask 'names, addresses' server list
  while read -r id name network ip; do
    if [ -z "$id" ]; then continue; fi
    if [ "$name" = address ]; then
      lb_server_ips["$id $network"]=$ip
    else
      lb_server_ids[$name]=$id
      lb_server_names[$id]=$name
    fi
  done <<<"$lb_rows"
  lb_ask names load-balancer list
  while read -r id name; do
    if [ -n "$id" ]; then lb_there[$name]=$id; fi
  done <<<"$lb_rows"
}

# Only `describe` says everything: `list` leaves out networks and certificates in some versions.
lb_describe() {
  local what rest
  lb_is=() lb_target=() lb_service=() lb_other=()
  lb_ask facts load-balancer describe "$1"
  while read -r what rest; do
    case $what in
      target) lb_target[${rest% *}]=${rest#* } ;;
      other) lb_other+=("$rest") ;;
      service) lb_service[${rest%% *}]+=${rest#* }$'\n' ;;
      *) lb_is[$what]=$rest ;;
    esac
  done <<<"$lb_rows"
}

# lb_change COMMAND...: shows the command, and runs it when that is wanted.
lb_change() {
  local word
  lb_changes=$((lb_changes + 1))
  if [ "$lb_quiet" = true ]; then return 0; fi
  printf 'hcloud load-balancer'
  for word in "$@"; do
    if [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]]; then
      printf ' %s' "$word"
    else
      printf " '%s'" "${word//\'/\'\\\'\'}"
    fi
  done
  printf '\n'
  if [ "$lb_execute" = true ]; then hcloud load-balancer "$@" >&2 </dev/null; fi
}

lb_leave() { lb_left+=("$lb_name: $1"); }

# ---------------------------------------------------------------- what there shall be

# balancer NAME TYPE LOCATION ALGORITHM: the lines that follow speak of this one.
balancer() {
  lb_name=$1
  lb_names+=("$1")
  lb_ports=()
  lb_servers=()
  lb_skip=false
  if [ -n "$lb_only" ] && [[ $lb_only != *",$1,"* ]]; then
    lb_skip=true
    return 0
  fi
  if [ -z "${lb_there[$1]:-}" ]; then
    lb_change create --name="$1" --type="$2" --location="$3" --algorithm-type="$4"
    if [ "$lb_execute" = false ]; then
      lb_is=([public]=true) lb_target=() lb_service=() lb_other=()
      return 0
    fi
  fi
  lb_describe "$1"
  if [ "${lb_is[type]}" != "$2" ]; then lb_change change-type "$1" "$2"; fi
  if [ "${lb_is[algorithm]}" != "$4" ]; then lb_change change-algorithm --algorithm-type="$4" "$1"; fi
  if [ "${lb_is[location]}" != "$3" ]; then
    lb_leave "stands in ${lb_is[location]} instead of $3, and cannot be moved"
  fi
}

# protected: the provider refuses to delete it.
protected() {
  if [ "$lb_skip" = true ]; then return 0; fi
  if [ "${lb_is[protected]:-}" != true ]; then lb_change enable-protection "$lb_name" delete; fi
}

unprotected() {
  if [ "$lb_skip" = true ]; then return 0; fi
  if [ "${lb_is[protected]:-}" = true ]; then lb_change disable-protection "$lb_name" delete; fi
}

# attached NETWORK IP: it has this address in the private network. A project without that network is not
# the project that this script is for.
attached() {
  if [ "$lb_skip" = true ]; then return 0; fi
  lb_network=${lb_network_ids[$1]:-}
  if [ -z "$lb_network" ]; then fail "the project has no network $1: is it the right project?"; fi
  case ${lb_is[networks]:-} in
    "$lb_network $2") ;;
    '') lb_change attach-to-network --network="$1" --ip="$2" "$lb_name" ;;
    *)
      lb_leave "is attached as ${lb_is[networks]} (number of the network, address) instead of $lb_network $2 in $1"
      lb_leave "to detach it would cut all its connections, and is for a person to do"
      ;;
  esac
}

# internal: nobody reaches it from outside.
internal() {
  if [ "$lb_skip" = true ]; then return 0; fi
  if [ "${lb_is[public]}" = true ]; then lb_change disable-public-interface "$lb_name"; fi
}

# public IP: the world reaches it. The provider chooses the address; names must follow it.
public() {
  local found=${lb_is[address]:-}
  if [ "$lb_skip" = true ]; then return 0; fi
  if [ "${lb_is[public]}" != true ]; then lb_change enable-public-interface "$lb_name"; fi
  if [ -z "$found" ]; then
    lb_leave "its public address will be the provider's choice, not $1; write it into the topology then"
  elif [ "$found" != "$1" ]; then
    lb_leave "has the public address $found instead of $1; write it into the topology, and the names with it"
  fi
}

# target SERVER IP: a server behind it, reached by its private address.
target() {
  local id address
  if [ "$lb_skip" = true ]; then return 0; fi
  id=${lb_server_ids[$1]:-}
  if [ -z "$id" ]; then fail "the project has no server $1: is it the right project?"; fi
  address=${lb_server_ips["$id $lb_network"]:-none}
  if [ "$address" != "$2" ]; then
    fail "$1 has the address $address in the private network at the provider, and $2 in the inventory"
  fi
  lb_servers+=("$id")
  case ${lb_target[$id]:-} in
    true) ;;
    '') lb_change add-target --server="$1" --use-private-ip "$lb_name" ;;
    *)
      if [ "$lb_prune" = true ]; then
        lb_change remove-target --server="$1" "$lb_name"
        lb_change add-target --server="$1" --use-private-ip "$lb_name"
      else
        lb_leave "reaches $1 by its public address; --prune takes it out and puts it in again"
      fi
      ;;
  esac
}

# service PORT FLAG...: it listens there. The flags are those of hcloud, as --flag=value. What the
# topology cannot ask for is off.
service() {
  local port=$1 flag id found wanted=(--proxy-protocol=false) differing=()
  if [ "$lb_skip" = true ]; then return 0; fi
  shift
  lb_ports+=("$port")
  for flag in "$@"; do
    case $flag in
      --http-certificates=*)
        id=${lb_certificate_ids[${flag#*=}]:-}
        if [ -z "$id" ]; then
          lb_leave "cannot listen on $port: the project has no certificate ${flag#*=} (hcloud certificate create)"
          return 0
        fi
        wanted+=("--http-certificates=$id") # older versions of hcloud do not take its name
        ;;
      --protocol=http | --protocol=https)
        wanted+=("$flag" --http-redirect-http=false --http-sticky-sessions=false)
        ;;
      --health-check-protocol=http)
        wanted+=("$flag" --health-check-http-domain= --health-check-http-response= --health-check-http-tls=false)
        ;;
      *) wanted+=("$flag") ;;
    esac
  done
  found=${lb_service[$port]:-}
  if [ -z "$found" ]; then
    lb_add_service "$port" "${wanted[@]}"
    return 0
  fi
  for flag in "${wanted[@]}"; do
    if [[ $'\n'$found != *$'\n'"$flag"$'\n'* ]]; then differing+=("$flag"); fi
  done
  if [ "${#differing[@]}" -gt 0 ]; then
    lb_change update-service --listen-port="$port" "${differing[@]}" "$lb_name"
  fi
}

# In two commands: add-service knows the health check since hcloud 1.43 only, and distributions have
# older ones. What a run that was stopped between them left behind differs, and the next run sees it.
lb_add_service() {
  local port=$1 flag serves=() asks=()
  shift
  for flag in "$@"; do
    case $flag in
      --*=) ;; # a new one has none
      --health-check-*) asks+=("$flag") ;;
      *) serves+=("$flag") ;;
    esac
  done
  lb_change add-service --listen-port="$port" "${serves[@]}" "$lb_name"
  lb_change update-service --listen-port="$port" "${asks[@]}" "$lb_name"
}

# nothing_else: services and targets that no line above has named. They are shown, and taken away with
# --prune only: somebody may need what the topology does not know.
nothing_else() {
  local port id other others=("${lb_other[@]}")
  if [ "$lb_skip" = true ]; then return 0; fi
  for port in "${!lb_service[@]}"; do
    if [[ " ${lb_ports[*]} " == *" $port "* ]]; then continue; fi
    if [ "$lb_prune" = true ]; then
      lb_change delete-service --listen-port="$port" "$lb_name"
    else
      lb_leave "listens on $port, which the topology does not know; --prune ends that"
    fi
  done
  for id in "${!lb_target[@]}"; do
    if [[ " ${lb_servers[*]} " != *" $id "* ]]; then others+=("server ${lb_server_names[$id]:-$id}"); fi
  done
  for other in "${others[@]}"; do
    if [ "$lb_prune" = true ]; then
      lb_change remove-target --"${other%% *}"="${other#* }" "$lb_name"
    else
      lb_leave "has the target ${other#* } (${other%% *}), which the topology does not know; --prune takes it out"
    fi
  done
}
