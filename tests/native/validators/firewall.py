"""The firewall: the kernel loads it, and lets through exactly what the topology says."""

import ipaddress
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from validator import HERE, Failure, Validator, each, run, said

# Ports that nobody offers, for which every server must look dead.
NEVER = (1, 80, 443, 2375, 2379, 3306, 5433, 6379, 9100, 10250)
# Sources that no topology has: one in the private network, one outside.
STRANGER_OUTSIDE = "192.0.2.77"


class Rules(Validator):
    """Loaded twice into a network of its own: the second time must change nothing."""

    name = "nftables"
    programs = {"nft": "nftables", "unshare": "util-linux"}
    root = True

    def accepts(self, artifact):
        return artifact.name.endswith(".nft")

    def failures(self, tree, artifacts):
        def judge(artifact):
            result = run("unshare", "--net", "bash", "-ec", LOAD_TWICE, "load", artifact.file)
            if result.returncode != 0 or result.stderr:
                return said(result)
            first, second = (json.loads(line)["nftables"] for line in result.stdout.splitlines())
            if self.plain(first) != self.plain(second):
                return "loaded a second time it makes other rules"
            chains = [e["chain"] for e in first if "chain" in e and e["chain"].get("hook") == "input"]
            if not chains or any(chain["policy"] != "drop" for chain in chains):
                return "no input chain drops by default"
            return ""

        return each(artifacts, judge)

    @staticmethod
    def plain(ruleset):
        """Without handles, which the kernel counts up."""
        text = [{k: {n: v for n, v in o.items() if n != "handle"} for k, o in e.items()} for e in ruleset]
        return [e for e in text if "metainfo" not in e]


LOAD_TWICE = 'nft -f "$1"; nft -j list ruleset; nft -f "$1"; nft -j list ruleset'


class Reachability(Validator):
    """Every server with its rules, every source that there is, every port: connects for real."""

    name = "reachability"
    programs = {"nft": "nftables", "ip": "iproute2", "unshare": "util-linux"}
    root = True

    def accepts(self, artifact):
        return artifact.name.endswith(".nft") and artifact.server != ""

    def key(self, artifact):
        return artifact.path

    def failures(self, tree, artifacts):
        estate = tree.estate
        openings = estate.openings()
        ports = sorted({o.port for o in openings if o.protocol == "tcp"} | set(NEVER))
        others = sorted({f"{o.port}/{o.protocol}" for o in openings if o.protocol != "tcp"})
        if others:
            self.notes.append(f"not tried, because not TCP: {', '.join(others)}")
        missing = set(estate.servers) - {a.server for a in artifacts}
        for server in sorted(missing):
            yield Failure(f"servers/{server}", "has no firewall")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [(a, self.questions(estate, openings, a.server, ports)) for a in artifacts]
            for artifact, answer in zip(artifacts, pool.map(lambda job: self.ask(*job), jobs)):
                for line in answer:
                    yield Failure(artifact.path, line)
        self.notes.append(f"{sum(len(q['tries']) for _, q in jobs)} connections tried")

    def questions(self, estate, openings, name, ports):
        server = estate.servers[name]
        private = ipaddress.ip_network(estate.text["network"]["private"])
        allowed = {}
        for o in openings:
            if o.server == name and o.protocol == "tcp":
                allowed.setdefault(o.port, []).append(ipaddress.ip_network(o.source))
        sources = [s.ip for s in estate.servers.values()]
        sources += [s.ip for s in estate.unmanaged] + [b["private_ip"] for b in estate.balancers.values()]
        sources += [str(private.network_address + private.num_addresses - 9)]
        outside = [s.public_ip for s in estate.servers.values()] + estate.admin + [STRANGER_OUTSIDE]
        tries = []
        for link, addresses in (("private", sources), ("public", outside)):
            for source in sorted(set(addresses) - {server.ip, server.public_ip}):
                if (ipaddress.ip_address(source) in private) != (link == "private"):
                    continue
                tries += [(link, source, port, self.may(allowed, source, port)) for port in ports]
        # A private address that comes in from outside is forged, whoever it says it is.
        forged = sorted({str(n.network_address) for nets in allowed.values() for n in nets
                         if n.subnet_of(private) and str(n.network_address) != server.ip})
        tries += [("public", source, port, False) for source in forged for port in sorted(allowed)]
        return {"ip": server.ip, "public_ip": server.public_ip, "private": str(private), "tries": tries}

    @staticmethod
    def may(allowed, source, port):
        return any(ipaddress.ip_address(source) in network for network in allowed.get(port, []))

    @staticmethod
    def ask(artifact, questions):
        result = run("unshare", "--net", sys.executable, HERE / "reach.py", artifact.file,
                     input=json.dumps(questions))
        if result.returncode != 0:
            return [said(result)]
        return result.stdout.splitlines()
