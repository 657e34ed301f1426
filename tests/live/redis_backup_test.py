#!/usr/bin/env python3
"""Backups of Redis: a replica's snapshot goes to the backup server whole or not at all, and comes back to all members."""

from redis_stage import LIMIT_S, SERVICES, play
from stage import Failed

FOLDER = SERVICES["redis"]
BACKUPS = "/srv/backup/borealis/prices"
YES = "--yes=borealis/prices"
KEEP = 2  # as the example says


def script(estate, name, *arguments, refused=""):
    """The rendered script on the install host; when something is `refused`, it fails and says so."""
    result = estate.fleet.run(FOLDER, name, *arguments, check=not refused)
    if refused and (result.returncode == 0 or refused not in result.stderr):
        raise Failed(f"{name} {arguments}: status {result.returncode}, not refused with {refused!r}:\n{result.stderr}")
    return result.stdout


def backups(estate):
    return script(estate, "backup.sh", "--list").split()


def fill(estate, generation, count):
    leader = estate.leader()
    for number in range(count):
        estate.at(leader.ip, "SET", f"price:{number}", f"{generation}.{number}")
    estate.at(leader.ip, "RPUSH", "history", generation)


def contents(estate, host):
    """Everything that a member holds."""
    keys = sorted(estate.at(host.ip, "KEYS", "*"))
    return {key: estate.at(host.ip, "LRANGE", key, "0", "-1") if key == "history" else estate.at(host.ip, "GET", key)
            for key in keys}


def makes_backups(estate):
    estate.store = estate.stage.host("depot-web1")
    estate.store.ship()
    estate.fleet.hosts.append(estate.store)
    estate.stage.same("backups before the first one", [], backups(estate))
    leader = estate.leader()
    estate.kept = {}
    for generation in range(KEEP + 1):
        fill(estate, generation, 200 + generation)
        before = contents(estate, leader)
        script(estate, "backup.sh")
        estate.kept[backups(estate)[-1]] = before
    found = backups(estate)
    estate.stage.same("backups that were kept", sorted(estate.kept)[-KEEP:], found)
    newest = f"{BACKUPS}/{found[-1]}"
    manifest = estate.store.read(f"{newest}/MANIFEST")
    estate.stage.same("taken from a replica", True, f"member {leader.name}\n" not in manifest)
    estate.stage.same("keys", True, f"keys {200 + KEEP + 1}\n" in manifest)
    estate.stage.same("modes", "700 600 600 600", " ".join(estate.store.run(
        ["bash", "-c", f"stat -c %a {newest} {newest}/*"]).stdout.split()))
    estate.stage.same("links that were left", "", "".join(
        host.run(["find", "/data/prices", "-name", "backup.rdb"]).stdout for host in estate.members))


def keeps_what_is_good(estate):
    """A backup that fails takes nothing away, and leaves nothing that looks like one."""
    before = backups(estate)
    replicas = estate.followers()
    for host in replicas:
        host.run(["systemctl", "stop", "redis-docker.service"], timeout=60)
    script(estate, "backup.sh", refused="no replica follows its master")
    for host in replicas:
        host.run(["systemctl", "start", "redis-docker.service"], timeout=60)
    estate.healthy()
    # The stream breaks off in the middle.
    for host in estate.members:
        host.write("/usr/local/bin/zstd", "#!/bin/sh\nhead -c 100\nexit 1\n", 0o755)
    script(estate, "backup.sh", refused="did not come to its end")
    for host in estate.members:
        host.run(["rm", "/usr/local/bin/zstd"])
    estate.stage.same("backups after two that failed", before, backups(estate))


def restores(estate):
    older, newest = backups(estate)
    fill(estate, "later", 10)
    leader, now = estate.leader(), contents(estate, estate.leader())
    started = [estate.units(host) for host in estate.members]
    script(estate, "restore.sh", "--from=latest", refused="usage: ")
    script(estate, "restore.sh", "--yes=borealis/other", "--from=latest", refused="usage: ")
    script(estate, "restore.sh", YES, "--from=20000101T000000Z", refused="has no such backup")
    script(estate, "restore.sh", YES, f"--from={newest}", refused="--over-living-data")
    # One byte of the newest is not what it was.
    data = f"{BACKUPS}/{newest}/dump.rdb.zst"
    estate.store.run(["bash", "-c", f"printf X | dd of={data} bs=1 seek=200 conv=notrunc status=none"])
    script(estate, "restore.sh", YES, "--from=latest", "--over-living-data", refused="is not what was written")
    estate.stage.same("what refusals changed", (now, started),
                      (contents(estate, leader), [estate.units(host) for host in estate.members]))

    script(estate, "restore.sh", YES, f"--from={older}", "--over-living-data")
    estate.healthy()
    estate.stage.same("who leads", leader.name, estate.leader().name)
    for host in estate.members:
        estate.stage.poll(LIMIT_S, lambda: contents(estate, host) == estate.kept[older], f"{host.name} has the backup's keys")
    beside = leader.run(["bash", "-c", "ls -d /data/prices/redis/before-restore-*"]).stdout.split()
    estate.stage.same("what the master held before is kept", 1, len(beside))
    # As it was: it survives a start, is replicated, and goes on.
    fill(estate, "afterwards", 5)
    leader.run(["systemctl", "restart", "redis-docker.service"], timeout=90)
    estate.healthy()
    estate.stage.same("after a handover", "afterwards.4", estate.at(estate.leader().ip, "GET", "price:4"))
    estate.proxies_follow()


play([makes_backups, keeps_what_is_good, restores])
