#!/usr/bin/env python3
"""PLAN.tsv says what PLAN.json says, in an order that works, for every tree of the repository."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def words(items):
    return ",".join(items) or "-"


def rows_of(plan):
    """The rows that PLAN.json asks for, without order."""
    yield ("topology", plan["topology"], plan["root"], plan["credentials"], plan["install"])
    for server in plan["servers"]:
        name = server["name"]
        yield ("server", name, server["address"], server["ip"], server["os"])
        yield from (("mount", name, mount) for mount in server["mounts"])
        yield from (("port", name, str(p["port"]), p["protocol"], p["service"]) for p in server["ports"])
        yield from (("peer", name, p["ip"], str(p["port"]), p["service"]) for p in server["peers"])
    for service in plan["services"]:
        name = service["name"]
        yield ("service", name, service["module"], service["label"], service["folder"], str(service["survives"]),
               service["gate"] or "-", words(service["needs"]), words(service["images"]))
        yield from (("member", name, member) for member in service["members"])
        yield from (("credential", name, c["file"], c["key"]) for c in service["credentials"])
        for step in service["steps"]:
            yield ("step", name, step["name"], step["kind"], step["strategy"], step["on"], step["connection"],
                   step["script"], words(step["hosts"]), words(step["after"]))


def check(tree):
    plan = json.loads((tree / "PLAN.json").read_text())
    rows = [tuple(line.split("\t")) for line in (tree / "PLAN.tsv").read_text().splitlines()]
    assert sorted(rows) == sorted(rows_of(plan)), sorted(set(rows) ^ set(rows_of(plan)))
    needs = {service["name"]: service["needs"] for service in plan["services"]}
    done, begun = set(), []
    for row in rows:
        if row[0] == "step" and row[3] == "apply":
            assert set(row[9].split(",")) - {"-"} <= {name for service, name in done if service == row[1]}, row
            done.add((row[1], row[2]))
            if row[1] not in begun:
                begun.append(row[1])
                late = [n for n in needs[row[1]] if any(r[0] == "step" and r[1] == n and r[3] == "apply" and
                                                        (n, r[2]) not in done for r in rows)]
                assert not late, f"{row[1]} begins before {late}"
    for row in rows:
        if row[0] == "step":
            where = [tree / "modules" / row[7]] if row[5] == "install" else [
                tree / "servers" / host / row[7] for host in row[8].split(",")]
            absent = [str(script) for script in where if row[8] != "-" and not script.is_file()]
            assert not absent, absent
    return len(rows)


def main():
    trees = [ROOT / "out", *sorted(path.parent for path in ROOT.glob("golden/*/out/PLAN.json"))]
    assert len(trees) > 2
    for tree in trees:
        print(f"{tree.relative_to(ROOT)}: {check(tree)} rows")


sys.exit(main())
