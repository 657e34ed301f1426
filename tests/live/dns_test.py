#!/usr/bin/env python3
"""Rendered zone files, served by a real name server and asked for by the rendered verification."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "native")]
sys.dont_write_bytecode = True

from stage import PATH, SKIPPED, Failed, main  # noqa: E402

PUBLIC = ["9.9.9.9", "149.112.112.112"]  # the topology's resolvers
INTERNAL = "10.40.0.53"
ZONE = "harbour.example"


class NameServer:
    """named, with the records of files around which it puts the SOA and NS that are not ours."""

    def __init__(self, stage, address, files):
        self.stage, self.address = stage, address
        self.folder = stage.scratch / f"named-{address}"
        self.folder.mkdir()
        self.records = "".join(file.read_text() for file in files)
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
        (self.folder / "named.conf").write_text(
            f'options {{ directory "{self.folder}"; listen-on {{ {address}; }}; listen-on-v6 {{ none; }}; recursion no;\n'
            '  pid-file none; session-keyfile "session.key"; managed-keys-directory "."; dnssec-validation no; };\n'
            f'controls {{ }};\nzone "{ZONE}" {{ type primary; file "zone"; }};\n')
        self.process = None
        self.serve(self.records)

    def serve(self, records):
        self.silence()
        (self.folder / "zone").write_text(
            f"$ORIGIN {ZONE}.\n@ 60 IN SOA ns.partner.example. post.partner.example. 1 3600 600 86400 60\n"
            f"@ 60 IN NS ns.partner.example.\n{records}")
        log = open(self.folder / "log", "a")
        self.process = subprocess.Popen([os.environ["KBGEN_NAMED"], "-g", "-4", "-n", "1", "-c", self.folder / "named.conf"],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.stage.poll(20, lambda: ask(self.address, ZONE, "SOA"), f"{self.address} serves {ZONE}:\n"
                        + (self.folder / "log").read_text())

    def silence(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None


def ask(address, name, kind):
    return subprocess.run([os.environ["KBGEN_DIG"], "-r", "+short", "+time=1", "+tries=1", f"@{address}", "-q", name, "-t", kind],
                          capture_output=True, text=True, check=True).stdout


def test(stage):
    tools = stage.scratch / "bin"
    tools.mkdir()
    (tools / "dig").symlink_to(os.environ["KBGEN_DIG"])
    environment = {"PATH": f"{tools}:{PATH}", "LC_ALL": "C.UTF-8", "HOME": str(stage.scratch)}
    outside, inside = stage.tree / f"dns/{ZONE}.zone", stage.tree / f"dns/{ZONE}.internal.zone"

    def verify(*arguments):
        """(what is not ok, with reasons; how many checks; skipped)"""
        result = subprocess.run([stage.tree / "modules/01-edge/verify_dns.sh", *arguments], env=environment, text=True,
                                capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
        plan = re.search(r"^1\.\.(\d+)$", result.stdout, re.M)
        wrong = dict(re.findall(r"^not ok \d+ - (.*)\n((?:# .*\n)*)", result.stdout, re.M))
        if not plan or bool(result.returncode) != bool(wrong):
            raise Failed(f"the suite did not end:\n{result.stdout}{result.stderr}")
        return wrong, int(plan[1]), len(re.findall("# SKIP", result.stdout))

    stage.say("the files as they are")
    servers = {address: NameServer(stage, address, [outside]) for address in PUBLIC}
    # A resolver that answers for all of the domain has both files.
    servers[INTERNAL] = NameServer(stage, INTERNAL, [outside, inside])
    names = len(set(re.findall(r"^\S+ IN \S+", outside.read_text(), re.M)))
    hosts = len(stage.addresses)
    stage.same("public names", ({}, 2 * names + 1, 1), verify())
    stage.same("and internal ones", ({}, 2 * names + hosts, 0), verify(f"--internal={INTERNAL}"))
    stage.same("everything inside", ({}, names + hosts, 0), verify(f"--resolver={INTERNAL}", f"--internal={INTERNAL}"))
    stage.same("a server's address", "10.40.0.21\n", ask(INTERNAL, f"pier-app1.{ZONE}", "A"))
    stage.same("seen from outside", "", ask(PUBLIC[0], f"pier-app1.{ZONE}", "A"))

    stage.say("records that are not so")
    other = servers[PUBLIC[1]]
    for old, new, check, reason in (
            ("www IN A 203.0.113.6", "www IN A 203.0.113.66", "www.harbour.example A",
             'A: wanted "203.0.113.5|203.0.113.6", found "203.0.113.5|203.0.113.66"'),
            ("www IN A 203.0.113.6", "", "www.harbour.example A", 'wanted "203.0.113.5|203.0.113.6", found "203.0.113.5"'),
            ("shop IN A 203.0.113.6", "shop IN A 203.0.113.5\nshop IN A 203.0.113.6", "shop.harbour.example A",
             'wanted "203.0.113.6", found "203.0.113.5|203.0.113.6"'),
            ("shop IN A 203.0.113.6", "shop IN CNAME www", "shop.harbour.example A", 'wanted "203.0.113.6", found ""'),
            ("shop IN A 203.0.113.6", "", "shop.harbour.example A", 'wanted "203.0.113.6", found ""'),
            ("shop IN A", "shop 3600 IN A", "shop.harbour.example A", "is remembered for 3600 s, wanted at most 60 s"),
            ("docs IN CNAME pages.partner.example.", "docs IN CNAME pages.partner.example", "docs.harbour.example CNAME",
             'wanted "pages.partner.example.", found "pages.partner.example.harbour.example."'),
            ("MX 10", "MX 20", "harbour.example MX", 'wanted "10 mx.partner.example.", found "20 mx.partner.example."'),
            ("~all", "-all", "harbour.example TXT", r'found "\"v=spf1 mx include:partner.example -all\""'),
            ("CAA 0 issue", "CAA 0 issuewild", "harbour.example CAA", "issuewild"),
    ):
        if old not in other.records:
            raise Failed(f"the zone has no {old!r}")
        other.serve(other.records.replace(old, new))
        wrong, *_ = verify()
        stage.same(f"{new or 'no ' + old}", [f"public: {check} at {other.address}"], list(wrong))
        found = wrong.popitem()[1].replace(r'\"', '"')
        if reason.replace(r'\"', '"') not in found:
            raise Failed(f"{new}: wanted {reason!r}, found {found!r}")
    other.serve(other.records)
    stage.same("repaired", {}, verify()[0])

    stage.say("a resolver that is silent, and one that does not know a server")
    other.silence()
    wrong, *_ = verify()
    stage.same("silent", names, sum(check.endswith(other.address) for check in wrong))
    stage.same("the other one", names, len(wrong))
    inner = servers[INTERNAL]
    inner.serve(inner.records.replace("mq1.int.harbour.example. IN A 10.40.0.31", ""))
    stage.same("a server is missing", [f"internal: mq1.int.harbour.example A at {INTERNAL}"],
               list(verify(f"--resolver={PUBLIC[0]}", f"--internal={INTERNAL}")[0]))
    for server in servers.values():
        server.silence()


def find_tools():
    """Debian's, from packages that need not be installed: a name server is nothing to leave running."""
    from validator import debian_program
    for variable, program, package, path in (("KBGEN_NAMED", "named", "bind9", "usr/sbin/named"),
                                             ("KBGEN_DIG", "dig", "bind9-dnsutils", "usr/bin/dig")):
        os.environ[variable] = shutil.which(program, path=PATH) or debian_program(package, path)


if __name__ == "__main__":
    if "KBGEN_STAGE" not in os.environ:
        from validator import Missing
        try:
            find_tools()
        except Missing as missing:
            must = os.environ.get("CI") == "true"
            print(f"{'MISSING' if must else 'SKIP'}: {missing} (Debian: {missing.package})")
            sys.exit(1 if must else SKIPPED)
    sys.exit(main(test, topology=os.environ.get("KBGEN_TOPOLOGY", "templates/01-load-balancers/example.yaml")))
