#!/bin/sh
# Verifies a bundle of kbgen with nothing but sh, ssh-keygen, sha256sum and coreutils. It is part of
# every bundle and also lies beside it; take it from where you trust it, or read it first: it is short.
#
#   verify.sh [--newer-than FILE] [--topology NAME] BUNDLE.tar.zst ALLOWED_SIGNERS
#       before anything is unpacked: the signature BUNDLE.tar.zst.sig over the archive
#   verify.sh [--newer-than FILE] [--topology NAME] FOLDER ALLOWED_SIGNERS
#       the unpacked folder: the signature over SHA256SUMS, every file's bytes and mode, nothing
#       missing, nothing besides; --newer-than remembers "TOPOLOGY SERIAL TREE" and refuses what is older
#
# ALLOWED_SIGNERS is a file as ssh-keygen(1) describes it: "deploy@example namespaces="kbgen-bundle" ssh-ed25519 AAAA…".
set -eu
LC_ALL=C
export LC_ALL
umask 077

refuse() {
  printf 'REFUSED: %s\n' "$1" >&2
  exit 1
}

usage() {
  printf 'usage: %s [--newer-than FILE] [--topology NAME] BUNDLE.tar.zst|FOLDER ALLOWED_SIGNERS\n' "$0" >&2
  exit 2
}

newer_than=
topology=
while [ $# -gt 0 ]; do
  case $1 in
    --newer-than | --topology)
      if [ $# -lt 2 ]; then usage; fi
      if [ "$1" = --topology ]; then topology=$2; else newer_than=$2; fi
      shift 2
      ;;
    --) shift; break ;;
    -*) usage ;;
    *) break ;;
  esac
done
if [ $# -ne 2 ]; then usage; fi
subject=$1
signers=$2
for program in ssh-keygen sha256sum find sort comm mktemp; do
  if ! command -v "$program" >/dev/null; then
    printf '%s is not there\n' "$program" >&2
    exit 3
  fi
done
if [ ! -f "$signers" ]; then refuse "there is no file $signers"; fi

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 130' INT TERM HUP
: >"$work/scripts"
: >"$work/listed"

# check_signature SIGNATURE FILE: who signed goes to $signer.
check_signature() {
  if [ ! -f "$1" ]; then refuse "there is no signature $1"; fi
  if ! ssh-keygen -Y find-principals -s "$1" -f "$signers" >"$work/who" 2>"$work/why"; then
    if [ "$(head -c 29 "$1")" != '-----BEGIN SSH SIGNATURE-----' ]; then refuse "$1 is no signature"; fi
    refuse "$1: it was signed by a key that is not in $signers"
  fi
  IFS= read -r signer <"$work/who"
  if ! ssh-keygen -Y verify -s "$1" -f "$signers" -I "$signer" -n kbgen-bundle <"$2" 2>"$work/why" >"$work/verdict"; then
    refuse "$1: $(head -n 1 "$work/why")"
  fi
}

# fact NAME: of BUNDLE.json, whose bytes are proved; kbgen writes one member a line.
fact() {
  while IFS= read -r line; do
    case $line in
      " \"$1\": "*)
        line=${line#*: }
        line=${line%,}
        line=${line#\"}
        printf '%s\n' "${line%\"}"
        ;;
    esac
  done <BUNDLE.json
}

if [ ! -d "$subject" ]; then
  if [ ! -f "$subject" ] || [ -L "$subject" ]; then refuse "there is no file $subject"; fi
  check_signature "$subject.sig" "$subject"
  printf '%s: signed by %s. Unpack it, then verify the folder.\n' "$subject" "$signer"
  exit 0
fi

# What follows is done inside, so that no name on the command line is a part of another.
case $signers in /*) ;; *) signers=$PWD/$signers ;; esac
case $newer_than in '' | /*) ;; *) newer_than=$PWD/$newer_than ;; esac
cd -- "$subject"
folder=$(basename -- "$(pwd -P)")

if [ -L SHA256SUMS ] || [ ! -f SHA256SUMS ]; then refuse "SHA256SUMS is missing"; fi
if [ -L SHA256SUMS.sig ] || [ ! -f SHA256SUMS.sig ]; then refuse "SHA256SUMS.sig is missing"; fi
check_signature SHA256SUMS.sig SHA256SUMS

# Into what the programs below read. The list is proved; its form is looked at nevertheless, because
# a name with a blank, a backslash or `..` would mean something else to them.
while IFS= read -r line; do
  rest=${line#0???\ }
  digest=${rest%%\ *}
  path=${rest#*\ \ }
  mode=${line%%\ *}
  if [ "$line" != "$mode $digest  $path" ] || [ "${#digest}" -ne 64 ]; then refuse "SHA256SUMS: not a line of a bundle"; fi
  case $digest in *[!0-9a-f]*) refuse "SHA256SUMS: not a line of a bundle" ;; esac
  case /$path/ in
    *[!!-~]* | *\\* | *//* | */./* | */../*) refuse "SHA256SUMS: $path is no name for a file of a bundle" ;;
  esac
  case $mode in
    0644) ;;
    0755) printf './%s\n' "$path" >>"$work/scripts" ;;
    *) refuse "SHA256SUMS: not a line of a bundle" ;;
  esac
  printf './%s\n' "$path" >>"$work/listed"
  printf '%s  ./%s\n' "$digest" "$path" >>"$work/sums"
done <SHA256SUMS
if ! sort -c -u "$work/listed" 2>/dev/null; then refuse "SHA256SUMS: out of order"; fi

find . ! -type d ! -type f >"$work/strange"
if [ -s "$work/strange" ]; then refuse "$(head -n 1 "$work/strange") is no ordinary file"; fi
printf './SHA256SUMS\n./SHA256SUMS.sig\n' | sort - "$work/listed" >"$work/wanted"
find . -type f | sort >"$work/found"
comm -13 "$work/wanted" "$work/found" >"$work/extra"
if [ -s "$work/extra" ]; then refuse "$(head -n 1 "$work/extra") does not belong to the bundle"; fi
comm -23 "$work/wanted" "$work/found" >"$work/missing"
if [ -s "$work/missing" ]; then refuse "$(head -n 1 "$work/missing") is missing"; fi

if ! sha256sum --check --strict --quiet "$work/sums" >"$work/why" 2>&1; then
  refuse "other bytes: $(head -n 1 "$work/why")"
fi

# What others may do, the umask of whoever unpacked it has decided; what counts is whether a file can
# be run.
find . -type f -perm -0100 | sort >"$work/executable"
comm -3 "$work/scripts" "$work/executable" | tr -d '\t' >"$work/why"
find . -perm /7000 >>"$work/why"
if [ -s "$work/why" ]; then refuse "$(head -n 1 "$work/why") has another mode"; fi

is=$(fact topology)
tree=$(fact tree)
serial=$(fact serial)
if [ "$(sha256sum <MANIFEST.json | cut -d ' ' -f 1)" != "$tree" ]; then refuse "BUNDLE.json is of another tree"; fi
case $serial in '' | *[!0-9]*) refuse "BUNDLE.json has no serial" ;; esac
if [ -n "$topology" ] && [ "$is" != "$topology" ]; then refuse "it is a bundle of $is, not of $topology"; fi

if [ -n "$newer_than" ]; then
  if [ -e "$newer_than" ]; then
    read -r old_topology old_serial old_tree <"$newer_than" || refuse "$newer_than does not read TOPOLOGY SERIAL TREE"
    if [ "$old_topology" != "$is" ]; then refuse "it is a bundle of $is, not of $old_topology"; fi
    if [ "$serial" -lt "$old_serial" ]; then refuse "it is older (serial $serial) than the newest that was accepted ($old_serial)"; fi
    if [ "$serial" -eq "$old_serial" ] && [ "$tree" != "$old_tree" ]; then refuse "serial $serial was accepted for another tree"; fi
  fi
  printf '%s %s %s\n' "$is" "$serial" "$tree" >"$newer_than.new"
  mv -f -- "$newer_than.new" "$newer_than"
fi
printf '%s: %s files of %s, serial %s, signed by %s.\n' "$folder" "$(wc -l <"$work/found" | tr -d ' ')" "$is" "$serial" "$signer"
