#!/usr/bin/env bash
# Keeps the names of this server's peers in /etc/hosts, in a block of its own; everything else there
# stays, except what would give one of these names another address: leftovers, and the line that cloud
# images bring, by which a server's own name leads to 127.0.1.1. Where cloud-init writes the file anew at
# every boot, its template gets the same block.
set -Eeuo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # not every step asks
changed=0 # becomes 1 when a file that this step manages is not what it was
# shellcheck source=/dev/null
. "$here/../lib/host.sh"
trap 'kb_failed "$?"' ERR
need_root

own=mq-4
block=/etc/kbgen/hosts
begin='# BEGIN names of peers: written by kbgen, lost when edited'
end='# END names of peers'

install_file 0644 root:root "$block"

# write_block FILE: FILE as it is to be, on stdout.
# shellcheck disable=SC2016  # awk's own variables
write_block() {
  awk -v own="$own" -v begin="$begin" -v end="$end" '
    NR == FNR { if (!/^#/ && NF) managed[$2] = 1; block = block $0 "\n"; next }
    $0 == begin { inside = 1; next }
    $0 == end { inside = 0; next }
    inside || /^[[:space:]]*(#|$)/ { if (!inside) print; next }
    {
      kept = $1
      found = mine = comment = 0
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^#/) comment = 1
        if (!comment && ($i == own || $i == "{{hostname}}")) mine = 1
        if (!comment && $i in managed) { found = 1; continue }
        kept = kept " " $i
      }
      if (mine && $1 ~ /^127\.0\.1\./) next
      if (!found) print
      else if (kept ~ /^[^ ]+ [^#]/) print kept
    }
    END {
      if (inside) exit 1
      printf "%s\n%s%s\n", begin, block, end
    }' "$block" "$1"
}

for file in /etc/hosts /etc/cloud/templates/hosts.debian.tmpl; do
  if [ ! -f "$file" ]; then continue; fi
  text=$(mktemp)
  if ! write_block "$file" >"$text"; then
    rm -f -- "$text"
    fail "$file: \"$begin\" has no end; remove that line and what belongs to it"
  fi
  install_file 0644 root:root "$file" "$text"
  rm -f -- "$text"
done
