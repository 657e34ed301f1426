#!/usr/bin/env python3
"""RabbitMQ in trouble: a partition stops the minority, a member whose data are gone joins afresh and never empty
under its old name, and nothing founds a second cluster."""

import sys

from rabbitmq_stage import FOLDER, Broker, play


def test(stage):
    broker = Broker(stage)
    broker.install()
    minority_pauses(stage, broker)
    lost_data_do_not_come_back_empty(stage, broker)
    second_cluster_is_refused(stage, broker)
    cleanup_asks(stage, broker)


def minority_pauses(stage, broker):
    """Without its cable a member stops serving; with it, it comes back by itself."""
    one, two, three = broker.members
    stage.say("pulling the cable of depot-mq3")
    three.cut()
    closed = ["bash", "-c", f"! (: </dev/tcp/{three.ip}/5673)"]
    stage.poll(180, lambda: three.run(closed), "the minority takes no clients")
    broker.rmq(one, "round-trip")
    three.mend()
    stage.poll(300, lambda: broker.healthy(three) and broker.healthy(one), "it serves again")


def lost_data_do_not_come_back_empty(stage, broker):
    one, two, three = broker.members
    stage.say("depot-mq3 loses its data")
    broker.rmq(one, "drill-prepare")
    three.run(["docker", "stop", "rabbitmq"])
    three.run(["find", "/data/mq", "-mindepth", "1", "-delete"])
    refused = three.step("parcels", "05_rmq_02_deploy_cluster", check=False)
    assert refused.returncode != 0 and "its data are gone" in refused.stderr, refused.stderr
    told = broker.fleet.run(FOLDER, "reinit.sh", "depot-mq3", check=False)
    stage.same("reinit without --yes", 2, told.returncode)
    broker.fleet.run(FOLDER, "reinit.sh", "depot-mq3", "--yes")
    queue = broker.queues(one, "failover_drill")["drill"]
    stage.same("replicas", sorted(f"rabbit@{host.name}" for host in broker.members), sorted(queue["online"]))
    for host in broker.members:
        broker.healthy(host)
    broker.rmq(one, "drill-clean")


def second_cluster_is_refused(stage, broker):
    """Two members have data and are down, the third has none: it must not begin on its own."""
    for host in broker.members:
        host.run(["docker", "stop", "rabbitmq"])
    one = broker.members[0]
    one.run(["mv", "/data/mq/mnesia", "/data/mq/aside"])
    refused = broker.fleet.run(FOLDER, "05_rmq_01_check_cluster.sh", check=False)
    assert refused.returncode != 0 and "have data and none runs" in refused.stderr, refused.stderr
    one.run(["mv", "/data/mq/aside", "/data/mq/mnesia"])
    stage.say("all were stopped in turn; installing starts them, the first waits for the others")
    broker.fleet.run(FOLDER, "apply.sh")
    for host in broker.members:
        broker.healthy(host)


def cleanup_asks(stage, broker):
    three = broker.members[2]
    refused = three.step("parcels", "cleanup", check=False)
    assert refused.returncode != 0, refused.stdout
    broker.healthy(three)
    three.step("parcels", "cleanup", "--yes=borealis/parcels")
    stage.same("containers", "", three.run(["docker", "ps", "--all", "--quiet"]).stdout)
    stage.same("files", "", three.run(["find", "/etc/rabbitmq", "-type", "f"]).stdout)
    assert three.path("/data/mq/mnesia/rabbit@depot-mq3").is_dir(), "its data are gone"
    stage.same("the others", 1, broker.rmq(broker.members[0], "healthy", check=False).returncode)


sys.exit(play(test))
