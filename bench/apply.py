#!/usr/bin/env python3
"""What applying costs beside the ways that people know: bench/apply.py KBGEN [--hosts 10] [--rounds 3] [--without-ansible]

Servers with an sshd of their own stand on this machine (tests/ssh/estate.py). Each round measures, one after the other:

    ssh true      a connection to every server at once, which does nothing: the floor
    tar | ssh     the same bytes that kbgen ships, to every server at once, unpacked there
    first, second kbgen apply on servers that have nothing, and again
    run.sh        the same two by the runner in bash, one server after the other
    ansible       the same files and the same script by a playbook, pipelined, with a fork for every server

What counts are medians and ratios of one run: machines are shared. Needs what the tests over SSH need, and ansible-core.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "ssh"))

from estate import CONFIG, ROOT, TREE, Failed, main  # noqa: E402

SERVICE, FOLDER, STEP = "ground", "49-ground", "lay"
OPTIONS = ["-F", CONFIG, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ControlMaster=no"]
# The first fills caches, of programs and of the kernel.
WARMING = 1


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("kbgen")
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-ansible", action="store_true")
    parser.add_argument("--without-run-sh", action="store_true")
    return parser.parse_args()


class Bench:
    def __init__(self, estate):
        self.estate = estate
        self.times = {}
        self.hosts = [name for name in estate.names]

    def measure(self, what, argv, check=True):
        began = time.monotonic()
        done = self.estate.run(argv, check=False, timeout=1800)
        took = time.monotonic() - began
        if check and done.returncode != 0:
            raise Failed(f"{what}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        self.times.setdefault(what, []).append(took)

    def clean(self):
        """As if nobody had ever been there. The install host keeps its credentials."""
        for name in self.hosts:
            self.estate.host(name).run(["rm", "-rf", ROOT, "/srv/ledger", "/tmp/copied"])
        self.estate.install.run(["bash", "-c", f"rm -rf {ROOT}/state {ROOT}/generations {ROOT}/current {ROOT}/logs"])

    def everywhere(self, command):
        """One command for every server, all at once; $1 is the address, $2 the name."""
        lines = "".join(f"{self.estate.ip(name)} {name}\n" for name in self.hosts)
        self.estate.install.write("/srv/hosts", lines)
        return ["bash", "-c", f"xargs -a /srv/hosts -P {len(self.hosts)} -L 1 bash -c {self.quoted(command)} each"]

    @staticmethod
    def quoted(text):
        return "'" + text.replace("'", "'\\''") + "'"

    def floor(self):
        self.measure("ssh true", self.everywhere(f"exec ssh {' '.join(OPTIONS)} root@$1 true"))

    def copy(self):
        # What kbgen ships: the server's own files and lib/.
        self.measure("tar | ssh", self.everywhere(
            f"tar -C {TREE}/servers/$2 -cf - . -C {TREE} lib | "
            f"ssh {' '.join(OPTIONS)} root@$1 'mkdir -p /tmp/copied && exec tar -xf - -C /tmp/copied'"))

    def kbgen(self):
        apply = ["kbgen", "apply", "-o", TREE, "--module", SERVICE, "--limit", ",".join(self.hosts), "--quiet"]
        self.measure("kbgen first", apply)
        self.expect(1)
        self.measure("kbgen second", apply)
        self.expect(1)

    def run_sh(self):
        apply = ["./run.sh", "apply", "--module", SERVICE, "--limit", ",".join(self.hosts)]
        self.measure("run.sh first", apply)
        self.expect(1)
        self.measure("run.sh second", apply)
        self.expect(1)

    def expect(self, runs):
        found = {self.estate.runs(name, f"{SERVICE}.{STEP}") for name in self.hosts}
        if found != {runs}:
            raise Failed(f"the step ran {found} times")

    def prepare_ansible(self):
        write = self.estate.install.write
        hosts = "".join(f"{name} ansible_host={self.estate.ip(name)}\n" for name in self.hosts)
        write("/srv/ansible/hosts", "[all]\n" + hosts)
        write("/srv/ansible/ansible.cfg", "\n".join([
            "[defaults]", f"forks = {len(self.hosts)}", "gathering = explicit", "host_key_checking = True",
            "interpreter_python = /usr/bin/python3", "inventory = /srv/ansible/hosts", "remote_user = root",
            "[ssh_connection]", "pipelining = True", f"ssh_args = -F {CONFIG} -o ControlMaster=auto -o ControlPersist=60s"]))
        write("/srv/ansible/play.yml", f"""\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {{src: "{TREE}/servers/{{{{ inventory_hostname }}}}/", dest: {ROOT}/, mode: preserve}}
    - ansible.builtin.copy: {{src: {TREE}/lib/, dest: {ROOT}/lib/, mode: preserve}}
    - ansible.builtin.command: {{cmd: {ROOT}/{FOLDER}/{STEP}.sh, creates: /srv/ledger/{SERVICE}.{STEP}}}
""")

    def ansible(self):
        play = ["env", "ANSIBLE_CONFIG=/srv/ansible/ansible.cfg", "ANSIBLE_HOME=/srv/ansible/home", "LC_ALL=C.UTF-8",
                "ansible-playbook", "/srv/ansible/play.yml"]
        self.measure("ansible first", play)
        self.expect(1)
        self.measure("ansible second", play)
        self.expect(1)

    def report(self):
        medians = {what: statistics.median(times[WARMING:] or times) for what, times in self.times.items()}
        print(json.dumps({"hosts": len(self.hosts), "seconds": {k: round(v, 3) for k, v in medians.items()}}))
        for title, above, below, target in (
                ("second apply / ssh true", "kbgen second", "ssh true", "≤ 1.15"),
                ("first apply / tar | ssh", "kbgen first", "tar | ssh", "≤ 1.1"),
                ("ansible first / first apply", "ansible first", "kbgen first", "≥ 10"),
                ("ansible second / second apply", "ansible second", "kbgen second", "")):
            if above in medians and below in medians:
                print(f"{title:32} {medians[above] / medians[below]:6.2f}  {target}")


def test(estate):
    options = arguments()
    bench = Bench(estate)
    bench.prepare_ansible()
    for number in range(options.rounds + WARMING):
        bench.clean()
        bench.floor()
        bench.copy()
        bench.kbgen()
        if not options.without_run_sh and (estate.tree / "run.sh").exists():
            bench.clean()
            bench.run_sh()
        # It takes minutes, and its ratio is no matter of per cents.
        if not options.without_ansible and number == WARMING:
            bench.clean()
            bench.ansible()
        estate.say(f"round {number}")
    bench.report()


if __name__ == "__main__":
    given = arguments()
    sys.exit(main(test, hosts=given.hosts))
