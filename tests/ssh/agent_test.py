#!/usr/bin/env python3
"""The agent (lib/agent.sh) over real SSH: every request, and what happens to connections, disks and other runners
while it works. The servers have nothing but bash, coreutils, tar and sshd."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time

from estate import CONFIG, ROOT, SERVICE, Failed, main

FOLDER = f"50-{SERVICE}"
CUTS = 24  # places in a transfer where the connection ends


class Agent:
    """A connection to a server's agent, as runners make them."""

    def __init__(self, estate, name, greet=True):
        self.estate, self.name, self.requests, self.done, self.lines = estate, name, 0, {}, {}
        text = (estate.tree / "lib/agent.sh").read_bytes()
        start = f"exec bash -c 'eval \"$(head -c {len(text)})\"' kbgen-agent {ROOT}"
        self.process = estate.start(["ssh", "-F", CONFIG, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
                                     f"root@{estate.ip(name)}", start])
        self.write(text)
        if greet:
            self.ok("hello")

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, line, payload=b""):
        self.requests += 1
        tag = f"t.{self.requests}"
        self.write(f"{tag} {line}\n".encode() + payload)
        return tag

    def answer(self, tag):
        """(status, lines without the tag); reads what others are told on the way."""
        while tag not in self.done:
            line = self.process.stdout.readline()
            if not line:
                return None, self.lines.get(tag, [])
            if len(line) > 4000 or not line.endswith(b"\n"):
                raise Failed(f"not a line of the protocol: {line[:80]!r}")
            told, _, text = line.decode().rstrip("\n").partition(" ")
            if text.startswith("done "):
                self.done[told] = int(text[5:])
            else:
                self.lines.setdefault(told, []).append(text)
        return self.done[tag], self.lines.get(tag, [])

    def request(self, line, payload=b""):
        return self.answer(self.ask(line, payload))

    def ok(self, line, payload=b""):
        status, lines = self.request(line, payload)
        if status != 0:
            raise Failed(f"{self.name}: {line}: {status}\n" + "\n".join(lines))
        return lines

    def refused(self, what, line, payload=b"", why=""):
        status, lines = self.request(line, payload)
        if not status or why not in "\n".join(lines):
            raise Failed(f"{self.name}: {what} was not refused: {status} {lines}")

    def lock(self, run):
        """Also while a server has not yet noticed that the connection before is gone."""
        self.estate.poll(10, lambda: self.request(f"lock {run}")[0] == 0, f"{self.name}: the lock is free")

    def hello(self):
        """word -> what hello says, a list for those that come more than once."""
        told = {"receipt": {}, "running": []}
        for line in self.ok("hello"):
            _, word, *rest = line.split(" ")
            if word == "receipt":
                told["receipt"][rest[0], rest[1]] = (rest[2], rest[3])
            elif word == "running":
                told["running"].append(tuple(rest))
            else:
                told[word] = " ".join(rest)
        return told

    def close(self):
        self.ok("bye")
        self.process.stdin.close()
        return self.process.wait(10)

    def kill(self):
        """The runner's machine is gone, as far as the server can tell."""
        self.estate.kill(self.process)
        self.process.wait(10)


class Generation:
    """What is shipped to a server: its tar, its id. `more` are files besides those of the tree."""

    def __init__(self, estate, name, more=None):
        files = {}
        for below, prefix in ((estate.tree / "servers" / name, ""), (estate.tree / "lib", "lib/")):
            for path in below.rglob("*"):
                if path.is_file():
                    files[prefix + str(path.relative_to(below))] = (path.read_bytes(), path.stat().st_mode & 0o111)
        files |= {path: (data, 0) for path, data in (more or {}).items()}
        lines = "".join(f"{'0755' if runs else '0644'} {hashlib.sha256(data).hexdigest()}  {path}\n"
                        for path, (data, runs) in sorted(files.items(), key=lambda item: item[0].encode()))
        self.id = hashlib.sha256(lines.encode()).hexdigest()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for path, (data, runs) in files.items():
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(data), 0o755 if runs else 0o644
                tar.addfile(entry, io.BytesIO(data))
        self.tar = packed.getvalue()

    def line(self, identity=None):
        return f"ship {identity or self.id[:16]} {len(self.tar)}"


def run_line(step, run="r1", folder=FOLDER, inputs="aa", tree="bb", arguments=""):
    return f"run {run} {folder} {step} {inputs} {tree}{arguments}"


def test(estate):
    one, two, three = estate.names
    lives_with_fleet(estate, two)  # which wants a whole server
    estate.host(three).run(["mkdir", "-p", ROOT])
    estate.host(three).run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", ROOT])
    for name in estate.names:
        estate.strip(name)
    for case in (greets, ships, survives_cuts, has_credentials, runs_steps, outlives_connections, holds_one_run,
                 goes_back, sees_drift, looks_before, refuses_nonsense):
        case(estate, one)
        estate.say(case.__name__)
    fills_the_disk(estate, three)
    estate.say("fills_the_disk")
    takes_one_stale_lock_over(estate, two)
    estate.say("takes_one_stale_lock_over")


def greets(estate, name):
    agent = Agent(estate, name)
    told = agent.hello()
    estate.same("generation of an untouched server", "-", told["generation"])
    estate.same("its name", name, told["host"])
    estate.same("its system", "debian", told["os"].partition("-")[0])
    estate.same("status of the connection", 0, agent.close())
    estate.same("what looking has left", False, estate.host(name).path(ROOT).exists())


def ships(estate, name):
    host, first = estate.host(name), Generation(estate, name)
    agent = Agent(estate, name)
    agent.refused("shipping without the lock", first.line(), first.tar, "lock it first")
    agent.ok("lock r1")
    agent.refused("another content", first.line("0" * 16), first.tar, "is not generation")
    estate.same("what that left", [], [p.name for p in host.path(ROOT + "/generations").iterdir()])
    agent.ok(first.line(), first.tar)
    estate.same("generation", first.id[:16], agent.hello()["generation"])
    for path in ("lib/host.sh", f"{FOLDER}/write.sh", f"{FOLDER}/etc/{SERVICE}/ledger.conf"):
        source = path if path.startswith("lib/") else f"servers/{name}/{path}"
        estate.same(path, (estate.tree / source).read_bytes(), host.path(f"{ROOT}/{path}").read_bytes())
    estate.same("links", {"lib": "current/lib", FOLDER: f"current/{FOLDER}"},
                {link: os.readlink(host.path(f"{ROOT}/{link}")) for link in ("lib", FOLDER)})
    estate.same("modes", ("755", "644"), tuple(
        format(host.path(f"{ROOT}/{path}").stat().st_mode & 0o7777, "o") for path in (f"{FOLDER}/write.sh", "lib/host.sh")))
    agent.ok(first.line(), first.tar)
    link = tarfile.TarInfo(f"{FOLDER}/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(link)
    agent.refused("a link", f"ship {'1' * 16} {len(packed.getvalue())}", packed.getvalue(), "no regular file")
    agent.refused("a name", f"ship {'1' * 16} {len(odd())}", odd(), "not allowed")
    estate.same("generation after what was refused", first.id[:16], agent.hello()["generation"])
    agent.close()


def odd():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"{FOLDER}/two\nlines"))
    return packed.getvalue()


def survives_cuts(estate, name):
    """The connection ends in the middle of a transfer, at many places, in three ways."""
    host, old = estate.host(name), Generation(estate, name)
    new = Generation(estate, name, {f"{FOLDER}/etc/big": os.urandom(300_000)})
    for number in range(CUTS):
        place = len(new.tar) * number // CUTS
        agent = Agent(estate, name)
        agent.lock("r1")
        agent.write(f"t.x {new.line()}\n".encode() + new.tar[:place])
        if number % 3 == 0:
            agent.kill()
        elif number % 3 == 1:
            agent.process.stdin.close()
            agent.process.wait(10)
        else:
            estate.kill_sshd(name)
            agent.process.wait(10)
            estate.start_sshd(name)
        again = Agent(estate, name)
        estate.same(f"generation after a cut at byte {place}", old.id[:16], again.hello()["generation"])
        again.kill()
    agent = Agent(estate, name)
    agent.lock("r2")
    agent.ok(new.line(), new.tar)
    estate.same("generation", new.id[:16], agent.hello()["generation"])
    kept = sorted(path.name for path in host.path(ROOT + "/generations").iterdir())
    estate.same("what lies there", sorted([old.id[:16], new.id[:16], old.id[:16] + ".sums", new.id[:16] + ".sums"]), kept)
    agent.ok(old.line(), old.tar)
    agent.close()


def has_credentials(estate, name):
    host = estate.host(name)
    agent = Agent(estate, name)
    payload = f"@ {FOLDER} book.env BOOK_TOKEN\nbook.env BOOK_TOKEN=geheim ' \"$x\nbook.env OTHER=b\nmore.env KEY=c\n".encode()
    line = f"credentials {len(payload)}"
    agent.refused("credentials without the lock", line, payload, "lock it first")
    estate.same("what that left", False, host.path(ROOT + "/credentials").exists())
    agent.ok("lock r1")
    agent.ok(line, payload)
    folder = host.path(ROOT + "/credentials")
    estate.same("a file", "BOOK_TOKEN=geheim ' \"$x\nOTHER=b\n", (folder / "book.env").read_text())
    estate.same("modes", ["700", "600", "600"],
                [format(p.stat().st_mode & 0o777, "o") for p in (folder, folder / "book.env", folder / "more.env")])
    # What somebody else has put there stays; what the agent wrote and is no longer wanted goes.
    (folder / "mine.env").write_text("X=y\n")
    payload = f"@ {FOLDER} book.env BOOK_TOKEN\nbook.env BOOK_TOKEN=other\n".encode()
    agent.ok(f"credentials {len(payload)}", payload)
    estate.same("files", ["book.env", "mine.env"], sorted(p.name for p in folder.iterdir()))
    estate.same("the file", "BOOK_TOKEN=other\n", (folder / "book.env").read_text())
    before = (folder / "book.env").stat().st_ino
    agent.ok(f"credentials {len(payload)}", payload)
    estate.same("a file that is right is left alone", before, (folder / "book.env").stat().st_ino)
    for bad in (b"book.env BOOK_TOKEN=a\tb\n", b"../x KEY=v\n", b"book.env BOOK_TOKEN=cut", b"nonsense\n", b"a b c\n"):
        agent.refused(repr(bad), f"credentials {len(bad)}", bad, "neither")
    # The install host has its own.
    host.write(ROOT + "/state/journal.jsonl", "")
    agent.refused("an install host", f"credentials {len(payload)}", payload, "nothing is written there")
    host.path(ROOT + "/state/journal.jsonl").unlink()
    # Secrets pass through this server, and through nothing that others can look at.
    value = "canary-" + os.urandom(8).hex()
    payload = f"@ {FOLDER} book.env BOOK_TOKEN\nbook.env BOOK_TOKEN={value}\n".encode()
    watch = subprocess.Popen(["bash", "-c", 'while true; do cat /proc/[0-9]*/{cmdline,environ} 2>/dev/null; done'],
                             stdout=subprocess.PIPE)
    os.set_blocking(watch.stdout.fileno(), False)
    seen, stop = b"", time.monotonic() + 1.5
    agent.ok(f"credentials {len(payload)}", payload)
    tag = agent.ask(run_line("write"))
    while time.monotonic() < stop:
        seen += watch.stdout.read() or b""
        time.sleep(0.005)
    watch.kill()
    estate.same("status of the step", 0, agent.answer(tag)[0])
    estate.same("the watcher saw the agent", True, b"kbgen-agent" in seen)
    estate.same("the secret in a command line or environment", False, value.encode() in seen)
    found = host.run(["bash", "-c", f"shopt -s globstar; for f in {ROOT}/logs/** {ROOT}/state/**; do "
                                    f"[ ! -f \"$f\" ] || [[ $(<\"$f\") != *{value}* ]] || echo \"$f\"; done"])
    estate.same("files that hold the secret", "", found.stdout)
    agent.close()


def runs_steps(estate, name):
    agent = Agent(estate, name)
    agent.refused("a step without the lock", run_line("prepare"), why="lock it first")
    agent.ok("lock r1")
    estate.order(name, f"{SERVICE}.prepare", "say 3")
    lines = agent.ok(run_line("prepare"))
    estate.same("output", [f"out line {n} of 3" for n in (1, 2, 3)], lines)
    estate.same("receipt", ("aa", "1"), agent.hello()["receipt"][FOLDER, "prepare"])
    text = estate.host(name).read(f"{ROOT}/state/receipts/{FOLDER}/prepare").splitlines()
    estate.same("its words", ["input", "credentials", "ended", "run", "tree", "took"], [line.split()[0] for line in text])
    # A value that it reads has changed since, so the receipt no longer counts; also after somebody's editor.
    agent.ok(run_line("write"))
    estate.same("receipt", "1", agent.hello()["receipt"][FOLDER, "write"][1])
    file = estate.host(name).path(f"{ROOT}/credentials/book.env")
    before = file.read_text()
    file.write_text("BOOK_TOKEN=changed\n")
    estate.same("receipt after a change of a secret", "0", agent.hello()["receipt"][FOLDER, "write"][1])
    file.write_text(before)
    estate.same("receipt with the old secret", "1", agent.hello()["receipt"][FOLDER, "write"][1])
    # A failure takes the receipt away, from the moment that the step begins.
    estate.order(name, f"{SERVICE}.prepare", "fail no reason")
    status, lines = agent.request(run_line("prepare", inputs="cc"))
    estate.same("status", 1, status)
    estate.same("the reason is told", True, any("no reason" in line for line in lines))
    estate.same("receipt", None, agent.hello()["receipt"].get((FOLDER, "prepare")))
    estate.order(name, f"{SERVICE}.prepare")
    # Beside each other: a long step, and questions meanwhile.
    estate.order(name, f"{SERVICE}.once", "wait /srv/orders/go")
    long = agent.ask(run_line("once"))
    for number in range(3):
        estate.same("an exec meanwhile", 0, agent.request(f"exec r1 {FOLDER} validate")[0])
    estate.same("status of a second step", 75, agent.request(run_line("prepare"))[0])
    estate.same("it still runs", [(FOLDER, "once", "r1")], agent.hello()["running"])
    new = Generation(estate, name, {"lib/new": b"x"})
    agent.refused("other files while a step runs", new.line(), new.tar, "still runs")
    estate.host(name).write("/srv/orders/go", "")
    estate.same("the long step", 0, agent.answer(long)[0])
    estate.host(name).path("/srv/orders/go").unlink()
    estate.order(name, f"{SERVICE}.once")
    # Arguments arrive as they were, an exec leaves no receipt, long output comes whole and in order.
    before = len(estate.ledger(name, f"{SERVICE}.exercise"))
    estate.order(name, f"{SERVICE}.exercise", "say 4000")
    lines = agent.ok(f"exec r1 {FOLDER} exercise %27a%20b%5Cn%24%28x%29 --yes=c/d")
    estate.same("lines", [f"out line {n} of 4000" for n in range(1, 4001)], lines)
    estate.same("receipt of an exec", None, agent.hello()["receipt"].get((FOLDER, "exercise")))
    estate.same("runs", before + 2, len(estate.ledger(name, f"{SERVICE}.exercise")))
    # Signals that a runner ignores are none of the step's business, but HUP is what a lost line sends.
    agent.close()
    estate.same("left by all that", [], [p.name for p in estate.host(name).path(ROOT + "/state").iterdir()
                                         if p.name.startswith("exec") or p.name.endswith(".new")])


def outlives_connections(estate, name):
    """The line is cut while a step runs, sshd is killed: the step ends well, once, and its output is there."""
    for number, cut in enumerate((lambda a: a.kill(), lambda a: estate.kill_sshd(name), lambda a: a.process.stdin.close())):
        step = f"{SERVICE}.prepare"
        before = estate.runs(name, step)
        estate.order(name, step, "say 2", "wait /srv/orders/go", "say 1")
        agent = Agent(estate, name)
        agent.lock(f"x{number}")
        agent.ask(run_line("prepare", run=f"x{number}", inputs=f"e{number}"))
        estate.poll(10, lambda: estate.runs(name, step) == before + 1, "it runs")
        cut(agent)
        if number == 1:
            estate.start_sshd(name)
        again = Agent(estate, name)
        again.lock("y")
        estate.same("what still runs", [(FOLDER, "prepare", f"x{number}")], again.hello()["running"])
        tag = again.ask(run_line("prepare", run="y", inputs=f"e{number}"))
        estate.host(name).write("/srv/orders/go", "")
        status, lines = again.answer(tag)
        estate.same("status of the step that was joined", 0, status)
        estate.same("its output", ["out line 1 of 2", "out line 2 of 2", "out line 1 of 1"], lines)
        estate.same("runs", before + 1, estate.runs(name, step))
        estate.same("receipt", (f"e{number}", "1"), again.hello()["receipt"][FOLDER, "prepare"])
        estate.host(name).path("/srv/orders/go").unlink()
        again.close()
    # It ends between hello and run: it must not run twice.
    estate.order(name, step, "wait /srv/orders/go")
    agent = Agent(estate, name)
    agent.ok("lock z")
    before = estate.runs(name, step)
    agent.ask(run_line("prepare", inputs="f0"))
    estate.poll(10, lambda: estate.runs(name, step) == before + 1, "it runs")
    agent.kill()
    again = Agent(estate, name)
    again.lock("y")
    estate.same("running", 1, len(again.hello()["running"]))
    estate.host(name).write("/srv/orders/go", "")
    estate.poll(10, lambda: estate.host(name).path(f"{ROOT}/state/receipts/{FOLDER}/prepare").exists(), "it has ended")
    again.ok(run_line("prepare", run="y", inputs="f0"))
    estate.same("runs", before + 1, estate.runs(name, step))
    estate.host(name).path("/srv/orders/go").unlink()
    # A step that was killed is no success.
    estate.order(name, step, "sleep 60")
    tag = again.ask(run_line("prepare", inputs="f1"))
    estate.poll(10, lambda: estate.runs(name, step) == before + 2, "it runs")
    job = estate.host(name).read(f"{ROOT}/state/running").split(".")[0]
    estate.host(name).run(["bash", "-c", f"kill -KILL -- -{job}"])
    estate.same("status of a step that was killed", 137, again.answer(tag)[0])
    estate.same("its receipt", None, again.hello()["receipt"].get((FOLDER, "prepare")))
    estate.order(name, step)
    again.ok(run_line("prepare"))
    again.close()


def holds_one_run(estate, name):
    first, second = Agent(estate, name), Agent(estate, name)
    first.ok("lock alpha")
    second.refused("a second run", "lock beta", why="another run goes on here: alpha")
    first.ok("unlock")
    second.ok("lock beta")
    second.kill()
    third = Agent(estate, name)
    third.lock("gamma")
    estate.same("what looks may do without it", 0, first.request("hello")[0])
    first.close()
    third.close()
    estate.same("the lock afterwards", False, os.path.lexists(estate.host(name).path(ROOT + "/state/host.lock")))


def takes_one_stale_lock_over(estate, name):
    """Many at once want the lock of a process that is gone: exactly one gets it, every time."""
    agents = [Agent(estate, name) for _ in range(6)]
    host = estate.host(name)
    host.run(["mkdir", "-p", ROOT + "/state"])
    boot = host.read("/proc/sys/kernel/random/boot_id").strip()
    for number in range(8):
        host.run(["ln", "-sfT", f"99999{number}.1.{boot}:dead", ROOT + "/state/host.lock"])
        tags = [agent.ask("lock r") for agent in agents]
        estate.same("who got it", 1, sum(agent.answer(tag)[0] == 0 for agent, tag in zip(agents, tags)))
        for agent in agents:
            agent.ok("unlock")
    estate.same("what is left", [], [p.name for p in host.path(ROOT + "/state").iterdir() if "lock" in p.name])
    for agent in agents:
        agent.close()


def goes_back(estate, name):
    host = estate.host(name)
    agent = Agent(estate, name)
    agent.ok("lock r1")
    made = [Generation(estate, name, {"lib/number": str(number).encode()}) for number in range(4)]
    for generation in made:
        agent.ok(generation.line(), generation.tar)
    kept = {p.name for p in host.path(ROOT + "/generations").iterdir() if len(p.name) == 16}
    estate.same("the three newest stay", {g.id[:16] for g in made[1:]}, kept)
    agent.ok(f"switch {made[1].id[:16]}")
    estate.same("what is there", "1", host.read(ROOT + "/lib/number"))
    agent.refused("one that is gone", f"switch {made[0].id[:16]}", why="is not here")
    host.write(f"{ROOT}/generations/{made[2].id[:16]}/lib/number", "spoilt")
    agent.refused("one that was spoilt", f"switch {made[2].id[:16]}", why="is not what it was")
    agent.ok(made[2].line(), made[2].tar)
    estate.same("shipped anew", "2", host.read(ROOT + "/lib/number"))
    script = f"{ROOT}/{FOLDER}/prepare.sh"
    whole = host.read(script)
    host.path(script).write_text(whole + "# more\n")
    agent.refused("a script that is not what was shipped", run_line("prepare"), why="is not what was shipped")
    host.path(script).write_text(whole)
    agent.ok(run_line("prepare"))
    agent.close()


def lives_with_fleet(estate, name):
    """lib/fleet.sh and the agent ship to one server, in turns."""
    host, here = estate.host(name), Generation(estate, name)
    ship = f'here=$PWD/modules/{FOLDER} root={ROOT} folder={FOLDER}; . lib/fleet.sh; ship {name} root@{estate.ip(name)}'
    agent = Agent(estate, name)
    agent.ok("lock r1")
    agent.ok(here.line(), here.tar)
    for turn in range(2):
        estate.run(["bash", "-euc", ship])
        estate.same("a folder, not a link", False, host.path(f"{ROOT}/{FOLDER}").is_symlink())
        estate.same("generation", "-", agent.hello()["generation"])
        agent.refused("a step of a generation that is not there", run_line("prepare"), why="nothing was shipped")
        agent.ok(here.line(), here.tar)
        estate.same("generation", here.id[:16], agent.hello()["generation"])
        aside = host.path(f"{ROOT}/generations/{here.id[:16]}-before")
        estate.same("put aside", [FOLDER], [p.name for p in aside.iterdir() if p.name == FOLDER])
    agent.close()


def sees_drift(estate, name):
    host = estate.host(name)
    agent = Agent(estate, name)
    agent.ok("lock r1")
    agent.ok(run_line("write"))
    conf, env = f"/etc/{SERVICE}/ledger.conf", f"/etc/{SERVICE}/ledger.env"
    code = f"/usr/local/lib/{SERVICE}/orders.sh"
    rows = f"0644 root:root {conf}\n0600 0:0 {env}\n0644 0:0 {code}\n".encode()
    ask = f"drift {FOLDER} {len(rows)}"
    estate.same("drift", {f"out same {path}" for path in (conf, env, code)}, set(agent.ok(ask, rows)))
    estate.same("without rows", {f"out same {path}" for path in (conf, env, code)}, set(agent.ok(f"drift {FOLDER}")))
    host.path(conf).chmod(0o600)
    whole = host.read(env)
    host.path(env).write_text(whole.replace("LEDGER_TOKEN=", "LEDGER_TOKEN=x"))
    host.path(code).unlink()
    estate.same("drift", {f"out mode {conf}", f"out differs {env}", f"out missing {code}"}, set(agent.ok(ask, rows)))
    agent.ok(run_line("write"))
    estate.same("drift", {f"out same {path}" for path in (conf, env, code)}, set(agent.ok(ask, rows)))
    agent.close()


def looks_before(estate, name):
    host = estate.host(name)
    agent = Agent(estate, name)
    told = agent.hello()
    host.run(["mkdir", "-p", "/srv/empty", "/srv/full"])
    host.write("/srv/full/x", "")
    estate.host("node-03").cut()
    rows = [("os", told["os"]), ("host", name), ("mount", "/proc"), ("mount", "/srv/empty"), ("space", "1"),
            ("clock", str(int(time.time()))), ("port", "7070", "tcp", "book"), ("port", "22", "tcp", "nobody"),
            ("peer", estate.ip("node-02"), "22", "ssh"), ("peer", estate.ip("node-02"), "7070", "book")]
    began = time.monotonic()
    status, lines = preflight(agent, rows)
    if status != 0 or any(line.startswith("bad") for line in lines):
        raise Failed(f"preflight of a good server: {status}\n" + "\n".join(lines))
    for wrong, why in ((("os", "ubuntu-24.04"), "what the inventory says"), (("host", "other"), "is the address right?"),
                       (("mount", "/srv/full"), "things lie in the folder"), (("space", str(10**12)), "are needed"),
                       (("clock", str(int(time.time()) - 500)), "s off"),
                       (("peer", estate.ip("node-03"), "7070", "book"), "does not reach")):
        status, lines = preflight(agent, [wrong])
        if status != 1 or not any(line.startswith("bad") and why in line for line in lines):
            raise Failed(f"preflight: {wrong}: {status}\n" + "\n".join(lines))
    many = [("peer", estate.ip("node-03"), str(port), "book") for port in range(7000, 7040)]
    status, lines = preflight(agent, many)
    estate.same("silent peers", 40, sum("does not reach" in line for line in lines))
    if time.monotonic() - began > 40:
        raise Failed("the preflight takes longer than it may")
    estate.host("node-03").mend()
    # A port that somebody else holds, or the service itself.
    holder = host.start(["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/estate_config", "-p", "7070"], name="holder")
    host.run(["cp", "/usr/sbin/sshd", "/usr/sbin/thief"])
    thief = host.start(["/usr/sbin/thief", "-D", "-e", "-f", "/etc/ssh/estate_config", "-p", "7071"], name="thief")
    for port, service, word in (("7070", SERVICE, "ok"), ("7071", SERVICE, "ok"), ("7071", "stranger", "bad")):
        estate.poll(10, lambda: preflight(agent, [("port", port, "tcp", service)])[1][0].startswith(word + " "),
                    f"port {port} for {service}: {word}")
    for process in (holder, thief):
        process.kill(signal.SIGKILL)
    agent.close()


def preflight(agent, rows):
    payload = "".join("\t".join(row) + "\n" for row in rows).encode()
    return agent.request(f"preflight {len(payload)}", payload)


def refuses_nonsense(estate, name):
    for line in ("run r1 ../x y aa bb", "run r1 50-book .hidden aa bb", "run r1 50-book nothing aa bb",
                 f"run r1 {FOLDER} prepare xyz bb", f"exec r1 {FOLDER} prepare %zz", "switch /etc", "drift ../etc",
                 "lock ../x", f"here r1 {FOLDER} report aa bb /nowhere"):
        agent = Agent(estate, name)
        if not line.startswith("lock"):
            agent.ok("lock r1")
        agent.refused(line, line)
        estate.same("the connection goes on", 0, agent.request("hello")[0])
        agent.close()
    for line in ("nonsense", "hello twice", "ship aa many", "credentials -1", "preflight 99999999999999999999"):
        agent = Agent(estate, name)
        status, _ = agent.request(line)
        estate.same(f"{line}: refused", True, status in (None, 2))
        estate.same(f"{line}: the connection ends", 0, agent.process.wait(10))
    # Half a request is none.
    agent = Agent(estate, name)
    agent.ok("lock r1")
    before = estate.runs(name, f"{SERVICE}.prepare")
    agent.write(f"t.9 {run_line('prepare')}".encode())
    agent.process.stdin.close()
    agent.process.wait(10)
    estate.same("runs of half a request", before, estate.runs(name, f"{SERVICE}.prepare"))


def fills_the_disk(estate, name):
    """The disk of a server, of one MiB, is full: what was there stays, and works again when there is room."""
    host = estate.host(name)
    agent = Agent(estate, name)
    agent.ok("lock r1")
    first = Generation(estate, name)
    agent.ok(first.line(), first.tar)
    large = Generation(estate, name, {"lib/large": os.urandom(2_000_000)})
    agent.refused("more than fits", large.line(), large.tar, "tar:")
    estate.same("generation", first.id[:16], agent.hello()["generation"])
    estate.same("what is left of it", [], [p.name for p in host.path(ROOT + "/generations").iterdir() if "incoming" in p.name])
    agent.ok(run_line("prepare"))
    # A step fills the disk to the last byte, and fails with it; nothing says that it was done.
    estate.order(name, f"{SERVICE}.prepare", f"fill {ROOT}/full")
    status, lines = agent.request(run_line("prepare", inputs="cc"))
    if not status:
        raise Failed(f"a step on a full disk: {status} {lines}")
    estate.same("receipt", None, agent.hello()["receipt"].get((FOLDER, "prepare")))
    estate.order(name, f"{SERVICE}.prepare")
    status, lines = agent.request(run_line("prepare", inputs="cc"))
    estate.same("status of a step whose receipt cannot be written", True, status not in (0, None))
    estate.same("receipt", None, agent.hello()["receipt"].get((FOLDER, "prepare")))
    payload = f"book.env BOOK_TOKEN={'x' * 5000}\n".encode()
    agent.refused("credentials on a full disk", f"credentials {len(payload)}", payload, "cannot write")
    host.path(ROOT + "/full").unlink()
    agent.ok(run_line("prepare", inputs="cc"))
    estate.same("receipt", ("cc", "1"), agent.hello()["receipt"][FOLDER, "prepare"])
    agent.close()


sys.exit(main(test))
