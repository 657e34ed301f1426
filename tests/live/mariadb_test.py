#!/usr/bin/env python3
"""MariaDB and Galera, installed by the rendered steps: one cluster, its users, a crash, restarts, and drills under a client
that writes. What follows a full stop is mariadb_recovery_test.py's."""

import sys

from mariadb_stage import FOLDER, OFFICIAL, PORT, PROGRAMS, TOPOLOGY, UNIT, Ledger
from stage import Failed, main


def test(stage):
    ledger = Ledger(stage)
    ledger.install()
    for trial in (installing_again_changes_nothing, ledger_validates, users_are_limited, accounts_are_put_right,
                  a_crashed_member_fetches_what_it_missed, restarts_ask_before, drills, ledger_validates):
        stage.say(trial.__name__.replace("_", " "))
        trial(stage, ledger)


def ledger_validates(_, ledger):
    ledger.healthy()
    ledger.validates()


def installing_again_changes_nothing(stage, ledger):
    def traces():
        files = [host.run(["bash", "-c", "cat /srv/borealis/logs/*ledger*.log"]).stdout for host in ledger.members]
        return [line for text in files for line in text.splitlines()
                if any(word in line for word in (" wrote ", " starting ", "restart", "set the password", " belongs to "))]

    def remains():
        started = [h.run(["docker", "inspect", "--format", "{{.State.StartedAt}}", "mariadb"]).stdout for h in ledger.members]
        return traces(), started, ledger.status(ledger.members[0], "wsrep_last_committed")

    before = remains()
    result = ledger.script("apply.sh")
    stage.same("what a second run left behind", before, remains())
    stage.same("a second bootstrap", True, "there is a cluster: Primary on" in result.stderr)
    stage.same("word of the unit", "", ledger.members[0].run(["systemctl", "cat", UNIT]).stdout.partition("wsrep-new")[1])


def login(host, user, password, address, database, statement="SELECT DATABASE()"):
    return host.run(["mariadb", "--no-defaults", "--protocol=tcp", f"--host={address}", f"--port={PORT}", f"--user={user}",
                     "--connect-timeout=5", "--batch", "--skip-column-names", f"--execute={statement}", database],
                    env={"MYSQL_PWD": password}, check=False)


def users_are_limited(stage, ledger):
    books = stage.secret("books.env", "BOOKS_DB_PASSWORD")
    monitor = stage.secret("ledger.env", "LEDGER_MONITOR")
    root = stage.secret("ledger.env", "LEDGER_ROOT")
    web, first = stage.host("depot-web1"), ledger.members[0]
    stage.same("an application at the official address", "books_2026\n", login(web, "books_rw", books, OFFICIAL, "books_2026").stdout)
    login(web, "books_rw", books, OFFICIAL, "books_2026", "CREATE TABLE entries (i INT PRIMARY KEY)")
    stage.same("its table on another member", "entries", ledger.sql(ledger.members[2], "SHOW TABLES FROM books_2026"))
    for what, result, code in (
            ("another's database", login(web, "books_rw", books, OFFICIAL, "invoices"), "1044"),
            ("a database of a similar name", login(web, "books_rw", books, OFFICIAL, "books_2026", "CREATE DATABASE booksX2026"), "1044"),
            ("a wrong password", login(web, "books_rw", "no", OFFICIAL, "books_2026"), "1045"),
            ("past the proxies", login(web, "books_rw", books, first.ip, "books_2026"), "1130"),
            ("root from another member", login(ledger.members[1], "root", root, first.ip, "mysql"), "1045"),
            ("the monitor in a database", login(ledger.members[1], "monitor", monitor, first.ip, "probe"), "1044")):
        if code not in result.stderr:
            raise Failed(f"{what}: wanted {code}, found {result.returncode} {result.stdout}{result.stderr}")
    # A container has no secret in its environment, and no process one in its arguments.
    environment = first.run(["docker", "inspect", "--format", "{{.Config.Env}} {{.Args}}", "mariadb"]).stdout
    stage.same("secrets of the container", [], [s for s in (books, monitor, root) if s in environment])
    stage.same("logs with a secret", [], [s for s in (books, monitor, root) if s in ledger.journal(first)])


def accounts_are_put_right(stage, ledger):
    """A changed password, hosts that nobody is admitted from, nobody's accounts, an installer's database."""
    first, second = ledger.members[:2]
    ledger.sql(first, "CREATE USER books_rw@'%' IDENTIFIED BY 'old'; CREATE USER ''@'%'; CREATE USER root@'%' IDENTIFIED BY 'x';"
                      " CREATE DATABASE test; SET PASSWORD FOR monitor@'10.20.0.22' = PASSWORD('other');"
                      " CREATE USER somebody@'%' IDENTIFIED BY 'x'; CREATE TABLE books_2026.wrong (i INT) ENGINE = MyISAM")
    result = ledger.fleet.run(FOLDER, "validate.sh", check=False)
    wanted = {"every member says the same of itself", "every table is one that Galera replicates",
              "nobody without a name or a password, root only from here", "user books_rw: hosts and rights"}
    failed = {line.split(" - ", 1)[1] for line in result.stdout.splitlines() if ": not ok " in line}
    stage.same("checks that failed", wanted, failed)
    first.step("ledger", "07_maria_03_databases")
    ledger.sql(first, "DROP TABLE books_2026.wrong; DROP USER somebody@'%'")
    stage.same("accounts from everywhere", "", ledger.sql(second, "SELECT User, Host FROM mysql.global_priv WHERE Host = '%'"))
    stage.same("database test", "", ledger.sql(second, "SHOW DATABASES LIKE 'test'"))
    ledger.healthy()


def a_crashed_member_fetches_what_it_missed(stage, ledger):
    first, _, third = ledger.members
    ledger.write(first, 1)
    cursor = ledger.cursor(third)
    ledger.kill(third)
    ledger.write(first, 2)
    refused = ledger.member(third, "restart", check=False)
    stage.same("a restart meanwhile", (1, True), (refused.returncode, "not now" in refused.stderr))
    ledger.healthy()
    ledger.all_have("1,2")
    journal = ledger.journal(third, cursor)
    stage.same("a few changes instead of everything", (True, False), ("IST received" in journal, "rsync SST completed" in journal))


def restarts_ask_before(stage, ledger):
    cluster = ledger.cluster(ledger.members[0])
    for host in reversed(ledger.members):
        ledger.member(host, "restart")
        stage.same(f"cluster after {host.name}", cluster, ledger.cluster(host))
    start = ledger.members[0].read("/run/mariadb-docker/start.env")
    stage.same("what the first member was started with", True, "--wsrep-start-position=" + cluster in start and "new" not in start)
    ledger.members[1].run(["systemctl", "stop", UNIT])
    for host in (ledger.members[0], ledger.members[2]):
        refused = ledger.member(host, "restart", check=False)
        stage.same(f"restart of {host.name} with one down", (1, True), (refused.returncode, "too many" in refused.stderr))
    ledger.member(ledger.members[1], "start", "120")
    ledger.healthy()


def drills(stage, ledger):
    for arguments in (["--yes"], ["--yes", "--crash"]):
        result = ledger.script("failover_drill.sh", *arguments)
        stage.say("drill " + " ".join(arguments) + ": " + "; ".join(result.stdout.splitlines()))
        stage.same("rows lost", True, "of these lost: 0" in result.stdout)
    ledger.script("failover_drill.sh", refused=r"^usage:")
    ledger.members[2].run(["systemctl", "stop", UNIT])
    ledger.script("failover_drill.sh", "--yes", refused="not the time for a drill")
    ledger.member(ledger.members[2], "start", "120")


sys.exit(main(test, topology=TOPOLOGY, programs=PROGRAMS, systemd=True))
