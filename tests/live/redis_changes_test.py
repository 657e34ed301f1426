#!/usr/bin/env python3
"""The model of Redis changes under clients that write: parameters, what needs a restart, passwords."""

from redis_stage import BALANCER, LIMIT_S, SERVICES, Client, Refused, Writers, play
from stage import Failed


def takes_changes(estate):
    # One that a running process can be told.
    started = [estate.units(host) for host in estate.members]
    estate.edit("etc/redis/redis.conf", "maxmemory 536870912", "maxmemory 268435456")
    estate.edit("etc/redis/sentinel.conf", "failover-timeout prices 30000", "failover-timeout prices 40000")
    estate.fleet.run(SERVICES["redis"], "apply.sh")
    for host in estate.members:
        estate.stage.same("maxmemory", ["maxmemory", "268435456"], estate.at(host.ip, "CONFIG", "GET", "maxmemory"))
        answer = host.run(["redis-member", "sentinel", "SENTINEL", "MASTER", "prices"]).stdout.split()
        estate.stage.same("failover-timeout", "40000", answer[answer.index("failover-timeout") + 1])
    estate.stage.same("containers that went on", started, [estate.units(host) for host in estate.members])
    estate.edit("validate.sh", "parameter_is maxmemory 536870912", "parameter_is maxmemory 268435456")
    estate.edit("validate.sh", "failover-timeout 30000", "failover-timeout 40000")

    # One that needs a restart: one member at a time, and the master hands over.
    estate.edit("etc/redis/redis.conf", "dir /data", "databases 32\ndir /data")
    with Writers(estate, [BALANCER]) as writers:
        estate.fleet.run(SERVICES["redis"], "apply.sh")
        writers.go_on(LIMIT_S)
    writers.reckon("rolling restart", lost_allowed=False)
    for host in estate.members:
        estate.stage.same("databases", ["databases", "32"], estate.at(host.ip, "CONFIG", "GET", "databases"))
    after = [estate.units(host).splitlines() for host in estate.members]
    before = [lines.splitlines() for lines in started]
    estate.stage.same("Redis was restarted everywhere", [], [a for a, b in zip(after, before) if a[0] == b[0]])
    estate.stage.same("Sentinels that went on", [b[1] for b in before], [a[1] for a in after])


def takes_new_passwords(estate):
    """Without a restart: both are accepted until everybody has the new one."""
    old, started = estate.password(), [estate.units(host) for host in estate.members]
    file = estate.stage.scratch / "credentials" / "prices.env"
    file.write_text("".join(f"{line}New\n" for line in file.read_text().splitlines()))
    for host in (*estate.members, *estate.proxies):
        host.ship()
    estate.apply()
    for ip in (*(host.ip for host in estate.members), BALANCER):
        for password in (old, estate.password()):
            with Client(ip, password, 3) as client:
                estate.stage.same("PING", "PONG", client.call("PING"))
    estate.healthy()
    for host in estate.members:
        host.run(["redis-member", "forget-passwords"])
        try:
            Client(host.ip, old, 3)
        except Refused:
            continue
        raise Failed(f"{host.name} still accepts the old password")
    estate.healthy()
    estate.stage.same("containers that went on", started, [estate.units(host) for host in estate.members])
    estate.proxies_follow()


play([takes_changes, takes_new_passwords])
