#!/usr/bin/env python3
"""Applies over real SSH: from nothing, once more, a changed file, a failed step, parts of an estate."""

import json
import sys

from estate import ROOT, TREE, Failed, main

STEPS = ["book.prepare", "book.write", "ground.lay"]


def apply(estate, *options, status=0):
    done = estate.kbgen("apply", "-o", TREE, *options, check=False)
    if done.returncode != status:
        raise Failed(f"apply {options}: status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def counts(estate):
    return {step: [estate.runs(name, step) for name in estate.names] for step in STEPS}


def says(text, *wanted):
    for part in wanted:
        if part not in text:
            raise Failed(f"this is not said: {part}\n{text}")


def journal(estate):
    lines = estate.install.path(f"{ROOT}/state/journal.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test(estate):
    says(estate.kbgen("plan", "-o", TREE).stdout, "14 of 14 steps would run, 0 done before", "no receipt")
    estate.same("what a plan leaves on a server", False, estate.host("node-01").path(ROOT).exists())
    estate.same("what a plan leaves here", False, estate.install.path(f"{ROOT}/state/journal.jsonl").exists())

    says(apply(estate), "14 steps done on 4 servers; files brought to 4")
    estate.same("runs", {"book.prepare": [1, 1, 1], "book.write": [1, 1, 1], "ground.lay": [1, 1, 1]}, counts(estate))
    token = estate.stage.secret("book.env", "BOOK_TOKEN")
    estate.same("the secret", f"LEDGER_TOKEN={token}\n", estate.host("node-02").read("/etc/book/ledger.env"))
    log = estate.install.read(f"{ROOT}/logs/module_50_install.log")
    says(log, " node-01 prepare begins", " node-03 write done in ", "depot report")
    events = [record["event"] for record in journal(estate)]
    estate.same("first and last record", ("run-begin", "run-end"), (events[0], events[-1]))

    estate.say("once more")
    says(apply(estate), "Nothing to do: 14 steps on 4 servers done before")
    estate.same("runs", {"book.prepare": [1, 1, 1], "book.write": [1, 1, 1], "ground.lay": [1, 1, 1]}, counts(estate))

    estate.say("a file that changed")
    estate.render("second")
    told = estate.kbgen("apply", "-o", TREE, "--dry-run").stdout
    says(told, "changed since ", "book/write")
    estate.same("what lies on a server after a dry run", "# node-01\ntext = first\n",
                estate.host("node-01").read("/etc/book/ledger.conf"))
    apply(estate)
    estate.same("runs", {"book.prepare": [2, 2, 2], "book.write": [2, 2, 2], "ground.lay": [1, 1, 1]}, counts(estate))
    estate.same("the file", "# node-01\ntext = second\n", estate.host("node-01").read("/etc/book/ledger.conf"))

    estate.say("a credential that changed")
    folder = estate.install.path(f"{ROOT}/credentials")
    (folder / "book.env").write_text("BOOK_TOKEN=another\n")
    says(apply(estate, "--limit", "node-01,node-02", "--module", "book"), "steps done on 2 servers")
    estate.same("the secret", "LEDGER_TOKEN=another\n", estate.host("node-02").read("/etc/book/ledger.env"))
    estate.same("the secret", f"LEDGER_TOKEN={token}\n", estate.host("node-03").read("/etc/book/ledger.env"))
    estate.same("runs", [3, 3, 2], counts(estate)["book.write"])
    apply(estate)
    estate.same("runs", [3, 3, 3], counts(estate)["book.write"])

    estate.say("a step that fails")
    estate.render("third")
    estate.order("node-02", "book.write", "say 3", "fail the disk is on fire")
    told = apply(estate, status=1)
    says(told, "node-02: book/write", "FAILED: the disk is on fire", "line 3 of 3", "FAILED: ", "1 failed",
         f"kbgen apply -o {TREE}")
    estate.same("runs", [4, 4, 3], counts(estate)["book.write"])
    estate.order("node-02", "book.write")
    says(apply(estate), "done before")
    estate.same("runs", [4, 5, 4], counts(estate)["book.write"])

    estate.say("nothing is run that is not in the manifest")
    estate.install.path(f"{TREE}/servers/node-01/50-book/write.sh").write_text("#!/bin/sh\necho evil\n")
    says(apply(estate, status=3), "write.sh")
    estate.bring_tree()
    says(apply(estate), "Nothing to do")
    says(apply(estate, "--limit", "node-99", status=2), "node-99")


sys.exit(main(test))
