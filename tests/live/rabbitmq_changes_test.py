#!/usr/bin/env python3
"""RabbitMQ in service: a member is only stopped when the others can do without it, and configuration, passwords and
permissions reach a running cluster without losing a message."""

import re
import sys

from rabbitmq_stage import FOLDER, Broker, play

CONFIGURATION = "etc/rabbitmq/rabbitmq.conf"
LIMIT = 60_000  # ms: the module's failover_limit


def test(stage):
    broker = Broker(stage)
    broker.install()
    gate_refuses(stage, broker)
    configuration_is_rolled_out(stage, broker)
    password_reaches_a_running_cluster(stage, broker)
    cookie_is_not_exchanged_one_by_one(stage, broker)


def gate_refuses(stage, broker):
    """With one of three away, neither of the others may go: not by hand, and not by a step."""
    one, two, three = broker.members
    broker.rmq(one, "drill-prepare")
    broker.rmq(one, "may-stop")
    three.run(["docker", "stop", "rabbitmq"])
    refused = broker.rmq(one, "may-stop", check=False)
    stage.same("may-stop with a member away", 1, refused.returncode)
    assert "rabbit@depot-mq3 does not run" in refused.stderr, refused.stderr
    before = broker.container(one)
    write_configuration(stage, "log.connection.level = error", "log.connection.level = warning")
    refused = broker.fleet.run(FOLDER, "apply.sh", "--only=depot-mq1", "--gate-timeout=10", check=False)
    stage.same("apply.sh with a member away", 1, refused.returncode)
    assert "rabbit@depot-mq3 does not run" in refused.stderr, refused.stderr
    stage.same("the container that had to stay", before, broker.container(one))
    # Clients that need only a majority are served all the same.
    broker.rmq(one, "round-trip")
    broker.rmq(three, "start")
    write_configuration(stage, "log.connection.level = warning", "log.connection.level = error")


def configuration_is_rolled_out(stage, broker):
    """A new line of rabbitmq.conf restarts one after the other, under a publisher."""
    one, two, three = broker.members
    stage.say("rolling out a new configuration")
    write_configuration(stage, "heartbeat = 30", "heartbeat = 25")
    before = [broker.container(host) for host in broker.members]
    broker.rmq(one, "drill-prepare")
    broker.rmq(one, "drill-begin", "900")
    stage.poll(120, lambda: int(broker.rmq(one, "drill-progress").stdout) > 30, "messages are confirmed")
    broker.fleet.run(FOLDER, "apply.sh")
    after = [broker.container(host) for host in broker.members]
    for host, old, new in zip(broker.members, before, after):
        stage.same(f"container of {host.name}", old.split()[0], new.split()[0])
        assert old != new, f"{host.name} was not restarted"
        assert "{heartbeat,25}" in broker.rmq(host, "ctl", "environment").stdout, host.name
    starts = [state.split()[1] for state in after]
    stage.same("order of the restarts", sorted(starts), starts)
    confirmed, lost, wait = broker.reckon(one)
    stage.say(f"{confirmed} messages confirmed, {lost} lost, longest wait {wait} ms")
    stage.same("lost messages", 0, lost)
    assert wait < LIMIT, f"publishers waited {wait} ms"


def write_configuration(stage, old, new):
    """What another rendering would bring."""
    for file in stage.tree.glob(f"servers/depot-mq*/{FOLDER}/{CONFIGURATION}"):
        text = file.read_text()
        assert old in text, text
        file.write_text(text.replace(old, new))


def password_reaches_a_running_cluster(stage, broker):
    stage.say("a new password")
    old = stage.secret("sorting.env", "SORTING_MQ")
    assert broker.may_enter("sorting", "sorting_rw", old)
    new = old[::-1]
    write_credential(broker, "sorting.env", "SORTING_MQ", new)
    before = [broker.container(host) for host in broker.members]
    broker.fleet.run(FOLDER, "apply.sh")
    stage.same("containers", before, [broker.container(host) for host in broker.members])
    stage.same("the new password enters", True, broker.may_enter("sorting", "sorting_rw", new))
    stage.same("the old password enters", False, broker.may_enter("sorting", "sorting_rw", old))
    # And what somebody changed by hand is put right.
    broker.rmq(broker.members[1], "ctl", "--quiet", "clear_permissions", "--vhost", "sorting", "sorting_rw")
    broker.fleet.run(FOLDER, "apply.sh", "--from=05_rmq_03_definitions")
    stage.same("it enters with its permissions", True, broker.may_enter("sorting", "sorting_rw", new))
    for host in broker.members:
        told = "".join(file.read_text() for file in host.path("/srv/borealis/logs").iterdir())
        told += host.run(["docker", "logs", "rabbitmq"]).stdout
        assert new not in told and old not in told, "a log holds a password"


def write_credential(broker, file, key, value):
    for host in broker.members:
        path = f"/srv/borealis/credentials/{file}"
        text = re.sub(rf"^{key}=.*$", f"{key}={value}", host.read(path), flags=re.M)
        host.write(path, text, 0o600)
    # ship() copies the stage's own credentials again.
    kept = broker.stage.scratch / "credentials" / file
    kept.write_text(re.sub(rf"^{key}=.*$", f"{key}={value}", kept.read_text(), flags=re.M))


def cookie_is_not_exchanged_one_by_one(stage, broker):
    stage.say("a new cookie")
    old = stage.secret("parcels.env", "PARCELS_COOKIE")
    before = [broker.container(host) for host in broker.members]
    write_credential(broker, "parcels.env", "PARCELS_COOKIE", old[::-1])
    refused = broker.fleet.run(FOLDER, "apply.sh", check=False)
    stage.same("status", 1, refused.returncode)
    assert "cookie is not the one of the running member" in refused.stderr, refused.stderr
    stage.same("containers", before, [broker.container(host) for host in broker.members])
    stage.same("cookie", old, broker.members[0].read("/etc/rabbitmq/erlang.cookie").strip())

    # A member alone that starts with another one is told before it founds a cluster of its own.
    three = broker.members[2]
    three.run(["docker", "stop", "rabbitmq"])
    refused = three.step("parcels", "05_rmq_02_deploy_cluster", check=False)
    assert refused.returncode != 0 and "another Erlang cookie" in refused.stderr, refused.stderr
    write_credential(broker, "parcels.env", "PARCELS_COOKIE", old)
    three.step("parcels", "05_rmq_02_deploy_cluster")
    stage.poll(180, lambda: broker.healthy(three), "it is back with the old one")


sys.exit(play(test))
