#!/usr/bin/env python3
"""Redis is installed, handed over, loses its master, and has a second one for a while that nobody comes to."""

from redis_stage import BALANCER, LIMIT_S, RESTART_DELAY_S, Writers, play


def hands_over(estate):
    """A stop is no failover: no acknowledged write is lost."""
    before = estate.leader()
    with Writers(estate, [BALANCER, *(p.ip for p in estate.proxies)]) as writers:
        before.run(["systemctl", "stop", "redis-docker.service"], timeout=60)
        writers.go_on(LIMIT_S)
    estate.stage.same("the one that was stopped leads", False, estate.leader() is before)
    writers.reckon("handed over", lost_allowed=False)
    before.run(["systemctl", "start", "redis-docker.service"], timeout=60)
    estate.healthy()
    estate.stage.same("role of the one that comes back", "slave", estate.role(before))


def survives_a_crash(estate):
    before = estate.leader()
    with Writers(estate, [BALANCER, *(p.ip for p in estate.proxies)]) as writers:
        pid = before.run(["docker", "inspect", "--format", "{{.State.Pid}}", "redis"]).stdout.strip()
        before.run(["kill", "-KILL", pid])
        writers.go_on(LIMIT_S)
    estate.stage.same("the one that crashed leads", False, estate.leader() is before)
    writers.reckon("crash", lost_allowed=True)
    estate.proxies_follow()
    # By itself, and from its first moment as a replica: its own log never says anything else.
    estate.healthy(RESTART_DELAY_S + 60)
    estate.stage.same("role of the one that comes back", "slave", estate.role(before))
    composed = before.run(["journalctl", "--unit=redis-docker", "--output=cat", "--grep=replicates|leads"]).stdout
    estate.stage.same("what it began as", f"{before.name} replicates {estate.leader().name}", composed.splitlines()[-1])


def keeps_a_second_master_out(estate):
    """A member says that it leads and no Sentinel agrees. HAProxy's own check believes it, which
    the proxy without its watcher shows."""
    guarded, bare = estate.proxies
    bare.run(["systemctl", "stop", "prices-watcher.service"])
    estate.stage.same("in maintenance without a watcher", [], estate.admitted(bare)[1])
    leader, impostor = estate.leader(), estate.followers()[0]
    estate.at(impostor.ip, "REPLICAOF", "NO", "ONE")
    estate.stage.poll(8, lambda: set(estate.admitted(bare)[0]) == {leader.name, impostor.name},
                      "the check alone admits two masters")
    estate.stage.same("roles", ("master", "master"), (estate.role(leader), estate.role(impostor)))
    estate.stage.same("members that the guarded proxy admits", [leader.name], estate.admitted(guarded)[0])
    for _ in range(20):
        estate.stage.same("who answers behind the guarded proxy", estate.run_id(leader.ip), estate.run_id(guarded.ip))
    bare.run(["systemctl", "start", "prices-watcher.service"])
    estate.stage.poll(8, lambda: estate.admitted(bare)[0] == [leader.name], "the watcher ends that")
    estate.healthy()


def outlives_haproxy(estate):
    """What the watcher has set survives a reload, and comes back after a restart."""
    proxy = estate.proxies[0]
    proxy.run(["systemctl", "reload", "haproxy-docker.service"])
    estate.proxies_follow(5)
    proxy.run(["systemctl", "restart", "haproxy-docker.service"], timeout=60)
    estate.proxies_follow(10)
    # By hand, against what a majority says.
    leader, other = estate.leader(), estate.followers()[0]
    proxy.run(["socat", "-", "UNIX-CONNECT:/run/haproxy/admin.sock"],
              stdin=f"set server prices-redis/{other.name} state ready; "
              f"set server prices-redis/{leader.name} state maint\n")
    estate.proxies_follow(5)


def installs_again(estate):
    estate.installing_again_changes_nothing()
    estate.validates()


play([installs_again, hands_over, survives_a_crash, keeps_a_second_master_out, outlives_haproxy])
