#!/usr/bin/env python3
"""ProxySQL's scripts, under systemd and docker, with a stand-in for the program and a real Galera cluster
behind it: installed by apply.sh as an operator does, changed while it runs, restarted behind its gate, drained,
watched, drilled.

ProxySQL itself is in no distribution. What is tried here is what is rendered: that each step does what it
says, a second time changes nothing, and checks fail when they must."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from fleet import Fleet
from stage import HERE, SOURCE, Failed, main

GATES = ("depot-gate1", "depot-gate2")
MEMBERS = ("depot-sql1", "depot-sql2", "depot-sql3")
PORT, ADMIN = 3316, 6132
FOLDER = "08-gate"
TOPOLOGY = "templates/08-proxysql/example.yaml"
KEYS = SOURCE / "templates/08-proxysql/keys"
NATIVE = HERE.parent / "native"
BIN = Path("/usr/local/sbin")
PROVIDER = "/usr/lib/galera/libgalera_smm.so"
LIBCONFIG = "/usr/lib/x86_64-linux-gnu/libconfig.so.9"


def test(stage):
    build_image(stage)
    members = galera(stage)
    gates = [stage.host(name) for name in GATES]
    stage.balancer("sql", "10.20.0.9", {PORT: GATES})
    fleet = Fleet(stage, gates)
    stage.say("Galera runs; installing the proxies")

    fleet.run(FOLDER, "apply.sh")
    stage.say("installed; every check must pass")
    report = validated(stage, fleet)
    stage.same("checks that failed", [], re.findall(r"not ok .*", report))
    writes_at(stage, members[0])

    said(gates)
    fleet.run(FOLDER, "apply.sh")
    stage.same("what a second run did", [], re.findall(r"(?:wrote|loaded|restart|removed|starting|made) .*", said(gates)))

    stage.say("a change is loaded into the running proxies, without a restart")
    before = [started(g) for g in gates]
    render_other(stage, {"user_connections": 90})
    fleet.run(FOLDER, "apply.sh")
    stage.same("what was loaded", ["loaded users"] * 2, re.findall(r"loaded .*", said(gates)))
    stage.same("containers", before, [started(g) for g in gates])
    stage.same("users' limits", {"90"}, set(ask(gates[1], "SELECT max_connections FROM runtime_mysql_users").split()))

    stage.say("what is changed by hand is found, and made good")
    stranger = spoil(gates[0])
    failed_checks(validated(stage, fleet, well=False), "depot-gate1", [
        "proxysql-docker.service is enabled and active",
        "files have their owners and modes, and the data folder is closed",
        "clients come in on every address, administrators on the private one",
        "the published passwords are refused",
        "every table and variable that runs is as rendered",
        "the hostgroups of Galera are active",
        "one rule sends everything to the writer",
        "user shop: hostgroup, limit, database",
        "user books_rw gets through to its database",
        "the twins have the same configuration",
        "the twins have the same writer",
        "the monitoring script looks, by its timer",
    ])
    stranger.kill()
    fleet.run(FOLDER, "apply.sh")
    stage.same("checks that failed", [], re.findall(r"not ok .*", validated(stage, fleet)))

    stage.say("a new admin password, while the proxies run")
    new_secret(stage, "gate.env", "GATE_ADMIN")
    fleet = Fleet(stage, gates)
    fleet.run(FOLDER, "apply.sh")
    stage.same("containers", before, [started(g) for g in gates])
    stage.same("checks that failed", [], re.findall(r"not ok .*", validated(stage, fleet)))

    stage.say("a variable that waits for a restart: drained, one after the other")
    variables = {"default_query_timeout": "3600000", "long_query_time": "500", "sessions_sort": None, "threads": "3"}
    render_other(stage, {"user_connections": 90, "variables": variables})
    fleet.run(FOLDER, "apply.sh")
    if set(before) & {started(g) for g in gates}:
        raise Failed("a proxy was not restarted for the number of its threads")
    stage.same("threads", ["3", "3"], [variable(g, "mysql-threads") for g in gates])

    stage.say("a variable that is not rendered any more has its default again")
    del variables["long_query_time"]
    render_other(stage, {"user_connections": 90, "variables": variables})
    fleet.run(FOLDER, "apply.sh")
    stage.same("long_query_time", ["1000", "1000"], [variable(g, "mysql-long_query_time") for g in gates])

    stage.say("a name that ProxySQL does not know is found in its log")
    gates[0].run(["sed", "-i", "s/threads=.*/threads=3 thread_count=3/", "/etc/proxysql/conf/proxysql.cnf"])
    gates[0].run(["systemctl", "restart", "proxysql-docker.service"])
    stage.poll(15, lambda: gates[0].run(["proxysql-member", "healthy"]), "both are well")
    failed_checks(validated(stage, fleet, well=False), GATES[0], ["its log has no complaint from its start"])
    fleet.run(FOLDER, "apply.sh")
    gates[0].run(["proxysql-member", "restart"])

    stage.say("no proxy is restarted while its twin could not take over")
    gates[1].run(["systemctl", "stop", "proxysql-docker.service"])
    refusal = gates[0].run(["proxysql-member", "restart"], check=False)
    if refusal.returncode == 0 or "could not take over" not in refusal.stderr:
        raise Failed(f"it was restarted all the same: {refusal}")
    stage.poll(5, lambda: stage.accepts(gates[0].ip, PORT), "and it goes on")
    gates[1].run(["systemctl", "start", "proxysql-docker.service"])
    stage.poll(15, lambda: gates[0].run(["proxysql-member", "healthy"]), "both are well")

    stage.say("drained by weight, on both proxies from one")
    gates[1].run(["proxysql-member", "drain", MEMBERS[0]])
    for g in gates:
        stage.same("writer", members[1].ip, writer(g))
    gates[0].run(["proxysql-member", "undrain"])
    stage.poll(10, lambda: all(writer(g) == members[0].ip for g in gates), "it writes again")
    nobody = gates[0].run(["proxysql-member", "drain", "depot-sql9"], check=False)
    stage.same("draining somebody who is no member", 1, nobody.returncode)

    stage.say("the drills")
    for manner in ([], ["--crash"]):
        done = fleet.run(FOLDER, "08_proxysql_05_failover_tests.sh", "--yes", *manner)
        stage.say("\n".join(done.stdout.splitlines()[1:]))
    stage.same("without --yes", 2, fleet.run(FOLDER, "08_proxysql_05_failover_tests.sh", check=False).returncode)

    stage.say("a wrong monitor password is found by the checks and the script")
    sql(members[0], "SET PASSWORD FOR monitor@'%' = PASSWORD('another')")
    for g in gates:
        stage.poll(15, lambda g=g: g.run(["monitor_proxysql.sh"], check=False).returncode == 1, "the script fails")
    failed_checks(validated(stage, fleet, well=False), "depot-gate2", [
        "there is exactly one writer",
        "all members are online, in the eyes of every proxy",
        "every member answers the health check well",
        "the monitor can log in to every member",
        "the monitoring script finds the proxy well",
        *rows_through(stage),
    ])
    sql(members[0], f"SET PASSWORD FOR monitor@'%' = PASSWORD('{stage.secret('ledger.env', 'LEDGER_MONITOR')}')")
    stage.poll(15, lambda: gates[0].run(["proxysql-member", "healthy"]), "well again")

    stage.say("cleanup asks first, and leaves nothing but credentials")
    cleanup = f"{stage.install_root}/{FOLDER}/cleanup.sh"
    stage.same("without a word", 1, gates[0].run([cleanup], check=False).returncode)
    gates[0].run([cleanup, "--yes=borealis/gate"])
    places = "/etc/proxysql /data/proxysql /usr/local/sbin/proxysql* /etc/systemd/system/*proxysql*"
    left = gates[0].run(["bash", "-c", f"ls -d {places} 2>/dev/null"], check=False)
    stage.same("left over", "", left.stdout)


# ------------------------------------------------------------------ the servers


def galera(stage):
    """Three members as small as they can be, with the accounts that 07 would have made."""
    hosts = [stage.host(name) for name in MEMBERS]
    for host in hosts:
        host.empty("/data/mysql")
        host.run(["chown", "999:999", "/data/mysql"])
        host.run(["install", "-d", "-o", "999", "-g", "999", "/run/mysqld"])
        host.run(["mariadb-install-db", "--no-defaults", "--datadir=/data/mysql", "--skip-test-db",
                  "--auth-root-authentication-method=normal", "--innodb-log-file-size=8M"], user="999:999", timeout=120)
        argv = ["mariadbd", "--no-defaults", *SMALL, f"--wsrep-node-address={host.ip}", f"--wsrep-node-name={host.name}",
                "--wsrep-cluster-address=gcomm://" + ",".join(h.ip for h in hosts)]
        first = ["--wsrep-new-cluster"] if host is hosts[0] else []
        host.start([*argv, *first], user="999:999", cwd="/data/mysql", name="mariadbd")
        synced = lambda host=host: "Synced" in sql(host, "SHOW STATUS LIKE 'wsrep_local_state_comment'")
        stage.poll(90, synced, f"{host.name} is Synced")
    for user, database, file, key in (("monitor", "", "ledger.env", "LEDGER_MONITOR"),
                                      ("probe", "probe", "ledger.env", "LEDGER_PROBE"),
                                      ("shop", "shop", "shop.env", "SHOP_DB"), ("books_rw", "books", "books.env", "BOOKS_DB")):
        # The monitor may do nothing at all, which is enough for what it asks.
        sql(hosts[0], f"CREATE USER {user}@'%' IDENTIFIED BY '{stage.secret(file, key)}'")
        if database:
            sql(hosts[0], f"CREATE DATABASE {database}; GRANT ALL ON {database}.* TO {user}@'%'")
    return hosts


SMALL = ["--datadir=/data/mysql", "--socket=/run/mysqld/s", "--pid-file=/run/mysqld/p", f"--port={PORT}",
         "--bind-address=0.0.0.0", "--skip-name-resolve", "--max-connections=500", "--performance-schema=OFF",
         "--binlog-format=ROW", "--default-storage-engine=InnoDB", "--innodb-autoinc-lock-mode=2",
         "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=2",
         "--wsrep-on=ON", f"--wsrep-provider={PROVIDER}", "--wsrep-sst-method=rsync",
         "--wsrep-provider-options=gcache.size=16M"]


def sql(host, statement):
    return host.run(["mariadb", "--no-defaults", "--socket=/run/mysqld/s", "--user=root", "--batch", "--skip-column-names"],
                    stdin=statement).stdout


def build_image(stage):
    """The stand-in as the image's program, with the Python that it is written in."""
    folder = stage.scratch / "stand-in"
    folder.mkdir()
    shutil.copytree(KEYS, folder / "keys")
    for file in (HERE / "proxysql", NATIVE / "proxysql_tables.py", NATIVE / "libconfig.py"):
        shutil.copy(file, folder)
    # Where the image shall have it, for this test alone.
    subprocess.run(["mount", "--bind", folder, BIN], check=True)
    library = Path("/usr/lib") / Path("/usr/bin/python3").resolve().name
    loaded = [m for name in ("_ctypes", "_hashlib", "_sqlite3") for m in library.glob(f"lib-dynload/{name}.*")]
    libraries = {word for file in (*loaded, LIBCONFIG) for word in needed_by(file)} | {LIBCONFIG}
    stage.image("proxysql", "proxysql/proxysql:2.6.4", ["python3", "mariadb"], [BIN, library, *libraries])


def needed_by(file):
    """The libraries that the loader loads for another."""
    words = subprocess.run(["ldd", file], capture_output=True, text=True).stdout.split()
    return [word for word in words if word.startswith("/") and not word.endswith(":")]


# ------------------------------------------------------------------ questions


def ask(host, statement):
    return host.run(["mariadb", "--defaults-file=/etc/proxysql/admin.cnf", "--batch", "--skip-column-names",
                     "--execute", statement]).stdout


def writer(host):
    return host.run(["proxysql-member", "writer"]).stdout.strip()


def variable(host, name):
    return ask(host, f"SELECT variable_value FROM runtime_global_variables WHERE variable_name = '{name}'").strip()


def started(host):
    return host.run(["docker", "inspect", "--format", "{{.State.StartedAt}}", "proxysql"]).stdout


def said(gates):
    """What the steps have said since it was last asked."""
    logs = "/srv/borealis/logs/*"
    return "".join(g.run(["bash", "-c", f"cat {logs}; rm -f {logs}"]).stdout for g in gates)


def validated(stage, fleet, well=True):
    result = fleet.run(FOLDER, "validate.sh", check=False)
    if well and result.returncode != 0:
        raise Failed(f"validate.sh: {result.returncode}\n{result.stdout}{result.stderr}")
    if not well and result.returncode == 0:
        raise Failed("validate.sh passed")
    return result.stdout + result.stderr


def rows_through(stage):
    """The checks that write a row: through the proxy itself, and through each way that leads to it."""
    script = (stage.tree / "servers" / GATES[1] / FOLDER / "validate.sh").read_text()
    return re.findall(r"^check '(a row is written [^']*)'", script, re.MULTILINE)


def failed_checks(report, server, wanted):
    for check in wanted:
        if not re.search(rf"{server}: not ok \d+ - {re.escape(check)}$", report, re.MULTILINE):
            raise Failed(f"this check did not fail on {server}: {check}\n{report}")


def spoil(host):
    """By hand, what nobody should do by hand."""
    for change, part in (
            ("UPDATE global_variables SET variable_value = '700' WHERE variable_name = 'mysql-long_query_time'",
             "MYSQL VARIABLES"),
            ("UPDATE global_variables SET variable_value = variable_value || ';admin:admin'"
             " WHERE variable_name = 'admin-admin_credentials'", "ADMIN VARIABLES"),
            ("INSERT INTO mysql_query_rules (rule_id, active, match_digest, destination_hostgroup, apply)"
             " VALUES (9, 1, '^SELECT', 200, 1)", "MYSQL QUERY RULES"),
            ("UPDATE mysql_users SET default_hostgroup = 200 WHERE username = 'shop'", "MYSQL USERS"),
            ("UPDATE mysql_galera_hostgroups SET max_writers = 2;"
             "UPDATE mysql_servers SET weight = 1 WHERE hostgroup_id = 100", "MYSQL SERVERS")):
        ask(host, f"{change}; LOAD {part} TO RUNTIME")
    host.run(["systemctl", "disable", "proxysql-docker.service"])
    host.run(["systemctl", "stop", "monitor-proxysql.timer"])
    host.run(["chmod", "0644", "/etc/proxysql/wanted.json"])
    host.run(["sed", "-i", "s/^books_rw .*/books_rw another/", "/etc/proxysql/role-passwords"])
    return host.start(["python3", "-m", "http.server", str(ADMIN), "--bind", "127.0.0.2"], name="stranger")


def writes_at(stage, member):
    """The rows of the checks are there, and were written on this member only."""
    rows = sql(member, "SELECT COUNT(*) FROM probe.proxysql_check").strip()
    stage.same("rows of the checks", len(GATES) * len(rows_through(stage)), int(rows))


def render_other(stage, settings):
    """The same estate with other settings of the proxies."""
    folder = stage.scratch / "other"
    shutil.copytree((SOURCE / TOPOLOGY).parent, folder, dirs_exist_ok=True)
    topology = yaml.safe_load((folder / "example.yaml").read_text())
    topology["services"]["gate"]["settings"] |= settings
    (folder / "example.yaml").write_text(yaml.safe_dump(topology))
    modules = [f"--modules={m}" for m in filter(None, [os.environ.get("KBGEN_MODULES")])]
    command = [Path(sys.argv[1]).resolve(), "render", "--model", folder / "example.yaml", "--out", stage.tree, *modules]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode != 0:
        raise Failed(made.stdout + made.stderr)


def new_secret(stage, file, key):
    path = stage.scratch / "credentials" / file
    path.write_text(re.sub(rf"^{key}=.*$", f"{key}=another-Password.of_2026", path.read_text(), flags=re.MULTILINE))


PROGRAMS = {"mariadbd": "mariadb-server", "mariadb": "mariadb-client", "rsync": "rsync", "haproxy": "haproxy", "jq": "jq",
            "ss": "iproute2"}
if "KBGEN_STAGE" not in os.environ:
    for file, package in ((LIBCONFIG, "libconfig9"), (PROVIDER, "galera-4")):
        if not Path(file).exists():
            must = os.environ.get("CI") == "true"
            print(f"{'MISSING' if must else 'SKIP'}: there is no {file} (Debian: {package})")
            sys.exit(1 if must else 77)
sys.exit(main(test, topology=TOPOLOGY, programs=PROGRAMS, systemd=True))
