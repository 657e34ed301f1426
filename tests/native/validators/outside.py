"""What is configured outside of the servers: load balancers and names.

Nobody asks the provider. balancers.sh makes the load balancers in a project of tests/live/hetzner.py, by a
stand-in for hcloud that refuses every flag that the module's catalogue does not list; what it made is compared
with balancers.json, and that with the model."""

import ipaddress
import json
import os
import re
import shutil
import sys
from pathlib import Path

from validator import PATH, Failure, Validator, each, run, said, scratch

SOURCE = Path(__file__).resolve().parents[3]
LIVE = SOURCE / "tests/live"
MODULE = SOURCE / "templates/01-load-balancers"
sys.path.append(str(LIVE))

import hcloud  # noqa: E402
from hetzner import Project  # noqa: E402

CATALOGUE = Path(os.environ.get("HCLOUD_CATALOGUE", MODULE / "keys/hcloud-1.67.tsv"))


class Jq(Validator):
    name = "jq"
    programs = {"jq": "jq"}

    def accepts(self, artifact):
        return artifact.name.endswith(".jq")

    def failures(self, tree, artifacts):
        def judge(artifact):
            name = artifact.name.removesuffix(".jq")
            result = run("jq", "-L", artifact.file.parent, "--null-input", f'include "{name}"; empty')
            return "" if result.returncode == 0 else said(result)

        return each(artifacts, judge)


class HcloudCommands(Validator):
    """Commands that a document tells people to type."""

    name = "hcloud-commands"

    def accepts(self, artifact):
        return artifact.name.endswith(".md") and re.search(r"^    hcloud ", artifact.text, re.M) is not None

    def failures(self, tree, artifacts):
        commands = hcloud.read_catalogue(CATALOGUE)

        def judge(artifact):
            for line in re.findall(r"^    hcloud (.*)$", artifact.text, re.M):
                words = line.split("  #")[0].split()
                # People write `--flag value`.
                for n, word in enumerate(words[:-1]):
                    if word.startswith("--") and "=" not in word and not words[n + 1].startswith("-"):
                        words[n:n + 2] = [f"{word}={words[n + 1]}", ""]
                try:
                    hcloud.parse([w for w in words if w], commands)
                except hcloud.Wrong as wrong:
                    return f"hcloud {line}: {wrong}"

        return each(artifacts, judge)


class Balancers(Validator):
    name = "balancers"
    programs = {"jq": "jq", "bash": "bash"}

    def accepts(self, artifact):
        return artifact.path == "lb/balancers.json"

    def failures(self, tree, artifacts):
        def judge(artifact):
            wanted = json.loads(artifact.bytes)
            with scratch() as folder:
                return self.make(tree, wanted, Path(folder)) or differences(
                    "the model", of_model(tree.estate), "balancers.json", of_json(wanted))

        return each(artifacts, judge)

    def make(self, tree, wanted, folder):
        """balancers.sh on an empty project, then again; then the project against balancers.json."""
        shutil.copytree(tree.root / "lb", folder / "lb")
        for name in ("hcloud.sh", "balancers.jq"):  # samples have none of their own; there are no holes in them
            if not (folder / "lb" / name).exists():
                shutil.copy(MODULE / f"{name}.erb", folder / "lb" / name)
        shutil.copytree(SOURCE / "templates/_lib/host", folder / "lib")
        (folder / "bin").mkdir()
        (folder / "bin/hcloud").write_text(f'#!/bin/sh\nexec {sys.executable} -IS {LIVE}/hcloud.py "$@"\n')
        (folder / "bin/hcloud").chmod(0o755)
        rows = wanted["load_balancers"]
        project = Project.new(
            folder / "project", {t["server"]: t["ip"] for b in rows for t in b["targets"]},
            networks=sorted({b["network"]["name"] for b in rows}),
            certificates={s["is"]["certificate"]: 90 for b in rows for s in b["services"] if s["is"].get("certificate")})
        environment = {"PATH": f"{folder}/bin:{PATH}", "HOME": str(folder), "HCLOUD_PROJECT": str(project.path),
                       "HCLOUD_TOKEN": "x", "HCLOUD_CATALOGUE": str(CATALOGUE), "LC_ALL": "C.UTF-8"}
        shown = run("bash", folder / "lb/balancers.sh", env=environment)
        would, were = ("commands would be run", "commands were run") if rows else ("nothing to change",) * 2
        with project.state() as state:
            if state["requests"] or would not in shown.stderr:
                return f"without --yes it must only say what it would do: {said(shown)}"
        first = run("bash", folder / "lb/balancers.sh", "--yes", env=environment, timeout=600)
        # Status 1 is due to public addresses, which a new load balancer never has as the topology says.
        if were not in first.stderr:
            return said(first)
        second = run("bash", folder / "lb/balancers.sh", "--yes", env=environment, timeout=600)
        if "nothing to change" not in second.stderr:
            return f"a second run is not the end of it:\n{said(second)}"
        with project.state() as state:
            return differences("balancers.json", of_json(wanted), "what balancers.sh made", of_project(state))


def differences(left_name, left, right_name, right):
    """A line for each field; both are name -> path -> value."""
    lines = []
    for name in sorted(left.keys() | right.keys()):
        one, other = left.get(name, {}), right.get(name, {})
        lines += [f"{name}: {path}: {left_name} says {one.get(path)!r}, {right_name} {other.get(path)!r}"
                  for path in sorted(one.keys() | other.keys()) if one.get(path) != other.get(path)]
    return "\n".join(lines)


def of_json(wanted):
    found = {}
    for b in wanted["load_balancers"]:
        fields = {**b["product"], "network": b["network"]["name"], "ip": b["network"]["ip"], "public": b["public"]["enabled"],
                  "targets": [t["server"] for t in b["targets"]]}
        for s in b["services"]:
            flat = {k: v for k, v in s["is"].items() if k != "health_check"}
            flat |= {f"health {k}": v for k, v in s["is"]["health_check"].items()}
            fields |= {f"{s['listen_port']} {k}": v for k, v in flat.items() if v not in ("", False)}
        found[b["called"]] = fields
    return found


def of_project(state):
    names = {row["id"]: row["name"] for kind in ("servers", "networks", "certificates") for row in state[kind]}
    found = {}
    for b in state["load_balancers"]:
        fields = {"type": b["load_balancer_type"]["name"], "location": b["location"]["name"],
                  "algorithm": b["algorithm"]["type"], "delete_protection": b["protection"]["delete"],
                  "network": ", ".join(names[n["network"]] for n in b["private_net"]),
                  "ip": ", ".join(n["ip"] for n in b["private_net"]), "public": b["public_net"]["enabled"],
                  "targets": [names[t["server"]["id"]] for t in b["targets"] if t["use_private_ip"]]}
        for s in b["services"]:
            flat = {k: s[k] for k in ("protocol", "destination_port")} | {"proxy_protocol": s["proxyprotocol"]}
            http = s["http"] or {}
            flat |= {"certificate": ", ".join(names[c] for c in http.get("certificates", []))}
            flat |= {k: http.get(k, False) for k in ("redirect_http", "sticky_sessions")}
            check = {**s["health_check"], **(s["health_check"]["http"] or {})}
            check.pop("http")
            if "status_codes" in check:
                check["status_codes"] = ",".join(check["status_codes"])
            flat |= {f"health {k}": v for k, v in check.items()}
            fields |= {f"{s['listen_port']} {k}": v for k, v in flat.items() if v not in ("", False)}
        found[b["name"]] = fields
    return found


def of_model(estate):
    """What the topology says, read a second time."""
    settings = next((s.get("settings") or {} for s in estate.services.values() if s["module"] == "load-balancers"), {})
    found = {}
    for name, b in estate.balancers.items():
        fields = {"type": b.get("size", "lb11"), "location": b.get("location", "nbg1"),
                  "algorithm": settings.get("algorithm", "round_robin"),
                  "delete_protection": settings.get("delete_protection", True),
                  "network": b.get("network", estate.text["name"]), "ip": b["private_ip"], "public": "public_ip" in b,
                  "targets": [s.name for s in estate.members[b["targets"]]]}
        for item in b["listeners"]:
            listener = item if isinstance(item, dict) else {"to": item}
            service, _, endpoint = listener["to"].partition(".")
            port = next(e[0] for n, e in estate.endpoints(service).items() if n == endpoint or not endpoint and "clients" in e[2])
            health = listener.get("health") or b["health"]
            flat = {"protocol": listener.get("protocol", "tcp"), "destination_port": port,
                    "certificate": listener.get("certificate", ""), "health protocol": health["type"], "health port": port,
                    "health retries": health["retries"],
                    **{f"health {k}": hcloud.seconds(str(health[k]).replace("min", "m")) for k in ("interval", "timeout")}}
            if health["type"] == "http":
                flat |= {"health path": health.get("path", "/"), "health status_codes": str(health.get("status", "2??,3??"))}
            fields |= {f"{listener.get('port', port)} {k}": v for k, v in flat.items() if v != ""}
        found[b.get("called", name)] = fields
    return found


class Zones(Validator):
    """Zone files have no SOA and no NS, which are the provider's: here they get some, and BIND reads them."""

    name = "zones"
    programs = {"named-checkzone": "bind9-utils"}

    def accepts(self, artifact):
        return artifact.path.startswith("dns/") and artifact.name.endswith(".zone")

    def key(self, artifact):
        return artifact.path

    def failures(self, tree, artifacts):
        domain = tree.estate.text["network"]["domain"]
        expected = {f"{domain}.zone": public_records(tree.estate, domain),
                    f"{domain}.internal.zone": internal_records(tree.estate)}
        private = ipaddress.ip_network(tree.estate.text["network"]["private"])
        found = {}
        for artifact in artifacts:
            records, message = self.read(artifact, domain)
            found[artifact.name] = records
            leaked = [r for r in records if r[1] == "A" and ipaddress.ip_address(r[2]) in private]
            if message:
                yield Failure(artifact.path, message)
            elif artifact.name not in expected:
                yield Failure(artifact.path, f"is of no zone of the model, which has {', '.join(expected)}")
            elif not artifact.name.endswith(".internal.zone") and leaked:
                yield Failure(artifact.path, f"tells the world a private address: {' '.join(leaked[0])}")
            elif records != expected[artifact.name]:
                lines = [f"should not be there: {' '.join(r)}" for r in sorted(records - expected[artifact.name])]
                lines += [f"is not there: {' '.join(r)}" for r in sorted(expected[artifact.name] - records)]
                yield Failure(artifact.path, "\n".join(lines))
        both = {r[0] for r in found.get(f"{domain}.zone", ())} & {r[0] for r in found.get(f"{domain}.internal.zone", ())}
        if both:
            yield Failure("dns/", f"inside and outside disagree about {', '.join(sorted(both))}")

    @staticmethod
    def read(artifact, domain):
        """Records as BIND understands them, (name, type, data), and what it objects to."""
        with scratch() as folder:
            zone = Path(folder) / "zone"
            zone.write_text(f"$ORIGIN {domain}.\n@ 60 IN SOA ns.invalid. post.invalid. 1 3600 600 86400 60\n"
                            f"@ 60 IN NS ns.invalid.\n{artifact.text}")
            result = run("named-checkzone", "-k", "fail", "-m", "fail", "-M", "fail", "-S", "fail", "-n", "fail", "-r", "fail",
                         "-i", "local", "-D", "-o", Path(folder) / "out", domain, zone)
            # A duplicate and a name outside of the zone are only warnings for it.
            odd = re.search(r"ignoring out-of-zone data|has \d+ identical", result.stdout + result.stderr)
            if result.returncode != 0 or odd:
                return set(), said(result)
            lines = [line.split(None, 4) for line in (Path(folder) / "out").read_text().splitlines() if line]
        return {(name, kind, data) for name, _, _, kind, data in lines if kind not in ("SOA", "NS")}, ""


def public_records(estate, domain):
    dns = estate.text.get("dns") or {}
    found = set()
    for name, named in (dns.get("names") or {}).items():
        for balancer in named if isinstance(named, list) else [named]:
            found.add((f"{name}.{domain}.", "A", estate.balancers[balancer]["public_ip"]))
    for record in dns.get("records") or []:
        owner = f"{record['name']}.{domain}." if record.get("name") else f"{domain}."
        value = str(record["value"])
        if record["type"] in ("CNAME", "MX"):
            value = value.removesuffix(".") + "."
        if record["type"] == "MX":
            value = f"{record.get('priority', 0)} {value}"
        if record["type"] == "CAA":
            flags, tag, rest = value.split(" ", 2)
            value = f'{flags} {tag} "{rest}"'
        if record["type"] == "TXT":
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            value = " ".join(f'"{escaped[n:n + 255]}"' for n in range(0, len(escaped), 255))
        found.add((owner, record["type"], value))
    return found


def internal_records(estate):
    return {(s.row["FQDN"] + ".", "A", s.ip) for s in estate.servers.values()}
