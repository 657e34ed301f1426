#!/usr/bin/env python3
"""Gives every file of rendered trees to the program that will read it on a server.

  native.py                      out/ and golden/*/out/, as far as they are there
  native.py TREE[=TOPOLOGY]...   a rendered tree, and the topology that it came from
  native.py --selftest           every validator must refuse samples/<validator>/bad-* and pass good*

One line a validator on stdout: how many files, how many different ones, how many were refused. What
was refused goes to stderr. Exit status: 0 all well, 1 something was refused, 2 usage, 77 no tree.
A program that is missing is a SKIP and never a pass; with CI=true it is a failure when Debian has it.
"""

import argparse
import os
import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
SHOWN = 20  # refusals of one validator that are shown
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from tree import read_tree  # noqa: E402
from validator import Failure, Missing  # noqa: E402
from validators import all_validators  # noqa: E402


class Report:
    def __init__(self):
        self.failed = False
        self.skipped = 0

    def line(self, name, text, seconds, notes=()):
        print(f"{name:<20} {text:<48} {seconds:6.1f} s", flush=True)
        for note in notes:
            print(f"{'':<20} note: {note}", flush=True)

    def refused(self, name, failures):
        self.failed = self.failed or bool(failures)
        for failure in failures[:SHOWN]:
            lines = failure.message.strip().splitlines() or ["refused"]
            print(f"{name}: {failure.path}: " + "\n    ".join(lines), file=sys.stderr)
        if len(failures) > SHOWN:
            print(f"{name}: and {len(failures) - SHOWN} more", file=sys.stderr)

    def skip(self, name, missing, seconds):
        self.skipped += 1
        must = os.environ.get("CI") == "true" and missing.package
        self.failed = self.failed or bool(must)
        hint = f" (Debian: {missing.package})" if missing.package else ""
        self.line(name, ("MISSING " if must else "SKIP ") + str(missing) + hint, seconds)


def judge(validator, tree):
    """(artifacts, distinct ones, failures). Raises Missing."""
    claimed = [a for a in tree.artifacts if validator.accepts(a)]
    distinct = list({validator.key(a): a for a in claimed}.values())
    if not claimed:
        return claimed, distinct, []
    validator.require()
    return claimed, distinct, list(validator.failures(tree, distinct))


def check_trees(trees, validators, report):
    for tree in trees:
        print(f"# {tree.root}: {len(tree.artifacts)} files")
        for validator in validators:
            start = time.monotonic()
            validator.notes.clear()
            try:
                claimed, distinct, failures = judge(validator, tree)
            except Missing as missing:
                report.skip(validator.name, missing, time.monotonic() - start)
                continue
            text = f"{len(claimed)} files, {len(distinct)} distinct, {len(failures)} refused"
            report.line(validator.name, text, time.monotonic() - start, validator.notes)
            report.refused(validator.name, failures)


def self_test(validators, report):
    for validator in validators:
        start = time.monotonic()
        samples = sorted(p for p in (HERE / "samples" / validator.name).glob("*") if p.is_dir())
        kinds = {s.name.split("-")[0] for s in samples}
        if kinds != {"good", "bad"}:
            report.refused(validator.name, [Failure("samples", "there must be a good one and a bad one")])
        try:
            failures = [f for sample in samples for f in sample_failures(validator, sample)]
        except Missing as missing:
            report.skip(validator.name, missing, time.monotonic() - start)
            continue
        text = f"{len(samples)} samples, {len(failures)} judged wrongly"
        report.line(validator.name, text, time.monotonic() - start)
        report.refused(validator.name, failures)


def sample_failures(validator, sample):
    """A bad sample holds, in REFUSED, a pattern of the message: it must fail for its own reason."""
    estate = HERE / "samples" / "estate"
    tree = read_tree(sample, estate / "topology.yaml", [estate / "modules"])
    claimed, _, failures = judge(validator, tree)
    if not claimed:
        return [Failure(str(sample), "holds nothing for this validator")]
    if sample.name.startswith("good"):
        return failures
    reason = (sample / "REFUSED").read_text().strip()
    if any(re.search(reason, f.message) for f in failures):
        return []
    seen = "; ".join(f.message for f in failures) or "was accepted"
    return [Failure(str(sample), f"must be refused with /{reason}/, but: {seen}")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", nargs="*", help="a rendered tree; TREE=TOPOLOGY where it is not model/topology.yaml's")
    parser.add_argument("--selftest", action="store_true", help="judge the samples")
    parser.add_argument("--only", action="append", default=[], metavar="VALIDATOR")
    parser.add_argument("--modules", type=Path, default=SOURCE / "templates", help="folder of the modules")
    parsed = parser.parse_args()
    names = [v.name for v in all_validators()]
    unknown = [name for name in parsed.only if name not in names]
    if unknown:
        parser.error(f"no validator {unknown[0]}; there are {', '.join(names)}")
    if parsed.tree and parsed.selftest:
        parser.error("either trees or --selftest")
    return parsed


def trees_to_check(texts, modules):
    """Pairs of a tree and its topology, which for goldens lies beside the tree."""
    pairs = [(Path(root), Path(topology or SOURCE / "model/topology.yaml"))
             for root, _, topology in (text.partition("=") for text in texts)]
    if not texts:
        pairs = [(SOURCE / "out", SOURCE / "model/topology.yaml")]
        for root in sorted(SOURCE.glob("golden/*/out")):
            beside = [root.parent / name for name in ("topology.yaml", "model/topology.yaml", "example.yaml")]
            found = [file for file in beside if file.is_file()]
            pairs += [(root, file) for file in found[:1]]
        pairs = [(root, topology) for root, topology in pairs if (root / "MANIFEST.json").is_file()]
    return [read_tree(root.resolve(), topology, [modules]) for root, topology in pairs]


def main():
    options = arguments()
    validators = [v for v in all_validators() if not options.only or v.name in options.only]
    report = Report()
    if options.selftest:
        self_test(validators, report)
    else:
        trees = trees_to_check(options.tree, options.modules)
        if not trees:
            print("nothing is rendered: there is no out/MANIFEST.json, nor one in golden/*/out/")
            return 77
        check_trees(trees, validators, report)
    if report.skipped:
        print(f"# {report.skipped} validators were skipped: nothing is known of their files")
    return 1 if report.failed else 0


sys.exit(main())
