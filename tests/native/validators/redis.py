"""Redis and Sentinel: every directive is one of the pinned version's, and the programs read the files and go by them."""

import os
import re
import resource
import shlex
from pathlib import Path

from validator import HERE, PATH, Validator, each, filled, lay_out, run, said, sandbox, scratch, write_credentials

KEYS = HERE.parents[1] / "templates" / "04-redis-ha" / "keys"
# What Redis shows otherwise than it was written.
SHOWN_OTHERWISE = {"client-output-buffer-limit", "notify-keyspace-events", "oom-score-adj-values", "requirepass"}
# What only the member itself learns.
LEARNED = {"replicaof", "slaveof", "user"}


def catalogue(name):
    rows = [dict(zip(("key", "type", "default", "allowed", "context", "since", "removed", "note"), line.split("\t")))
            for line in (KEYS / name).read_text().splitlines()[1:]]
    return {(row["key"], row["context"] if name.startswith("redis-sentinel") else ""): row for row in rows}


def directives(text):
    """[(directive, [argument…])]: a line each, quotes taken off."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            name, *arguments = shlex.split(line)
        except ValueError as error:
            raise RuntimeError(f"line {number}: {error}") from None
        found.append((name.lower(), arguments))
    return found


def plain(arguments):
    """Arguments as Redis shows them: amounts of memory in bytes."""
    amount = re.fullmatch(r"(\d+)([kmg])(b?)", " ".join(arguments).lower())
    if not amount:
        return " ".join(arguments)
    return str(int(amount[1]) * (1024 if amount[3] else 1000) ** ("kmg".index(amount[2]) + 1))


def version():
    return tuple(map(int, re.search(r"v=(\d+)\.(\d+)", run("redis-server", "--version").stdout).groups()))


def newer(row):
    """Whether a directive is younger than the program that judges here."""
    since = re.fullmatch(r"(\d+)\.(\d+).*", row.get("since") or "")
    return bool(since) and tuple(map(int, since.groups())) > version()


class Server(Validator):
    """What redis-server and redis-sentinel have in common."""

    root = True
    programs = {"redis-server": "redis-server", "redis-sentinel": "redis-sentinel", "redis-cli": "redis-tools",
                "setpriv": "util-linux"}

    def key(self, artifact):
        return artifact.path  # each member listens on its own address

    def failures(self, tree, artifacts):
        self.notes.append("read by Redis " + ".".join(map(str, version())))

        def judge(artifact):
            found = directives(artifact.text)
            wrong = self.unknown(found) or self.unsafe(found)
            if wrong:
                return wrong
            with scratch() as folder:
                return self.start(tree, artifact, Path(folder))

        return each(artifacts, judge)

    def unsafe(self, found):
        given = dict(found)
        if not given.get("requirepass", [""])[0]:
            return "anybody may enter: there is no requirepass"
        if given.get("bind", ["*"])[0].strip("-") in ("*", "0.0.0.0", "::"):
            return "it listens everywhere: there is no bind"
        return ""

    def run_it(self, program, text, artifact, folder, questions):
        """Starts the program on the text, and gives the answers to the questions, one line each."""
        given = dict(directives(text))
        data = folder / "data"
        data.mkdir(mode=0o777)
        data.chmod(0o777)
        (data / artifact.name).write_text(re.sub(r"(?m)^dir .*$", f"dir {data}", text))
        (data / artifact.name).chmod(0o666)
        result = sandbox(folder, [given["bind"][0]], "bash", "-c", START, "start", program, data / artifact.name,
                         given["bind"][0], given["port"][0], input="\n".join(questions) + "\n",
                         env={**os.environ, "PATH": PATH, "REDISCLI_AUTH": given["requirepass"][0]})
        if result.returncode != 0:
            raise RuntimeError(said(result))
        if given["requirepass"][0] in result.stderr:
            raise RuntimeError("its log holds its password")
        return result.stdout.split("\n--\n")


# As a user who may do nothing else, as in the container; without a password it must not answer.
START = r"""
program=$1 file=$2 address=$3 port=$4
setpriv --reuid=65534 --regid=65534 --clear-groups "$program" "$file" >&2 &
daemon=$!
for _ in $(seq 50); do
  if ! kill -0 "$daemon" 2>/dev/null; then wait "$daemon"; exit 1; fi
  if [ "$(redis-cli -h "$address" -p "$port" PING 2>/dev/null)" = PONG ]; then
    if [[ $(REDISCLI_AUTH='' redis-cli -h "$address" -p "$port" PING) != NOAUTH* ]]; then
      echo "it answers without a password" >&2
      exit 1
    fi
    while read -r question; do
      redis-cli -h "$address" -p "$port" $question
      echo --
    done
    kill -TERM "$daemon"
    exit 0
  fi
  sleep 0.1
done
echo "no answer on $address:$port" >&2
exit 1
"""


class RedisConf(Server):
    name = "redis-conf"

    def accepts(self, artifact):
        return artifact.name == "redis.conf"

    def unknown(self, found):
        known = {key: row for (key, _), row in catalogue("redis-7.2.5.tsv").items()}
        for name, arguments in found:
            if name in LEARNED:
                return f"`{name}` is learned, and not rendered"
            if name not in known:
                return f"`{name}` is no directive of Redis 7.2.5"
            row = known[name]
            choices = row["allowed"].split("|") if row["type"] in ("bool", "enum") and "multi" not in row["note"] else []
            if choices and arguments[0].lower() not in choices:
                return f"`{name}` is one of {row['allowed']}, not {arguments[0]}"
        return ""

    def start(self, tree, artifact, folder):
        folder.chmod(0o755)
        write_credentials(tree, folder / "credentials")
        here = lay_out(tree, artifact, folder / "root")
        text = self.for_version(filled(folder, here, folder / "credentials", artifact.host_path))
        wanted = [(n, a) for n, a in directives(text) if n not in SHOWN_OTHERWISE and n not in ("dir", "save")]
        answers = self.run_it("redis-server", text, artifact, folder, [f"CONFIG GET {name}" for name, _ in wanted])
        for (name, arguments), answer in zip(wanted, answers):
            _, _, shown = answer.strip("\n").partition("\n")
            if name == "maxclients" and int(arguments[0]) + 32 > resource.getrlimit(resource.RLIMIT_NOFILE)[1]:
                self.notes.append("maxclients is more than this machine's open files")
            elif shown.strip() != plain(arguments):
                return f"`{name}` is {' '.join(arguments)} in the file, and {shown.strip()} for Redis"
        return ""

    def for_version(self, text):
        known = {key: row for (key, _), row in catalogue("redis-7.2.5.tsv").items()}
        kept = []
        for line in text.splitlines():
            name = line.split(" ")[0]
            if name in known and newer(known[name]):
                self.notes.append(f"without {name} (of {known[name]['since']})")
                continue
            kept.append(line)
        return "\n".join(kept) + "\n"


class SentinelConf(Server):
    name = "sentinel-conf"

    def accepts(self, artifact):
        return artifact.name == "sentinel.conf"

    def unknown(self, found):
        known = catalogue("redis-sentinel-7.2.5.tsv")
        for name, arguments in found:
            row = known.get((arguments[0], "sentinel <directive>") if name == "sentinel" else (name, "sentinel.conf top level"))
            if row is None:
                return f"`{name} {arguments[0]}` is no directive of Sentinel 7.2.5"
            if row["type"] == "state" or (name, arguments[0]) == ("sentinel", "monitor"):
                return f"`{name} {arguments[0]}` is learned, and not rendered"
        return ""

    def start(self, tree, artifact, folder):
        folder.chmod(0o755)
        write_credentials(tree, folder / "credentials")
        here = lay_out(tree, artifact, folder / "root")
        text = filled(folder, here, folder / "credentials", artifact.host_path)
        of_master = {a[0]: a for n, a in directives(text) if n == "sentinel" and len(a) == 3}
        masters = {a[1] for a in of_master.values()}
        if len(masters) != 1:
            return f"it speaks of {len(masters)} masters: {sorted(masters)}"
        master = masters.pop()
        address = dict(directives(text))["bind"][0]
        # What redis-member adds when it puts the file together.
        first = re.search(r"(?m)^sentinel auth-pass ", text).start()
        text = f"{text[:first]}sentinel monitor {master} {address} 1 1\n{text[first:]}"
        answer = self.run_it("redis-sentinel", text, artifact, folder, [f"SENTINEL MASTER {master}"])[0].splitlines()
        shown = dict(zip(answer[::2], answer[1::2]))
        for name, (_, _, value) in of_master.items():
            if name in shown and shown[name] != value:
                return f"`{name}` is {value} in the file, and {shown[name]} for Sentinel"
        return ""
