#!/usr/bin/env python3
"""Backups of PostgreSQL: three members of Patroni by the rendered steps, a base backup of a replica on the backup
server, and the cluster begun again from it.

Debian's PostgreSQL 15 and the pinned Patroni of PyPI stand for the members' image.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "native"))

from fleet import Fleet  # noqa: E402
from stage import PATH, SKIPPED, Failed, _do, _libraries, main  # noqa: E402
from validator import Missing, python_tools  # noqa: E402

TOPOLOGY = "templates/03-postgresql-ha/example.yaml"
VERSIONS = (HERE.parents[1] / "templates/03-postgresql-ha/example-versions.yaml").read_text()
FOLDER = "03-warehouse"
IMAGE = re.search(r"patroni: \{ref: (\S+),", VERSIONS)[1]
BACKUPS = "/srv/backup/borealis/warehouse"
YES = "--yes=borealis/warehouse"
SERVER = "/usr/lib/postgresql/15"


def build():
    """Patroni and what it imports, as the versions of the example have it."""
    pins = dict(re.findall(r"^  (\w+): ([\d.]+)$", VERSIONS, re.MULTILINE))
    return python_tools(f"patroni[raft,etcd3]=={pins['patroni']}", f"pysyncobj=={pins['pysyncobj']}",
                        f"psycopg2-binary=={pins['psycopg']}", f"ydiff=={pins['ydiff']}")


def make_image(stage):
    tools = Path(os.environ["KBGEN_PATRONI"])
    # The image has a user of this name and number, and PostgreSQL asks for its name.
    users = stage.scratch / "passwd"
    users.write_text("root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n")
    _do("mount", "--bind", users, "/etc/passwd")
    os.makedirs("/var/run/postgresql", exist_ok=True)
    os.chmod("/var/run/postgresql", 0o777)
    # The environment's python is a link to whatever python made it.
    python = Path(os.readlink(tools / "python3"))
    library = Path(subprocess.run([tools / "python3", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"],
                                  capture_output=True, text=True, check=True).stdout.strip())
    # Of the large parts nothing is used here: just-in-time compilation, tests, packages of others.
    extensions = [file for file in Path(SERVER, "lib").glob("*.so") if "llvm" not in file.name]
    standard = [part for part in library.iterdir() if part.name not in ("site-packages", "dist-packages", "test", "ensurepip")]
    modules = [python, *library.glob("lib-dynload/*.so"), *tools.parent.rglob("*.so"), *extensions]
    libraries = set().union(*(_libraries(module) for module in modules))
    stage.image("patroni", IMAGE, ["sh", "locale", *map(str, Path(SERVER, "bin").iterdir())],
                ["/bin/sh", tools.parent, python, *standard, *extensions, "/usr/share/postgresql/15", "/usr/share/zoneinfo",
                 "/usr/lib/locale", "/etc/passwd", "/var/run/postgresql", *libraries],
                env={"PATH": f"{tools}:{SERVER}/bin:{PATH}"}, entrypoint=[f"{tools}/patroni"],
                command=["/etc/patroni/patroni.yml"])
    _do("umount", "/etc/passwd")


class Warehouse:
    def __init__(self, stage):
        self.stage = stage
        make_image(stage)
        # What Debian has not, and what this machine has not so much of.
        for file in stage.tree.rglob("servers/*/*/etc/patroni/*"):
            text = file.read_text()
            file.write_text(text.replace("2GB", "32MB")
                            .replace("en_US.UTF-8", "C.UTF-8")
                            .replace('EXTENSION IF NOT EXISTS "vector"', 'EXTENSION IF NOT EXISTS "plpgsql"'))
        self.members = [stage.host(f"depot-db{n}") for n in (1, 2, 3)]
        self.store = stage.host("depot-web1")
        # As volumes.tsv has it; the third has none.
        for host in self.members[:2]:
            host.write("/etc/fstab", "/srv/volume /data/pg none bind 0 0\n")
            host.run(["mkdir", "-p", "/srv/volume", "/data/pg"])
            host.run(["mount", "/data/pg"])
        self.fleet = Fleet(stage, [*self.members, self.store])

    def script(self, name, *arguments, refused=""):
        result = self.fleet.run(FOLDER, name, *arguments, check=not refused)
        if refused and (result.returncode == 0 or refused not in result.stderr):
            raise Failed(f"{name} {arguments}: status {result.returncode}, not refused with {refused!r}:\n{result.stderr}")
        return result.stdout

    def leader(self):
        name = self.members[0].run(["pg-member", "leader"]).stdout.strip()
        return next(host for host in self.members if host.name == name)

    def healthy(self, seconds=90):
        self.stage.poll(seconds, lambda: all(
            host.run(["pg-member", "healthy"], check=False).returncode == 0 for host in self.members), "all members agree")

    def sql(self, host, text, database="stock"):
        return host.run(["pg-member", "psql", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1",
                         f"--dbname={database}"], stdin=text).stdout.strip()

    def backups(self):
        return self.script("backup.sh", "--list").split()

    def system(self, host):
        return self.sql(host, "SELECT system_identifier FROM pg_control_system()")


CONTENTS = "SELECT string_agg(number || ':' || note, ' ' ORDER BY number) FROM items"


def test(stage):
    warehouse = Warehouse(stage)
    warehouse.fleet.run(FOLDER, "apply.sh")
    warehouse.healthy()
    for trial in (answers_its_gates, makes_backups, restores_over_living_data, restores_what_was_lost):
        stage.say(trial.__name__.replace("_", " "))
        trial(stage, warehouse)


def answers_its_gates(stage, warehouse):
    gate = f"{stage.install_root}/{FOLDER}/gate.sh"
    leader = warehouse.leader()
    for host in warehouse.members:
        for arguments, wanted in (([], 0), ([leader.name], 0), (["--leads"], 0 if host is leader else 1), (["nobody"], 1)):
            result = host.run([gate, *arguments], check=False)
            stage.same(f"gate.sh {arguments} on {host.name}", wanted, result.returncode)
    away = next(host for host in warehouse.members if host is not leader)
    away.run(["systemctl", "stop", "patroni-docker.service"], timeout=90)
    stage.same("of a member that does not run", 10, away.run([gate, away.name], check=False).returncode)
    result = leader.run([gate, leader.name], check=False)
    stage.same("while another is away", 1, result.returncode)
    stage.same("its reason", True, "its REST interface does not answer" in result.stdout.splitlines()[-1])
    away.run(["systemctl", "start", "patroni-docker.service"])
    warehouse.healthy()


def makes_backups(stage, warehouse):
    leader = warehouse.leader()
    warehouse.sql(leader, "CREATE TABLE items (number int PRIMARY KEY, note text)")
    warehouse.kept = {}
    for number in (1, 2, 3):
        warehouse.sql(leader, f"INSERT INTO items VALUES ({number}, 'naïve {number}')")
        before = warehouse.sql(leader, CONTENTS)
        # A replica may be a moment behind.
        stage.poll(20, lambda: all(warehouse.sql(host, CONTENTS) == before for host in warehouse.members), "all have it")
        warehouse.script("backup.sh")
        warehouse.kept[warehouse.backups()[-1]] = before
    found = warehouse.backups()
    stage.same("backups that were kept", sorted(warehouse.kept)[-2:], found)
    manifest = warehouse.store.read(f"{BACKUPS}/{found[-1]}/MANIFEST")
    stage.same("taken from a replica", False, f"member {leader.name}\n" in manifest)
    stage.say(manifest.replace("\n", ", "))


def restores_over_living_data(stage, warehouse):
    older = warehouse.backups()[0]
    leader = warehouse.leader()
    warehouse.sql(leader, "INSERT INTO items VALUES (9, 'later'); CREATE TABLE late (i int)")
    warehouse.script("restore.sh", YES, f"--from={older}", refused="--over-living-data")
    stage.same("who leads after a refusal", leader.name, warehouse.leader().name)
    began = time.monotonic()
    warehouse.script("restore.sh", YES, f"--from={older}", "--over-living-data")
    stage.say(f"restored in {time.monotonic() - began:.0f} s")
    warehouse.healthy()
    for host in warehouse.members:
        stage.same(f"contents of {host.name}", warehouse.kept[older], warehouse.sql(host, CONTENTS))
    stage.same("a table of later", "", warehouse.sql(warehouse.leader(), "SELECT to_regclass('late')"))
    # The configuration in the DCS is there again, and it goes on.
    shown = warehouse.members[0].run(["pg-member", "ctl", "show-config"]).stdout
    stage.same("strict commits", True, "synchronous_mode_strict: true" in shown)
    warehouse.fleet.run(FOLDER, "apply.sh")
    warehouse.sql(warehouse.leader(), "INSERT INTO items VALUES (10, 'afterwards')")


def restores_what_was_lost(stage, warehouse):
    """Every disk is empty, and what is installed on them has another identity than the backup."""
    newest = warehouse.backups()[-1]
    before = warehouse.system(warehouse.members[0])
    for host in warehouse.members:
        host.step("warehouse", "cleanup", YES, f"--delete-data={host.name}")
    warehouse.fleet.run(FOLDER, "apply.sh")
    warehouse.healthy()
    stage.same("the same cluster", False, before == warehouse.system(warehouse.members[0]))
    warehouse.script("restore.sh", YES, "--from=latest", "--over-living-data")
    warehouse.healthy()
    for host in warehouse.members:
        stage.same(f"contents of {host.name}", warehouse.kept[newest], warehouse.sql(host, CONTENTS))
        stage.same(f"identity of {host.name}", before, warehouse.system(host))


if "KBGEN_STAGE" not in os.environ:
    try:
        os.environ["KBGEN_PATRONI"] = str(build())
    except Missing as missing:
        print(f"SKIP: {missing}")
        sys.exit(SKIPPED)
sys.exit(main(test, topology=TOPOLOGY, systemd=True, programs={
    f"{SERVER}/bin/postgres": "postgresql-15", "curl": "curl", "jq": "jq", "zstd": "zstd"}))
