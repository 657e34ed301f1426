"""The stage of MariaDB's live tests: three members behind two proxies, templates/07-mariadb-galera/example.yaml, installed
by the rendered scripts under systemd and docker.

Debian's MariaDB 10.11 and Galera 4 stand for the image's, at the paths of the official flavour.
"""

import os
import re
import subprocess

from fleet import Fleet
from stage import Failed

TOPOLOGY = "templates/07-mariadb-galera/example.yaml"
PROGRAMS = {"mariadbd": "mariadb-server", "mariadb": "mariadb-client", "zstd": "zstd", "wsrep_sst_rsync": "mariadb-server",
            "rsync": "rsync", "haproxy": "haproxy", "lsof": "lsof"}
PROVIDER = "/usr/lib/galera/libgalera_smm.so"
IMAGE = "registry.borealis.example/mariadb:10.11.8"
FOLDER = "07-ledger"
OFFICIAL, PORT = "10.20.0.31", 3316
DATA = "/data/mariadb/data"
UNIT = "mariadb-docker.service"

# What the server's own scripts call, and what is called in the container.
TOOLS = ["mariadbd", "mariadb", "mariadb-dump", "mariadb-install-db", "mariadb-tzinfo-to-sql", "my_print_defaults", "wsrep_sst_rsync",
         "wsrep_sst_common", "rsync", "bash", "sh", "env", "cat", "sed", "grep", "awk", "ps", "ss", "lsof", "find", "xargs",
         "timeout", "date", "sleep", "touch", "rm", "mkdir", "mv", "cp", "chmod", "ls", "tr", "cut", "head", "tail", "dirname",
         "basename", "expr", "uname", "hostname", "id", "whoami", "readlink", "mktemp", "sort", "wc", "stat", "sync", "nproc"]


def libraries(file):
    """What the loader loads with a library that is opened by name."""
    listed = subprocess.run(["ldd", file], capture_output=True, text=True, check=True).stdout
    return [word for word in listed.split() if word.startswith("/")]


class Ledger:
    def __init__(self, stage):
        self.stage = stage
        os.makedirs("/run/mysqld", exist_ok=True)
        os.chmod("/run/mysqld", 0o777)
        stage.image("mariadb", IMAGE, TOOLS,
                    ["/bin/sh", "/bin/bash", "/run/mysqld", "/etc/passwd", "/etc/group", "/usr/share/mysql", "/usr/share/zoneinfo",
                     "/usr/lib/mysql/plugin", PROVIDER, *libraries(PROVIDER)])
        stage.image("haproxy", "haproxy:2.8.5", ["haproxy"])
        self.members = [stage.host(f"depot-sql{n}") for n in (1, 2, 3)]
        self.proxies = [stage.host(f"depot-edge{n}") for n in (1, 2)]
        for host in (*self.members, *self.proxies):
            for folder in ("/etc/mysql", "/etc/haproxy"):
                host.empty(folder)
        # As volumes.tsv has it; the third has none.
        for host in self.members[:2]:
            host.write("/etc/fstab", f"/srv/volume {DATA} none bind 0 0\n")
            host.run(["mkdir", "-p", "/srv/volume", DATA])
            host.run(["mount", DATA])
        self.fleet = Fleet(stage, [*self.members, *self.proxies])

    # ------------------------------------------------------------ asking and doing

    def member(self, host, *words, stdin="", check=True, timeout=300):
        """galera-member on that server."""
        return host.run(["galera-member", *words], stdin=stdin, check=check, timeout=timeout)

    def sql(self, host, text):
        return self.member(host, "sql", "--batch", "--skip-column-names", stdin=text).stdout.strip()

    def status(self, host, name):
        return self.sql(host, f"SELECT variable_value FROM information_schema.global_status WHERE variable_name = '{name}'")

    def cluster(self, host):
        return self.status(host, "wsrep_cluster_state_uuid")

    def state(self, host):
        return self.member(host, "state").stdout.split()

    def script(self, name, *arguments, refused=None, timeout=600):
        """A script of out/modules. With `refused`, it must fail and say so."""
        result = self.fleet.run(FOLDER, name, *arguments, check=refused is None, timeout=timeout)
        if refused and (result.returncode == 0 or not re.search(refused, result.stderr)):
            raise Failed(f"{name} {arguments} must be refused with /{refused}/: {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def healthy(self, seconds=120):
        self.stage.poll(seconds, lambda: all(
            self.member(host, "healthy", check=False).returncode == 0 for host in self.members), "all members are healthy")

    def rows(self, host):
        return self.sql(host, "SELECT GROUP_CONCAT(i ORDER BY i) FROM probe.trial")

    def write(self, host, number):
        self.sql(host, f"CREATE TABLE IF NOT EXISTS probe.trial (i INT PRIMARY KEY); INSERT INTO probe.trial VALUES ({number})")

    def all_have(self, wanted):
        for host in self.members:
            self.stage.same(f"rows on {host.name}", wanted, self.rows(host))

    def journal(self, host, cursor=None):
        words = ["journalctl", f"--unit={UNIT}", "--output=cat", "--no-pager"]
        return host.run([*words, *([f"--after-cursor={cursor}"] if cursor else [])]).stdout

    def cursor(self, host):
        shown = host.run(["journalctl", f"--unit={UNIT}", "--lines=1", "--show-cursor", "--no-pager"]).stdout
        return shown.rsplit("-- cursor: ", 1)[1].strip()

    def kill(self, host):
        """The server's process, without a word."""
        pid = host.run(["docker", "inspect", "--format", "{{.State.Pid}}", "mariadb"]).stdout.strip()
        host.run(["kill", "-KILL", pid])

    # ------------------------------------------------------------ installing

    def install(self):
        self.fleet.run("03-front", "apply.sh")
        result = self.script("apply.sh")
        said = re.findall(r"07_maria_02_bootstrap: (.*)", result.stderr)
        self.stage.same("what was done on the install host", ["initialising depot-sql1", "beginning the cluster on depot-sql1"],
                        [line for line in said if line.endswith("depot-sql1")])
        self.healthy()
        self.stage.say("installed: " + self.sql(self.members[0], "SELECT VERSION()"))

    def validates(self):
        result = self.fleet.run(FOLDER, "validate.sh", check=False)
        last = [line for line in result.stdout.splitlines() if "checks, " in line]
        if result.returncode != 0 or not last:
            raise Failed(f"{result.stdout}{result.stderr}")
        self.stage.say(last[0])
