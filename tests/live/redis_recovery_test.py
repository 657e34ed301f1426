#!/usr/bin/env python3
"""Redis loses a cable, its majority, the data of its master, a member, and its power."""

import time

from redis_stage import BALANCER, LIMIT_S, MAX_LAG_S, RESTART_DELAY_S, SERVICES, Client, Writers, play


def survives_a_cut(estate):
    """The master loses its network and nothing else. It cannot go on accepting writes, and nobody
    comes to it when it is back and still says that it leads."""
    before = estate.leader()
    with Writers(estate, [BALANCER, *(p.ip for p in estate.proxies)]) as writers:
        before.cut()
        writers.go_on(LIMIT_S)
    alone = ["redis-member", "cli", "SET", "live:alone", "yes"]
    estate.stage.poll(MAX_LAG_S + 10, lambda: before.run(alone).stdout.startswith("NOREPLICAS"),
                      "who is alone refuses writes")
    estate.stage.same("what it says of itself", "role:master", before.run(
        ["redis-member", "cli", "INFO", "replication"]).stdout.split()[2])
    after = next(h for h in estate.followers_of(before) if estate.role(h) == "master")
    before.mend()
    until = time.monotonic() + 15
    while time.monotonic() < until:
        for proxy in estate.proxies:
            estate.stage.same("who gets clients", [after.name], estate.admitted(proxy)[0])
    estate.healthy()
    estate.stage.same("role of the one that was cut off", "slave", estate.role(before))
    writers.reckon("cut", lost_allowed=True)
    estate.proxies_follow()


def holds_without_a_majority(estate):
    leader = estate.leader()
    silent = estate.followers()
    for host in silent:
        host.run(["systemctl", "stop", "redis-sentinel-docker.service"])
    for proxy in estate.proxies:
        estate.stage.poll(20, lambda: estate.watcher(proxy)["state"] == "holding", "the watcher holds")
        estate.stage.same("members that get clients", [leader.name], estate.admitted(proxy)[0])
        estate.stage.same("members kept out", sorted(host.name for host in silent), estate.admitted(proxy)[1])
    estate.at(BALANCER, "SET", "live:held", "yes")
    # The member that it held to is gone, and nobody can be made master: HAProxy's check decides again.
    estate.kill_for_good(leader)
    for proxy in estate.proxies:
        estate.stage.poll(20, lambda: estate.watcher(proxy)["state"] == "released", "the watcher releases")
        estate.stage.same("members in maintenance", [], estate.admitted(proxy)[1])
        estate.stage.poll(10, lambda: estate.admitted(proxy)[0] == [], "nobody has the role")
    for host in silent:
        host.run(["systemctl", "start", "redis-sentinel-docker.service"])
    leader.run(["systemctl", "start", "redis-docker.service"], timeout=60)
    estate.healthy()
    estate.proxies_follow()
    estate.stage.same("what was written", "yes", estate.at(BALANCER, "GET", "live:held"))


def never_begins_empty(estate):
    """A master that lost its data does not come back as one, although the Sentinels still name it."""
    before = estate.leader()
    keys = estate.at(before.ip, "DBSIZE")
    estate.stage.same("there are keys", True, keys > 0)
    estate.kill_for_good(before)
    folder = "/data/prices/redis"
    before.run(["find", folder, "-mindepth", "1", "-delete"])
    before.run(["systemctl", "start", "--no-block", "redis-docker.service"])
    estate.stage.poll(30, lambda: "would begin as an empty master" in before.run(
        ["journalctl", "--unit=redis-docker", "--output=cat"]).stdout, "it refuses")
    estate.healthy(RESTART_DELAY_S + 60)
    estate.stage.same("it leads", False, estate.leader() is before)
    estate.stage.same("keys", keys, estate.at(BALANCER, "DBSIZE"))
    estate.stage.same("keys of the one that had lost them", keys, estate.at(before.ip, "DBSIZE"))


def leaves_and_comes_back(estate):
    """A member is taken off its host with all that it holds, and installed anew."""
    gone = estate.followers()[0]
    keys = estate.at(BALANCER, "DBSIZE")
    refused = gone.step("prices", "cleanup", "--yes=prices", check=False)
    estate.stage.same("cleanup without the right word", (1, True), (refused.returncode, estate.role(gone) == "slave"))
    gone.step("prices", "cleanup", "--yes=borealis/prices", f"--delete-data={gone.name}")
    for unit in ("redis-docker", "redis-sentinel-docker"):
        estate.stage.same(unit, "inactive\n", gone.run(["systemctl", "is-active", unit], check=False).stdout)
    estate.stage.same("what is left of it", "", gone.run(
        ["find", "/data/prices/redis", "/data/prices/sentinel", "/etc/redis", "-type", "f"]).stdout)
    diagnosis = estate.fleet.run(SERVICES["redis"], "04_redis_06_diagnostics.sh", check=False)
    estate.stage.same("diagnosis", (1, True), (diagnosis.returncode, f"{gone.name}: Redis does not answer" in
                                               diagnosis.stdout + diagnosis.stderr))
    estate.fleet.run(SERVICES["redis"], "apply.sh")
    estate.healthy()
    estate.stage.same("keys of the one that came back", keys, estate.at(gone.ip, "DBSIZE"))
    estate.fleet.run(SERVICES["redis"], "04_redis_06_diagnostics.sh")


def drills(estate):
    result = estate.fleet.run(SERVICES["redis"], "failover_drill.sh", "--yes", "--crash")
    estate.stage.say(result.stdout.strip().replace("\n", "; "))
    estate.stage.same("keys of the drill", 0, estate.at(BALANCER, "EXISTS", "kbgen:failover-drill"))


def survives_a_loss_of_power(estate):
    """All servers at once. Whoever led leads again, because nobody has learned anything else."""
    # So that the inventory's initial master is not it by chance.
    if estate.leader().name == "depot-cache2":
        estate.leader().run(["redis-member", "hand-over"])
        estate.healthy()
    leader = estate.leader()
    with Client(BALANCER, estate.password(), 5) as client:
        estate.stage.same("SET", "OK", client.call("SET", "live:power", "on"))
        # appendfsync everysec, and both replicas have it
        estate.stage.same("WAIT", 2, client.call("WAIT", "2", "3000"))
    time.sleep(1.5)
    hosts = [*estate.members, *estate.proxies]
    for host in hosts:
        host.power_off()
    for host in hosts:
        host.boot()
    estate.healthy(90)
    estate.stage.same("master after a loss of power", leader.name, estate.leader().name)
    estate.proxies_follow()
    estate.stage.poll(20, lambda: estate.at(BALANCER, "GET", "live:power") == "on", "the data is there")


play([survives_a_cut, holds_without_a_majority, never_begins_empty, leaves_and_comes_back, drills,
      survives_a_loss_of_power])
