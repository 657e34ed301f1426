#!/usr/bin/env bash
# Do resolvers say what the zone files say? Reads only; needs no token.
# shellcheck disable=SC2154  # lib/fleet.sh sets tree
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # lib/fleet.sh reads them
root=/opt/meridian folder=01-outside
# shellcheck source=/dev/null
. "$here/../../lib/fleet.sh"
trap 'kb_failed "$?"' ERR

resolvers=(192.168.64.2)

usage() {
  cat <<USAGE
usage: $0 [--resolver=IP]... [--internal=IP]...
  --resolver=IP  asks this one for the public names, instead of ${resolvers[*]}
  --internal=IP  asks this one for the internal names; without it they are not checked
USAGE
}

given=()
internal=()
for argument in "$@"; do
  case $argument in
    --resolver=?*) given+=("${argument#*=}") ;;
    --internal=?*) internal+=("${argument#*=}") ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
done
if [ "${#given[@]}" -gt 0 ]; then resolvers=("${given[@]}"); fi

declare -A records # "NAME TYPE" -> what they say, one a line
declare -a names   # the same keys, in the order of the file

# read_zone FILE: our own zone files have one record a line: OWNER IN TYPE DATA.
read_zone() {
  local owner class type data origin='' key
  records=()
  names=()
  ttl=
  while read -r owner class type data; do
    case $owner in
      '' | \;*) continue ;;
      \$ORIGIN)
        origin=$class
        continue
        ;;
      \$TTL)
        ttl=$class
        continue
        ;;
      @) owner=$origin ;;
      *.) ;;
      *) owner=$owner.$origin ;;
    esac
    key="$owner $type"
    if [ -z "${records[$key]:-}" ]; then names+=("$key"); fi
    records[$key]+=$data$'\n'
  done <"$1"
}

# says RESOLVER NAME TYPE WANTED: it has these records, all of them and no other, and remembers them no
# longer than it may.
says() {
  local answer found remembered
  if ! answer=$(dig -r @"$1" -q "$2" -t "$3" +noall +answer +time=3 +tries=2); then
    printf '%s\n' "$answer"
    return 1
  fi
  answer=$(awk -v name="${2,,}" -v type="$3" 'tolower($1) == name && $4 == type' <<<"$answer")
  found=$(sed -E 's/^([^[:space:]]+[[:space:]]+){4}//' <<<"$answer")
  same "$3" "$(in_a_line "$4")" "$(in_a_line "$found")"
  remembered=$(awk '$2 > most { most = $2 } END { print most + 0 }' <<<"$answer")
  if [ "$remembered" -gt "$ttl" ]; then
    echo "is remembered for $remembered s, wanted at most $ttl s"
    return 1
  fi
}

in_a_line() {
  local text=${1%$'\n'}
  sort <<<"$text" | paste -s -d '|'
}

# compare WHAT FILE RESOLVER...
compare() {
  local what=$1 file=$2 key resolver
  shift 2
  if [ "$#" -eq 0 ]; then
    check_skip "$what" 'no resolver is given to ask'
    return 0
  fi
  read_zone "$file"
  for resolver in "$@"; do
    for key in "${names[@]}"; do
      check "$what: ${key/. / } at $resolver" says "$resolver" "${key% *}" "${key##* }" "${records[$key]}"
    done
  done
}

compare public "$tree/dns/meridian.example.zone" "${resolvers[@]}"
compare internal "$tree/dns/meridian.example.internal.zone" "${internal[@]}"
check_summary
