#!/usr/bin/env python3
"""run.sh over real SSH, from an install host that has bash, coreutils, tar and OpenSSH, onto servers that have no
OpenSSH client either."""

import hashlib
import json
import sys

from estate import INSTALL, ROOT, SERVICE, TREE, Failed, main

ALL = [("ground.lay", 1), (f"{SERVICE}.prepare", 1), (f"{SERVICE}.write", 1), ("votes.seat", 1)]


def run(estate, *arguments, status=0, says="", timeout=180):
    done = estate.run(["./run.sh", *arguments], check=False, timeout=timeout)
    if done.returncode != status or says not in done.stdout + done.stderr:
        raise Failed(f"run.sh {' '.join(arguments)}: wanted {status} and `{says}`, found {done.returncode}\n"
                     f"{done.stdout}{done.stderr}")
    return done


def counts(estate):
    """How often each step ran on each server."""
    steps = [step for step, _ in ALL] + [f"{SERVICE}.once", "readers.read"]
    told = {(name, step): estate.runs(name, step) for name in estate.names for step in steps}
    told[INSTALL, "report"] = estate.runs(INSTALL, f"{SERVICE}.report")
    return told


def journal(estate):
    """The records, after the chain was followed."""
    lines = estate.install.path(ROOT + "/state/journal.jsonl").read_bytes().split(b"\n")
    estate.same("a whole last line", b"", lines.pop())
    last, records = "0" * 64, []
    for number, line in enumerate(lines, 1):
        record = json.loads(line)
        estate.same(f"line {number}: seq, prev", (number, last), (record["seq"], record["prev"]))
        order = ["seq", "time", "run", "who", "event", "host", "service", "step", "tree", "input", "result", "status",
                 "took", "prev"]
        estate.same(f"line {number}: keys", [key for key in order if key in record], list(record))
        last = hashlib.sha256(line).hexdigest()
        records.append(record)
    return records


def test(estate):
    for name in estate.names:
        estate.strip(name)
    estate.strip(INSTALL, "openssh-client")
    estate.same("kbgen on the install host", 127, estate.run(["bash", "-c", "kbgen --version"], check=False).returncode)
    for case in (refuses_a_tree_that_was_touched, installs):
        case(estate)
        estate.say(case.__name__)


def refuses_a_tree_that_was_touched(estate):
    def touched(what, spoil, says):
        spoil(estate.install.path(TREE))
        run(estate, "plan", status=3, says=says)
        estate.bring_tree()

    script = f"servers/node-01/50-{SERVICE}/write.sh"
    touched("a byte", lambda t: (t / script).write_text((t / script).read_text() + "#"), "has other contents")
    touched("a mode", lambda t: (t / script).chmod(0o644), "has another mode")
    touched("a missing file", lambda t: (t / script).unlink(), "is missing")
    touched("a file more", lambda t: (t / "lib/more.sh").write_text(""), "is not in the manifest")
    touched("a hidden one", lambda t: (t / "lib/.more.sh").write_text(""), "is not in the manifest")
    touched("a link", lambda t: (t / "link").symlink_to("/etc/passwd"), "is a link")
    touched("the manifest", lambda t: (t / "MANIFEST.json").write_text(
        (t / "MANIFEST.json").read_text().replace('"lib/host.sh"', '"../host.sh"')), "no path")
    run(estate, "apply", "--limit", "nobody", status=2, says="no server nobody")
    run(estate, "drill", "votes", status=2, says="say --yes")
    run(estate, "nonsense", status=2)
    estate.same("what that left", 0, sum(counts(estate).values()))


def installs(estate):
    """From nothing; a step that fails; the rest; and once more, which changes nothing."""
    estate.order("node-02", f"{SERVICE}.write", "fail no reason")
    run(estate, "apply", "--gate-timeout", "20", status=1, says="write failed on node-02")
    estate.same("the one behind it", 0, estate.runs("node-03", f"{SERVICE}.write"))
    estate.order("node-02", f"{SERVICE}.write")
    run(estate, "apply", "--gate-timeout", "20", says="done: ")
    estate.same("runs of what was done", 1, estate.runs("node-01", f"{SERVICE}.write"))
    before = counts(estate)
    run(estate, "apply", says="done: 0 steps were run")
    estate.same("runs", before, counts(estate))
    run(estate, "drift", says="files are what they would be")
    journal(estate)


sys.exit(main(test, gated=True))
