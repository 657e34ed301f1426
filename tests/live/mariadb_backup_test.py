#!/usr/bin/env python3
"""Backups of MariaDB: all databases as they were at one moment go to the backup server, and come back to all members."""

import sys

from mariadb_stage import PROGRAMS, TOPOLOGY, Ledger
from stage import Failed, main

BACKUPS = "/srv/backup/borealis/ledger"
YES = "--yes=borealis/ledger"
# What a dump must not lose: bytes that are no text, a trigger, a routine, a view, a name with a blank.
SCHEMA = r"""
USE books_2026;
CREATE TABLE entries (number INT PRIMARY KEY, note VARCHAR(80) CHARACTER SET utf8mb4, bytes BLOB);
CREATE TABLE `two words` (total INT);
INSERT INTO `two words` VALUES (0);
CREATE VIEW notes AS SELECT note FROM entries;
DELIMITER //
CREATE TRIGGER sums AFTER INSERT ON entries FOR EACH ROW UPDATE `two words` SET total = total + NEW.number//
CREATE PROCEDURE greet() SELECT 'hello'//
DELIMITER ;
"""
CONTENTS = """SELECT GROUP_CONCAT(number, ':', note, ':', HEX(bytes) ORDER BY number SEPARATOR ' ') FROM books_2026.entries;
SELECT total FROM books_2026.`two words`; SELECT COUNT(*) FROM books_2026.notes; CALL books_2026.greet();
SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = 'books_2026';"""


def test(stage):
    ledger = Ledger(stage)
    ledger.store = stage.host("depot-web1")
    ledger.fleet.hosts.append(ledger.store)
    ledger.store.ship()
    ledger.install()
    for trial in (makes_backups, keeps_what_is_good, restores):
        stage.say(trial.__name__.replace("_", " "))
        trial(stage, ledger)


def insert(ledger, number, note):
    ledger.sql(ledger.members[1], f"INSERT INTO books_2026.entries VALUES ({number}, '{note}', UNHEX('00FF0A27{number:02d}'))")


def backups(ledger):
    return ledger.script("backup.sh", "--list").stdout.split()


def makes_backups(stage, ledger):
    ledger.sql(ledger.members[0], SCHEMA)
    ledger.kept = {}
    for number, note in ((1, "first"), (2, "naïve – 日本"), (3, "it''s third")):
        insert(ledger, number, note)
        before = ledger.sql(ledger.members[0], CONTENTS)
        ledger.script("backup.sh")
        ledger.kept[backups(ledger)[-1]] = before
    found = backups(ledger)
    stage.same("backups that were kept", sorted(ledger.kept)[-2:], found)
    writer = ledger.member(ledger.members[0], "writer").stdout.strip()
    manifest = ledger.store.read(f"{BACKUPS}/{found[-1]}/MANIFEST")
    stage.same("not taken from the one that takes the writes", False, f"member {writer}\n" in manifest)
    stage.same("databases", True, "\ndatabases books_2026 invoices\n" in manifest)
    ledger.healthy()


def keeps_what_is_good(stage, ledger):
    before = backups(ledger)
    for host in ledger.members:
        host.write("/usr/local/bin/zstd", "#!/bin/sh\nhead -c 100\nexit 1\n", 0o755)
    ledger.script("backup.sh", refused="did not come to its end")
    for host in ledger.members:
        host.run(["rm", "/usr/local/bin/zstd"])
    stage.same("backups after one that failed", before, backups(ledger))


def restores(stage, ledger):
    older = backups(ledger)[0]
    insert(ledger, 9, "later")
    ledger.sql(ledger.members[0], "CREATE TABLE books_2026.late (i INT PRIMARY KEY)")
    now = ledger.sql(ledger.members[0], CONTENTS)
    ledger.script("restore.sh", "--from=latest", refused="usage: ")
    ledger.script("restore.sh", YES, "--from=latest", refused="--over-living-data")
    stage.same("what refusals changed", now, ledger.sql(ledger.members[2], CONTENTS))

    ledger.script("restore.sh", YES, f"--from={older}", "--over-living-data")
    ledger.healthy()
    for host in ledger.members:
        stage.same(f"contents of {host.name}", ledger.kept[older], ledger.sql(host, CONTENTS))
        if "late" in ledger.sql(host, "SHOW TABLES FROM books_2026").split():
            raise Failed("a table of later is still there")
    # Accounts and their rights are the installation's, and still fit.
    ledger.validates()
    stage.same("the application", "books_2026", ledger.member(ledger.members[0], "login", "books_rw", "books_2026").stdout.strip())
    # To a cluster that has lost it all, without having to say so.
    ledger.sql(ledger.members[0], "DROP DATABASE books_2026; DROP DATABASE invoices")
    ledger.script("apply.sh")
    ledger.script("restore.sh", YES, "--from=latest")
    stage.same("the newest", ledger.kept[backups(ledger)[-1]], ledger.sql(ledger.members[2], CONTENTS))


sys.exit(main(test, topology=TOPOLOGY, systemd=True, programs=PROGRAMS))
