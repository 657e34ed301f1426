#!/usr/bin/env bash
# Tests of lib/host.sh and lib/fleet.sh with bash itself. Needs no root and no network.
# shellcheck disable=SC2016,SC1003  # what stands in single quotes is for the step, not for this shell
set -uo pipefail

source_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
library=$source_dir/templates/_lib/host
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
tests=0
failures=0

# A root as it is on a server: lib/, one service folder, credentials.
fresh_root() {
  rm -rf -- "$work/root" "$work/target"
  mkdir -p "$work/root/lib" "$work/root/02-base-os" "$work/target"
  mkdir -m 0700 "$work/root/credentials"
  cp -- "$library"/*.sh "$work/root/lib/"
}

# step BODY: runs BODY as a step script; output in $out and $err, status in $status.
step() {
  cat >"$work/root/02-base-os/step.sh" <<SCRIPT
#!/usr/bin/env bash
set -Eeuo pipefail
here=\$(cd -- "\$(dirname -- "\${BASH_SOURCE[0]}")" && pwd)
. "$work/root/lib/host.sh"
trap 'kb_failed "\$?"' ERR
me=\$(id -un):\$(id -gn)
target=$work/target
$1
SCRIPT
  bash "$work/root/02-base-os/step.sh" >"$work/out" 2>"$work/err" </dev/null
  status=$?
  out=$(<"$work/out")
  err=$(<"$work/err")
}

credentials() {
  printf '%s' "$2" >"$work/root/credentials/$1"
  chmod 0600 "$work/root/credentials/$1"
}

# A file that the step may install: $here/$target/NAME
rendered() {
  mkdir -p "$work/root/02-base-os$work/target"
  printf '%s' "$2" >"$work/root/02-base-os$work/target/$1"
}

it() {
  local text=$1
  shift
  tests=$((tests + 1))
  if "$@"; then
    printf 'ok %d - %s\n' "$tests" "$text"
  else
    failures=$((failures + 1))
    printf 'not ok %d - %s\n  status %s\n  out: %s\n  err: %s\n' "$tests" "$text" "$status" "$out" "$err"
  fi
}

equals() { [ "$1" = "$2" ] || { printf '  wanted: %q\n  found:  %q\n' "$1" "$2"; return 1; }; }
says() { [[ $err == *"$1"* ]]; }
refused() { [ "$status" -ne 0 ] && says "$1" && [ ! -e "$work/target/f" ]; }
file_is() { printf '%s' "$2" | cmp -s - "$1"; }
mode_is() { equals "$2" "$(stat -c %a "$1")"; }

# ---------------------------------------------------------------- install_file

fresh_root
rendered f $'one\ntwo\n'
step 'install_file 0640 "$me" "$target/f"; echo "changed=$changed"'
it "install_file writes the file" file_is "$work/target/f" $'one\ntwo\n'
it "install_file sets the mode" mode_is "$work/target/f" 640
it "install_file says that something changed" equals changed=1 "$out"

inode=$(stat -c %i "$work/target/f")
step 'install_file 0640 "$me" "$target/f"; echo "changed=$changed"'
it "a second run changes nothing" equals changed=0 "$out"
it "a second run does not touch the file" equals "$inode" "$(stat -c %i "$work/target/f")"

step 'install_file 0600 "$me" "$target/f"; echo "changed=$changed"'
it "a changed mode alone is a change" equals changed=1 "$out"
it "a changed mode is set" mode_is "$work/target/f" 600

step 'install_file 0600 "$me" "$target/absent"'
it "a file that was not shipped is refused" says "was this server's folder copied whole?"

ln -sfn /nonexistent "$work/target/link"
rendered link text
step 'install_file 0644 "$me" "$target/link"'
it "a symbolic link is replaced, not followed" file_is "$work/target/link" text

mkdir "$work/target/folder"
rendered folder text
step 'install_file 0644 "$me" "$target/folder"'
it "a folder in the place of a file is refused" says "is a directory"

# ---------------------------------------------------------------- a change is owed until it was acted on

fresh_root
rendered f new
step 'install_file 0644 "$me" "$target/f"; false'
it "a step that fails says where, with file, line and status" \
  says "KBGEN_FAIL $work/root/02-base-os/step.sh 8 1"
step 'install_file 0644 "$me" "$target/f"; echo "changed=$changed"'
it "the next run still owes the restart" equals changed=1 "$out"
step 'echo "changed=$changed"'
it "a step that ended well owes nothing" equals changed=0 "$out"
it "no temporary file is left" equals "" "$(find "$work/target" -name '.kbgen*')"

step 'wait_for 0 false'
it "a failure inside the library is reported at the line of the script" \
  says "KBGEN_FAIL $work/root/02-base-os/step.sh 8 1"
step 'fail "no such thing"'
it "fail says why" says "FAILED: no such thing"
it "fail reports its own line" says "step.sh 8 1"
it "log keeps what it said" grep -q "FAILED: no such thing" "$work/root/logs/02-base-os-step.log"

# ---------------------------------------------------------------- fill_file

hostile=(
  plain "two words" " leading" "trailing " "'" '"' '`id`' '$(id)' '${HOME}' '$$' '\' '\\' '\n' '&' '&&'
  '/' '|' '#x' ' #x' ';x' '*' '?' '[a' '{a,b}' '~' '!' '!!' '%h' '%%n' '-n' '-e x' '--' '=' 'a=b==' '@' '@@'
  '@@app.env:KEY@@' '@@app.env:OTHER@@' '<<EOF' 'é' $'e\u0301' '中文' '🔑' $'\u202e' $'\xff\xfe'
  "$(printf 'x%.0s' {1..4096})"
)
intact=0
for value in "${hostile[@]}"; do
  fresh_root
  credentials app.env "KEY=$value"$'\n'
  rendered f 'a @@app.env:KEY@@ b @@app.env:KEY@@'
  step 'fill_file 0600 "$me" "$target/f"'
  if [ "$status" -eq 0 ] && file_is "$work/target/f" "a $value b $value" && [ -z "$out" ] &&
    { [ "${#value}" -lt 4 ] || ! says "$value"; }; then
    intact=$((intact + 1))
  else
    printf '  not intact: %q\n' "$value"
  fi
done
it "every hostile value arrives byte by byte and is never printed" equals "${#hostile[@]}" "$intact"

refusals() {
  local name=$1 bytes=$2 message=$3
  fresh_root
  credentials app.env "$bytes"
  rendered f '@@app.env:KEY@@'
  step 'fill_file 0600 "$me" "$target/f"'
  it "fill_file refuses $name" refused "$message"
}
refusals "a missing key" $'OTHER=x\nKEYS=x\n' "app.env has no KEY"
refusals "an empty value" $'KEY=\n' "KEY in app.env is empty"
refusals "a key that stands twice" $'KEY=a\nKEY=b\n' "has KEY 2 times"
refusals "a value with a newline in it" $'KEY=a\nb\n' "line 2: neither KEY=value nor a comment"
refusals "a value with a carriage return" $'KEY=a\r\n' "holds a control character"
refusals "a value with a tab" $'KEY=a\tb\n' "holds a control character"
refusals "an exported variable" $'export KEY=a\n' "line 1: neither"

fresh_root
printf 'KEY=a\0b\n' >"$work/root/credentials/app.env"
chmod 0600 "$work/root/credentials/app.env"
rendered f '@@app.env:KEY@@'
step 'fill_file 0600 "$me" "$target/f"'
it "fill_file refuses a NUL byte" refused "holds a NUL byte"

for mode in 0640 0604 0620; do
  fresh_root
  credentials app.env $'KEY=a\n'
  chmod "$mode" "$work/root/credentials/app.env"
  rendered f '@@app.env:KEY@@'
  step 'fill_file 0600 "$me" "$target/f"'
  it "fill_file refuses credentials of mode $mode" refused "may be read by others"
done

fresh_root
rendered f '@@app.env:KEY@@'
step 'fill_file 0600 "$me" "$target/f"'
it "fill_file refuses a missing credentials file" refused "app.env is not there; it must hold KEY"

fresh_root
credentials app.env $'# a comment\n\nKEY=secret-value'
rendered f $'@@@app.env:KEY@@@ @@ @@x@@ a@@b:c d@@ @@app.env:KEY@\n\n'
step 'fill_file 0600 "$me" "$target/f"'
it "only whole tokens are replaced, the rest stays as it is" \
  file_is "$work/target/f" $'@secret-value@ @@ @@x@@ a@@b:c d@@ @@app.env:KEY@\n\n'
it "the filled file has its mode" mode_is "$work/target/f" 600
step 'set -x; fill_file 0600 "$me" "$target/f"; echo "changed=$changed"; [[ $- == *x* ]]'
it "filling again changes nothing" equals changed=0 "$out"
it "a traced script does not print the value" eval '! says secret-value'
credentials app.env $'KEY=rotated\n'
step 'fill_file 0600 "$me" "$target/f"; echo "changed=$changed"'
it "a rotated secret is a change" equals changed=1 "$out"

# ---------------------------------------------------------------- wait_for, checks

fresh_root
step 'wait_for 5 test -d /; echo done'
it "wait_for returns as soon as it succeeds" equals "done" "$out"

fresh_root
step 'good() { true; }
bad() { echo reason; false; echo not reached; }
check "good thing" good
check "bad thing" bad
check_skip "other thing" "not here"
check_summary'
it "checks are numbered, a failure shows its reason and fails the script" equals \
  $'ok 1 - good thing\nnot ok 2 - bad thing\n# reason\nok 3 - other thing # SKIP not here\n1..3\n# 3 checks, 1 failed' "$out"
it "a failed check fails the script" equals 1 "$status"
step 'check "good thing" true; check_summary'
it "passed checks end well" equals 0 "$status"

# ---------------------------------------------------------------- fleet.sh, with a client that stands in for ssh

fleet() {
  mkdir -p "$work/tree/lib" "$work/tree/modules/02-base-os" "$work/bin"
  cp -- "$library"/*.sh "$work/tree/lib/"
  # The stand-in runs the command here, in a root of its own a server, as sshd would.
  cat >"$work/bin/ssh" <<'SSH'
#!/usr/bin/env bash
while [ "$1" != -- ]; do shift; done
address=$2
if [ "$address" = root@192.0.2.9 ]; then echo "no route to host" >&2; exit 255; fi
printf '%s\n' "$address" >>"$KBGEN_TEST/contacted"
command=${3//\/srv\/kb/$KBGEN_TEST/hosts/$address}
exec bash -c "$command"
SSH
  # Whatever address the machine has, none of the servers is it: nothing may run outside of $work.
  printf '#!/bin/sh\necho 127.0.0.1\n' >"$work/bin/hostname"
  chmod +x "$work/bin/ssh" "$work/bin/hostname"
  cat >"$work/tree/modules/02-base-os/apply.sh" <<SCRIPT
#!/usr/bin/env bash
set -Eeuo pipefail
here=\$(cd -- "\$(dirname -- "\${BASH_SOURCE[0]}")" && pwd)
root=/srv/kb folder=02-base-os
. "\$here/../../lib/fleet.sh"
trap 'kb_failed "\$?"' ERR
$1
SCRIPT
  shift
  rm -f -- "$work/contacted"
  KBGEN_TEST=$work PATH=$work/bin:$PATH bash "$work/tree/modules/02-base-os/apply.sh" "$@" \
    >"$work/out" 2>"$work/err" </dev/null
  status=$?
  out=$(<"$work/out")
  err=$(<"$work/err")
}

server_script() { # SERVER NAME BODY
  mkdir -p "$work/tree/servers/$1/02-base-os"
  printf '#!/usr/bin/env bash\n%s\n' "$3" >"$work/tree/servers/$1/02-base-os/$2.sh"
  chmod 0755 "$work/tree/servers/$1/02-base-os/$2.sh"
}

# PLAN.tsv with one service of a, b and the members in $1, and what stands in $2 as its gate.
plan() {
  local member
  mkdir -p "$work/tree"
  {
    printf 'server\ta\troot@192.0.2.1\t192.0.2.1\tdebian-12\nserver\tb\troot@192.0.2.2\t192.0.2.2\tdebian-12\n'
    printf 'server\tz\troot@192.0.2.9\t192.0.2.9\tdebian-12\n'
    printf 'service\tbase\tbase-os\t02\t02-base-os\t0\t%s\t-\t-\n' "${2:--}"
    for member in a b $1; do printf 'member\tbase\t%s\n' "$member"; done
  } >"$work/tree/PLAN.tsv"
}

plan ''
both='fleet_host a root@192.0.2.1; fleet_host b root@192.0.2.2; fleet_arguments "$@"'
server_script a one 'echo "a ran one" >>"$KBGEN_TEST/ran"'
server_script b one 'echo "b ran one" >>"$KBGEN_TEST/ran"'
server_script b two 'echo "b ran two" >>"$KBGEN_TEST/ran"'
fleet "$both; fleet_reach; fleet_ship; fleet_step one rolling; fleet_step two parallel; fleet_done"
it "steps run in order on the servers that have them" equals \
  $'a ran one\nb ran one\nb ran two' "$(cat "$work/ran" 2>/dev/null)"
it "scripts arrive executable" test -x "$work/hosts/root@192.0.2.1/02-base-os/one.sh"

rm -f -- "$work/ran"
fleet "$both; fleet_step one rolling; fleet_step two parallel; fleet_done" --from=two
it "--from skips what is done already" equals "b ran two" "$(cat "$work/ran" 2>/dev/null)"
fleet "$both; fleet_step one parallel; fleet_done" --from=nothing
it "--from refuses a step that does not exist" says "has no step nothing"

rm -f -- "$work/ran"
fleet "$both; fleet_step one parallel; fleet_done" --only=b
it "--only keeps to the named servers" equals "b ran one" "$(cat "$work/ran" 2>/dev/null)"
fleet "$both" --only=c
it "--only refuses a name that is no server" says "c is no server of 02-base-os"

mkdir -p "$work/tree/images/box"
echo 'FROM scratch' >"$work/tree/images/box/Dockerfile"
fleet "$both; fleet_ship"
it "build contexts of images are shipped" equals 'FROM scratch' \
  "$(cat "$work/hosts/root@192.0.2.2/images/box/Dockerfile" 2>/dev/null)"

rm -rf -- "$work/tree/servers/b/02-base-os/two.sh"
fleet "$both; fleet_ship"
it "a script that is no longer rendered does not stay behind" \
  test ! -e "$work/hosts/root@192.0.2.2/02-base-os/two.sh"

rm -f -- "$work/ran"
fleet 'fleet_host a root@192.0.2.1; fleet_host z root@192.0.2.9; fleet_reach; fleet_step one parallel'
it "an unreachable server stops everything" test ! -e "$work/ran"
it "an unreachable server is named" says "1 servers do not answer: z"

server_script a one 'echo "something is wrong"; exit 3'
rm -f -- "$work/ran"
fleet "$both; fleet_ship; fleet_step one rolling"
it "a rolling step stops at the first failure" test ! -e "$work/ran"
it "a failed step shows the server's last words" says "something is wrong"
it "a failed step says how to go on" says "--from=one"

# ---------------------------------------------------------------- gates

# A member is what $KBGEN_TEST/member.<name> says: absent (not installed), leads, follows, or the reason for a no.
for server in a b; do
  server_script "$server" gate "
    state=\$(cat \"\$KBGEN_TEST/member.$server\" 2>/dev/null || echo absent)
    echo \"$server asked \${1:-well}: \$state\" >>\"\$KBGEN_TEST/asked\"
    case \$state in
      absent) exit 10 ;;
      leads) if [ \"\${1:-}\" = --leads ]; then exit 0; fi ;;
      follows) if [ \"\${1:-}\" = --leads ]; then exit 1; fi ;;
      *) echo first; echo \"\$state\"; exit 1 ;;
    esac"
  server_script "$server" one "
    echo '$server ran one' >>\"\$KBGEN_TEST/ran\"
    if [ ! -e \"\$KBGEN_TEST/member.$server\" ]; then echo follows >\"\$KBGEN_TEST/member.$server\"; fi
    if [ -e \"\$KBGEN_TEST/breaks\" ]; then echo 'not in sync' >\"\$KBGEN_TEST/member.$server\"; fi"
done

# rolls A B: a rolling step over members in these states.
rolls() {
  rm -f -- "$work/ran" "$work/asked" "$work"/member.*
  if [ "$1" != absent ]; then echo "$1" >"$work/member.a"; fi
  if [ "$2" != absent ]; then echo "$2" >"$work/member.b"; fi
  fleet "$both; fleet_ship; fleet_step one rolling; fleet_done" --gate-timeout=0
}
ran() { cat "$work/ran" 2>/dev/null; }

plan '' 02-base-os/gate.sh
rolls leads follows
it "who leads goes last" equals $'b ran one\na ran one' "$(ran)"
it "every member is asked three times before, and once after" equals \
  $'      3 a asked a: leads\n      3 a asked b: leads\n      2 a asked well: leads' \
  "$(grep '^a asked [abw]' "$work/asked" | sort | uniq -c)"

rolls follows absent
it "who does not run goes first" equals $'b ran one\na ran one' "$(ran)"
it "whoever is missed is waited for" equals 0 "$status"

rolls absent absent
it "a first installation asks nobody whether all is well" equals '' "$(grep 'asked well' "$work/asked")"
it "a first installation installs everybody" equals $'a ran one\nb ran one' "$(ran)"

rolls follows 'replica is 9 MB behind'
it "a closed gate stops the step" equals '' "$(ran)"
it "a closed gate says whose no it is, and its last line" says "b (base): replica is 9 MB behind"

touch "$work/breaks"
rolls follows follows
rm -f -- "$work/breaks"
it "a member that is not well afterwards ends it" equals 'a ran one' "$(ran)"
it "it says what was waited for" says "all well after a: not within 0 s: a (base): not in sync"

plan z 02-base-os/gate.sh
rolls follows follows
it "an unreachable member is a no" equals '' "$(ran)"
it "an unreachable member is named" says "z (base): no route to host"

rm -f -- "$work/tree/PLAN.tsv"
rolls follows follows
it "without a plan nothing rolls" says "PLAN.tsv is not there"

nasty="it's \"x\" \$HOME \`id\` & ; *"
server_script a args 'printf "[%s]" "$@"'
fleet 'ship a root@192.0.2.1; on_host a root@192.0.2.1 02-base-os/args.sh "it'\''s \"x\" \$HOME \`id\` & ; *" ""'
it "arguments arrive as they are" equals "[$nasty][]" "$out"

server_script a validate 'echo "ok 1 - x"; echo "not ok 2 - y"; echo "# why"; echo "1..2"; exit 1'
server_script b validate 'echo "ok 1 - x"; exit 1'
fleet "$both; fleet_ship; fleet_validate validate"
it "a validation shows what failed, on which server, and why" equals \
  $'a: not ok 2 - y\na: # why\na: 1..2\nb: the suite did not end: ok 1 - x\n02-base-os: 2 servers, 3 checks, 2 passed (0 of them skipped), 2 servers failed' "$out"
it "a failed validation fails" equals 1 "$status"

printf '1..%d\n' "$tests"
[ "$failures" -eq 0 ]
