#!/usr/bin/env python3
"""What goes wrong on the way: keys, servers that are not there, other runners, Ctrl-C, power. Afterwards the same
command brings the estate to where it would have come undisturbed, and no step has run twice that was done."""

import json
import os
import signal
import subprocess
import sys
import time

from estate import KNOWN, ROOT, TREE, Failed, main

WRITE = "book.write"


def says(text, *wanted):
    for part in wanted:
        if part not in text:
            raise Failed(f"this is not said: {part}\n{text}")


def apply(estate, *options, status=0):
    done = estate.kbgen("apply", "-o", TREE, *options, check=False)
    if done.returncode != status:
        raise Failed(f"apply {options}: status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def runs(estate, step):
    return [estate.runs(name, step) for name in estate.names]


class Round:
    """An apply that works on a new text, so that every member has something to do, with a step on hold: `hold`
    waits there until release() is called."""

    def __init__(self, estate, text, hold):
        self.estate, self.text, self.hold = estate, text, hold
        estate.render(text)
        self.before = {step: runs(estate, step) for step in ("book.prepare", WRITE)}
        self.gate = estate.host(hold).path("/srv/go")
        self.gate.unlink(missing_ok=True)
        estate.order(hold, WRITE, "wait /srv/go")
        self.runner = estate.start(["kbgen", "apply", "-o", TREE])
        estate.poll(30, lambda: estate.runs(hold, WRITE) == self.before[WRITE][estate.names.index(hold)] + 1,
                    f"{hold} is in the middle of {WRITE}")

    def kbgen(self):
        """The runner's own process, behind nsenter."""
        (pid,) = self.estate.processes("depot", "kbgen")
        return pid

    def interrupt(self):
        """A Ctrl-C, and waits until it was heard: two that are close are one to the kernel."""
        os.kill(self.kbgen(), signal.SIGINT)
        for line in self.runner.stdout:
            if b"nothing new begins" in line:
                return
        raise Failed("the runner has ended")

    def release(self):
        self.gate.parent.mkdir(exist_ok=True)
        self.gate.write_text("")

    def output(self, timeout=60):
        out, err = self.runner.communicate(timeout=timeout)
        return out.decode() + err.decode()

    def settle(self, again=1):
        """Everybody has the new text, and each step ran once for it."""
        for name in self.estate.names:
            self.estate.same("the file", f"# {name}\ntext = {self.text}\n",
                             self.estate.host(name).read("/etc/book/ledger.conf"))
        for step, before in self.before.items():
            self.estate.same(f"runs of {step}", [count + again for count in before], runs(self.estate, step))
        says(apply(self.estate), "Nothing to do")


def host_keys(estate):
    estate.say("a key that is not known")
    estate.know("node-01", "node-02")
    told = apply(estate, status=1)
    says(told, "node-03", "its host key is not known here", "--enrol")
    estate.same("runs", [0, 0, 0], runs(estate, "book.prepare"))
    told = apply(estate, "--enrol")
    says(told, "node-03", "ssh-ed25519 SHA256:")
    estate.same("keys that are known", 3, len(estate.install.read(KNOWN).splitlines()))

    estate.say("a key that has changed")
    estate.kill_sshd("node-03")
    estate.new_host_key("node-03")
    estate.start_sshd("node-03")
    for options in ([], ["--enrol"]):
        told = apply(estate, *options, status=1)
        says(told, "node-03", "its host key is not the one that was recorded", "ssh-keygen -R 10.77.1.3")
    known = [line for line in estate.install.read(KNOWN).splitlines() if not line.startswith("10.77.1.3 ")]
    estate.install.write(KNOWN, "\n".join(known) + "\n", 0o600)
    apply(estate, "--enrol")


def unreachable(estate):
    estate.say("a server that is not there")
    estate.render("without-the-third")
    estate.host("node-03").cut()
    before = runs(estate, WRITE)
    told = apply(estate, status=1)
    says(told, "node-03", "it does not answer")
    estate.same("runs", before, runs(estate, WRITE))
    apply(estate, "--limit", "node-01,node-02,depot")
    estate.same("runs", [before[0] + 1, before[1] + 1, before[2]], runs(estate, WRITE))
    estate.host("node-03").mend()
    apply(estate)
    estate.same("runs", [count + 1 for count in before], runs(estate, WRITE))


def two_runners(estate):
    estate.say("two runners at once")
    first = Round(estate, "by-the-first", "node-02")
    says(apply(estate, status=3), "another run")
    first.release()
    says(first.output(), "Done in")
    first.settle()


def interrupts(estate):
    estate.say("Ctrl-C once: what runs is finished")
    first = Round(estate, "until-Ctrl-C", "node-01")
    first.interrupt()
    first.release()
    told = first.output()
    says(told, "Stopped; what ran was finished", "Continue with", f"kbgen apply -o {TREE}")
    estate.same("status", 1, first.runner.returncode)
    estate.same("runs", first.before[WRITE][1:], runs(estate, WRITE)[1:])
    apply(estate)
    first.settle()

    estate.say("Ctrl-C twice: leaves at once, and the next one waits")
    second = Round(estate, "left-at-once", "node-01")
    second.interrupt()
    os.kill(second.kbgen(), signal.SIGINT)
    told = second.output(10)
    says(told, "Left at once", "node-01: book/write")
    again = estate.start(["kbgen", "apply", "-o", TREE])
    second.release()
    out = again.communicate(timeout=60)[0].decode()
    says(out, "Done in")
    second.settle()


def killed(estate):
    estate.say("the runner is killed")
    first = Round(estate, "killed", "node-02")
    os.kill(first.kbgen(), signal.SIGKILL)
    first.output()
    again = estate.start(["kbgen", "apply", "-o", TREE])
    first.release()
    says(again.communicate(timeout=60)[0].decode(), "Done in")
    first.settle()

    estate.say("a server's sshd is killed with all its connections")
    second = Round(estate, "without-an-sshd", "node-02")
    estate.kill_sshd("node-02")
    estate.start_sshd("node-02")
    second.release()
    says(second.output(90), "Done in")
    second.settle()

    estate.say("half a line in the journal")
    journal = estate.install.path(f"{ROOT}/state/journal.jsonl")
    with open(journal, "ab") as file:
        file.write(b'{"seq":')
    apply(estate)
    for line in journal.read_text().splitlines():
        json.loads(line)


def hangs(estate):
    estate.say("a server that hangs in the middle of a step, and comes back")
    first = Round(estate, "hung", "node-02")
    frozen = [pid for program in ("sshd", "bash") for pid in estate.processes("node-02", program)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    first.release()
    time.sleep(3)
    estate.same("runs elsewhere meanwhile", first.before[WRITE][2], estate.runs("node-03", WRITE))
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    # nsenter, which waits outside for the sshd, stopped with it.
    estate.daemons["node-02"].outer.send_signal(signal.SIGCONT)
    says(first.output(90), "Done in")
    first.settle()


def lossy(estate):
    """One packet of five gets lost on the way to a server, and the rest is late."""
    port = f"port{estate.host('node-02').number}"
    loss = ["tc", "qdisc", "add", "dev", port, "root", "netem", "loss", "20%", "delay", "20ms", "10ms"]
    done = subprocess.run(loss, capture_output=True, text=True)
    if done.returncode != 0:
        estate.say(f"NOT RUN: packets that get lost: this kernel has no netem: {done.stderr.strip()}")
        return
    estate.say("packets that get lost")
    before = runs(estate, WRITE)
    estate.render("through-the-rain")
    says(apply(estate), "Done in")
    estate.same("runs", [count + 1 for count in before], runs(estate, WRITE))
    subprocess.run(["tc", "qdisc", "del", "dev", port, "root"], check=True)


def test(estate):
    host_keys(estate)
    hangs(estate)
    lossy(estate)
    unreachable(estate)
    two_runners(estate)
    interrupts(estate)
    killed(estate)


sys.exit(main(test))
