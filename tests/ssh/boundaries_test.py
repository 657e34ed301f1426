#!/usr/bin/env python3
"""The runner is killed at each place where its journal was written: before the record is safe, and just as it is. Whatever
it had begun goes on without it; the next apply ends where an undisturbed one would, and no step runs twice.

Every second place; BOUNDARIES=1 tries them all."""

import os
import re
import sys

from estate import ROOT, TREE, Failed, main

STEPS = ["book.prepare", "book.write"]
STRIDE = int(os.environ.get("BOUNDARIES", "2"))
SYNC = "fdatasync"


def runs(estate):
    return {step: [estate.runs(name, step) for name in estate.names] for step in STEPS}


def apply(estate, *wrapped):
    return estate.run([*wrapped, "kbgen", "apply", "-o", TREE], check=False)


def syncs(estate, text):
    """How often an undisturbed apply makes its journal safe."""
    estate.render(text)
    done = apply(estate, "strace", "-c", "-o", "/srv/strace", "-e", f"trace={SYNC}")
    estate.same("status undisturbed", 0, done.returncode)
    return int(re.search(rf"\s(\d+)\s+{SYNC}$", estate.install.read("/srv/strace"), re.MULTILINE)[1])


def test(estate):
    apply(estate)
    count = syncs(estate, "counted")
    if count < 20:
        raise Failed(f"only {count} records are made safe: is this the journal?")
    places = range(1, count + 1, STRIDE)
    killed = 0
    for place in places:
        text = f"killed-at-{place}"
        before = runs(estate)
        estate.render(text)
        done = apply(estate, "strace", "-o", "/dev/null", "-e", f"trace={SYNC}",
                     "-e", f"inject={SYNC}:signal=KILL:when={place}")
        killed += done.returncode != 0
        again = apply(estate)
        estate.same(f"status after {place}", (0, ""), (again.returncode, again.stderr if again.returncode else ""))
        for name in estate.names:
            estate.same(f"the file on {name} after {place}", f"# {name}\ntext = {text}\n",
                        estate.host(name).read("/etc/book/ledger.conf"))
        wanted = {step: [runs + 1 for runs in before[step]] for step in STEPS}
        estate.same(f"runs after {place}", wanted, runs(estate))
        last = apply(estate)
        if "Nothing to do" not in last.stdout:
            raise Failed(f"after {place} there was still something to do:\n{last.stdout}{last.stderr}")
    estate.same("how often it was killed", len(places), killed)
    lines = estate.install.read(f"{ROOT}/state/journal.jsonl").splitlines()
    estate.say(f"killed at {killed} of {count} places; the journal holds {len(lines)} records")


sys.exit(main(test, hosts=2, programs={"strace": "strace"}))
