"""The stage of RabbitMQ's live tests: three members, two proxies and a load balancer of
templates/05-rabbitmq-ha/example.yaml, under systemd and docker, installed by the rendered scripts themselves.

Debian's RabbitMQ 3.10 stands for 3.12.14. So the keys of rabbitmq.conf that are newer than it are taken out, by the
catalogue's column `since`, and said by every test.
"""

import json
import os
import re
import subprocess
from pathlib import Path

from fleet import Fleet
from stage import HERE, PATH, SKIPPED, SOURCE, Failed, main

TOPOLOGY = "templates/05-rabbitmq-ha/example.yaml"
PROGRAMS = {"rabbitmqctl": "rabbitmq-server", "haproxy": "haproxy", "jq": "jq", "openssl": "openssl",
            "curl": "curl", "socat": "socat"}
SERVICE, FOLDER = "parcels", "05-parcels"
BALANCER, PORT = "10.20.0.30", 5673
CATALOGUE = SOURCE / "templates/05-rabbitmq-ha/keys/rabbitmq-3.12.14.tsv"
MARK = "Written by the stage"


def play(test):
    """`main` of stage.py for a test of this stage. The clients need what no program tells."""
    if subprocess.run(["/usr/bin/python3", "-c", "import pika"], capture_output=True).returncode != 0:
        must = os.environ.get("CI") == "true"
        print(f"{'MISSING' if must else 'SKIP'}: /usr/bin/python3 has no pika (Debian: python3-pika)")
        return 1 if must else SKIPPED
    return main(test, topology=TOPOLOGY, systemd=True, programs=PROGRAMS)


class Broker:
    def __init__(self, stage):
        self.stage = stage
        self.images()
        self.without_newer_keys()
        self.members = [stage.host(f"depot-mq{n}") for n in (1, 2, 3)]
        self.edges = [stage.host(f"depot-edge{n}") for n in (1, 2)]
        for host in self.members:
            self.prepare(host)
        self.fleet = Fleet(stage, [*self.members, *self.edges])
        for host in self.members:
            host.step("base-os", "02_os_13_peer_names")

    def install(self):
        """Everything, the proxies first: they have to bear that nobody answers."""
        self.stage.say("installing")
        for host in self.edges:
            host.empty("/etc/haproxy")
        self.fleet.run("03-front", "apply.sh")
        self.stage.balancer("balancer", BALANCER, {PORT: [host.name for host in self.edges]})
        self.stage.same("members that get clients", set(), self.up())
        self.fleet.run(FOLDER, "apply.sh")
        self.stage.poll(20, lambda: self.up() == {host.name for host in self.members}, "the proxies' check passes")

    # ------------------------------------------------------------ what is there before

    def images(self):
        """Debian's RabbitMQ and Erlang in the place of the image's, with what their scripts call."""
        runtime = [str(file) for file in Path("/usr/lib/erlang").glob("erts-*/bin/*") if file.is_file()]
        tools = ["/bin/sh", "sh", "basename", "cat", "cut", "df", "dirname", "env", "erl", "getent", "grep", "head", "hostname",
                 "id", "ls", "mkdir", "openssl", "readlink", "rm", "sed", "sleep", "tr"]
        self.stage.image("rabbitmq", "rabbitmq:3.12.14-management", [*tools, *runtime],
                         paths=["/usr/lib/rabbitmq", "/usr/lib/erlang"], command=["rabbitmq-server"],
                         env={"PATH": f"/usr/lib/rabbitmq/bin:{PATH}", "HOME": "/var/lib/rabbitmq",
                              "RABBITMQ_LOG_BASE": "/tmp", "LC_ALL": "C.UTF-8"})
        self.stage.image("haproxy", "haproxy:2.8.5", ["haproxy"])

    def without_newer_keys(self):
        """Takes out what Debian's RabbitMQ does not know yet, and says it. A key that the catalogue
        does not have at all stays, and stops the node."""
        own = version(next(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*")).name.split("-")[1])
        since = {}
        for row in CATALOGUE.read_text().splitlines()[1:]:
            cells = row.split("\t")
            since[cells[0]] = cells[5]
        taken = set()
        for file in self.stage.tree.glob(f"servers/*/{FOLDER}/etc/rabbitmq/rabbitmq.conf"):
            kept = []
            for line in file.read_text().splitlines(keepends=True):
                key = line.split("=")[0].strip()
                first = since.get(key, "")
                if first and not first.startswith("<=") and version(first) > own:
                    taken.add(f"{key} (of {first})")
                else:
                    kept.append(line)
            file.write_text("".join(kept))
        self.stage.say(f"RabbitMQ {'.'.join(map(str, own))} stands for 3.12.14; taken out: {', '.join(sorted(taken))}")
        self.stage.same("keys that Debian's RabbitMQ does not know", {"default_queue_type (of 3.12.14)"}, taken)

    def prepare(self, host):
        """A server as base-os leaves it, with what earlier installations and cloud images leave behind."""
        host.empty("/etc/rabbitmq")
        # Of Debian's package, which no server has: a unit, and the script that would become one.
        host.run(["find", "/usr/lib/systemd/system", "/etc/init.d", "-name", "rabbitmq*", "-delete"])
        host.write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {host.name}.borealis.example {host.name}\n"
                                 f"10.20.0.99 depot-mq2 queue\n# {MARK}\n")
        host.write("/etc/cloud/templates/hosts.debian.tmpl", "127.0.1.1 {{fqdn}} {{hostname}}\n127.0.0.1 localhost\n")
        host.run(["mkdir", "-p", "/srv/volume", "/data/mq"])
        if host.name != "depot-mq3":  # that one has no volume
            host.write("/etc/fstab", "/srv/volume /data/mq none bind 0 0\n")
            host.run(["mount", "/data/mq"])
        host.write("/data/mq/.erlang.cookie", "STALE", 0o400)

    # ------------------------------------------------------------ asking and doing

    def member(self, name):
        return next(host for host in self.members if host.name == name)

    def rmq(self, host, *words, **options):
        return host.run(["/usr/local/sbin/rmq-member", *words], **{"timeout": 180, **options})

    def status(self, host):
        return json.loads(self.rmq(host, "ctl", "--quiet", "--formatter", "json", "cluster_status").stdout)

    def healthy(self, host):
        """Raises with the reasons, so that a poll that gives up shows them."""
        self.rmq(host, "healthy")
        return True

    def queues(self, host, vhost):
        answer = self.rmq(host, "ctl", "--quiet", "--formatter", "json", "--vhost", vhost, "list_queues", "name",
                          "type", "leader", "members", "online", "messages")
        return {queue["name"]: queue for queue in json.loads(answer.stdout)}

    def container(self, host):
        """What changes when a container is made anew, and when it is only restarted."""
        shown = host.run(["docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.RestartCount}}", "rabbitmq"])
        return shown.stdout.strip()

    def beam(self, host):
        """The process of the node itself."""
        found = host.run(["pgrep", "--full", "beam.smp -W w"]).stdout.split()
        self.stage.same(f"nodes on {host.name}", 1, len(found))
        return found[0]

    def proxy_sees(self, host):
        """member -> status, as HAProxy on that host has it."""
        shown = host.run(["socat", "-", "UNIX-CONNECT:/run/haproxy/admin.sock"], stdin="show stat\n").stdout
        rows = [line.split(",") for line in shown.splitlines() if line.startswith("parcels-amqp,")]
        return {row[1]: row[17] for row in rows if row[1] not in ("FRONTEND", "BACKEND")}

    def up(self):
        """Members to which both proxies send clients."""
        seen = [self.proxy_sees(host) for host in self.edges]
        return {name for name, status in seen[0].items() if all(s[name].startswith("UP") for s in seen)}

    def client(self, vhost, user, password, *words):
        """tests/live/amqp_client.py from the install host, through the load balancer. Gives its lines."""
        command = ["/usr/bin/python3", HERE / "amqp_client.py", BALANCER, PORT, vhost, user, *words]
        result = subprocess.run([str(word) for word in command], input=password + "\n", capture_output=True, text=True,
                                timeout=120)
        if result.returncode != 0:
            raise Failed(f"{user} in {vhost}: {' '.join(map(str, words))}: {result.stderr}")
        return result.stdout.split()

    def may_enter(self, vhost, user, password):
        return self.client(vhost, user, password, "enter") == ["yes"]

    def reckon(self, writer):
        """(confirmed, lost, longest wait in ms) of the drill's publisher on that member, which ends."""
        rows = [line.split() for line in self.rmq(writer, "drill-end").stdout.splitlines()]
        confirmed = [int(row[0]) for row in rows if row[3] == "ok"]
        found = {int(line) for line in self.rmq(writer, "drill-rows").stdout.split()}
        ends = [int(row[2]) for row in rows if row[3] == "ok"]
        waits = [later - sooner for sooner, later in zip(ends, ends[1:])]
        self.rmq(writer, "drill-clean")
        return len(confirmed), len(set(confirmed) - found), max(waits)


def version(text):
    found = re.match(r"(?:\d+:)?(\d+)\.(\d+)\.(\d+)", text)
    if not found:
        raise Failed(f"{text} is no version")
    return tuple(map(int, found.groups()))
