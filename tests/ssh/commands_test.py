#!/usr/bin/env python3
"""What is asked of an installed estate over real SSH: validations, drills, drift, status, single steps, rollbacks."""

import json
import sys
import xml.etree.ElementTree as ElementTree

from estate import ROOT, TREE, Failed, main


def kbgen(estate, *words, status=0):
    done = estate.kbgen(*words, "-o", TREE, check=False)
    if done.returncode != status:
        raise Failed(f"{words}: status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def says(text, *wanted):
    for part in wanted:
        if part not in text:
            raise Failed(f"this is not said: {part}\n{text}")


def report(estate):
    folder = estate.install.path(f"{ROOT}/reports")
    return ((folder / "module_50_validation.md").read_text(),
            ElementTree.parse(folder / "module_50_validation.xml").getroot())


def test(estate):
    says(kbgen(estate, "validate", status=1), "apply first")
    kbgen(estate, "apply")

    estate.say("validate")
    says(kbgen(estate, "validate"), "Passed: 9 checks in 3 suites, 9 passed, 0 failed, 0 skipped")
    text, suites = report(estate)
    says(text, "# Validation of module 50: book", "**Passed**: 9 checks on 3 servers",
         "| node-02 | book/validate | passed | 3 | 3 | 0 | 0 |")
    estate.same("suites", ["node-01", "node-02", "node-03"], sorted(suite.get("hostname") for suite in suites))
    estate.same("failures", "0", suites.get("failures"))
    says(estate.install.read(f"{ROOT}/logs/module_50_test.log"), "node-03 validate ok 1 - the configuration is there")

    estate.host("node-02").path("/etc/book/ledger.env").write_text("")
    says(kbgen(estate, "validate", status=1), "node-02: book/validate: FAILED", "not ok: the secret has been filled in",
         "FAILED: 9 checks in 3 suites, 8 passed, 1 failed")
    text, suites = report(estate)
    says(text, "**FAILED**: 9 checks on 3 servers", "## Points of attention")
    estate.same("failures", "1", suites.get("failures"))

    estate.say("a suite that does not end")
    estate.order("node-03", "book.validate", "fail half-way")
    told = kbgen(estate, "validate", "--limit", "node-03", status=1)
    says(told, "FAILED")
    estate.order("node-03", "book.validate")

    estate.say("drift")
    told = kbgen(estate, "drift", status=1)
    says(told, "node-02: book: /etc/book/ledger.env has other content")
    estate.host("node-01").path("/etc/book/ledger.conf").unlink()
    estate.host("node-03").path("/etc/book/ledger.conf").chmod(0o600)
    found = json.loads(kbgen(estate, "drift", "--format", "json", status=1))["result"]["drift"]
    estate.same("drift", [("node-01", "missing", "/etc/book/ledger.conf"), ("node-02", "differs", "/etc/book/ledger.env"),
                          ("node-03", "mode", "/etc/book/ledger.conf")],
                sorted((row["server"], row["what"], row["path"]) for row in found))
    for name in estate.names:
        says(kbgen(estate, "run", "book", "write", "--limit", name), "1 step done")
    says(kbgen(estate, "drift"), "No drift: ")

    estate.say("status")
    says(kbgen(estate, "status"), "last run ", "this tree", "3 of 3 steps done", "by root@depot")
    told = json.loads(kbgen(estate, "status", "--format", "json"))["result"]
    estate.same("servers", 4, len(told["servers"]))

    estate.say("a drill and a single step")
    says(kbgen(estate, "drill", "book", status=2), "--yes")
    estate.same("drills", [0, 0, 0], [estate.runs(name, "book.exercise") for name in estate.names])
    kbgen(estate, "drill", "book", "--yes")
    estate.same("drills", [1, 1, 1], [estate.runs(name, "book.exercise") for name in estate.names])
    says(kbgen(estate, "run", "book"), "exercise", "A drill.")
    kbgen(estate, "run", "book", "exercise", "--limit", "node-01")
    estate.same("drills", [2, 1, 1], [estate.runs(name, "book.exercise") for name in estate.names])
    says(kbgen(estate, "run", "book", "nonsense", status=2), "has no step `nonsense`")

    estate.say("rollback")
    estate.render("second")
    kbgen(estate, "apply")
    estate.same("the file", "# node-01\ntext = second\n", estate.host("node-01").read("/etc/book/ledger.conf"))
    kept = [path.name for path in estate.install.path(f"{ROOT}/state/trees").iterdir()]
    estate.same("trees that are kept", 2, len(kept))
    says(kbgen(estate, "rollback", "--dry-run"), "back to the tree", "changed since")
    says(kbgen(estate, "rollback"), "back to the tree")
    estate.same("the file", "# node-01\ntext = first\n", estate.host("node-01").read("/etc/book/ledger.conf"))
    generation = estate.host("node-01").path(f"{ROOT}/current").readlink()
    says(kbgen(estate, "rollback"), "back to the tree")
    estate.same("the file", "# node-01\ntext = second\n", estate.host("node-01").read("/etc/book/ledger.conf"))
    if estate.host("node-01").path(f"{ROOT}/current").readlink() == generation:
        raise Failed("the generation is the same")

    estate.say("events for programs")
    lines = kbgen(estate, "apply", "--format", "json").splitlines()
    events = [json.loads(line) for line in lines]
    estate.same("first and last", ("run-begin", "run-end"), (events[0]["event"], events[-1]["event"]))


sys.exit(main(test))
