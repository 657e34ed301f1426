#!/usr/bin/env python3
"""Redis: three members, two proxies and their watchers, installed by the rendered steps, under systemd and
docker. Failovers, a split, restarts and a loss of power, with clients that write all the while.

Debian's Redis 7.0 stands for the image's 7.2, Debian's HAProxy for the image's.
"""

import socket
import sys
import threading
import time

from fleet import Fleet
from stage import Failed, main

PORT = 6390
MEMBERS = [f"depot-cache{n}" for n in (1, 2, 3)]
PROXIES = ["depot-edge1", "depot-edge2"]
BALANCER = "10.20.0.30"
SERVICES = {"redis": "04-prices", "proxy": "03-front", "watcher": "04-prices-watcher"}
# What the example says, and what the machine may add when it is busy.
RESTART_DELAY_S = 10
MAX_LAG_S = 10
LIMIT_S = 30


def test(stage):
    estate = Estate(stage)
    estate.install()
    estate.installing_again_changes_nothing()
    estate.validates()
    for trial in (estate.hands_over, estate.survives_a_crash, estate.survives_a_cut,
                  estate.keeps_a_second_master_out, estate.outlives_haproxy, estate.holds_without_a_majority,
                  estate.takes_changes, estate.takes_new_passwords, estate.never_begins_empty,
                  estate.leaves_and_comes_back, estate.drills, estate.survives_a_loss_of_power):
        stage.say(trial.__name__.replace("_", " "))
        trial()
    estate.validates()


class Estate:
    def __init__(self, stage):
        self.stage = stage
        stage.image("redis", "redis:7.2.5-alpine", ["redis-server", "redis-sentinel"])
        stage.image("haproxy", "haproxy:2.8.5", ["haproxy"])
        self.members = [stage.host(name) for name in MEMBERS]
        self.proxies = [stage.host(name) for name in PROXIES]
        for host in (*self.members, *self.proxies):
            for folder in ("/etc/redis", "/etc/haproxy"):
                host.empty(folder)
        # As volumes.tsv has it; the third has none.
        for host, mount in zip(self.members, ("/data", "/data/prices")):
            host.write("/etc/fstab", f"/srv/volume {mount} none bind 0 0\n")
            host.run(["mkdir", "-p", "/srv/volume", mount])
            host.run(["mount", mount])
        self.fleet = Fleet(stage, [*self.members, *self.proxies])

    # ------------------------------------------------------------ asking

    def password(self):
        return self.stage.secret("prices.env", "PRICES_PASSWORD")

    def at(self, ip, *words, timeout=3):
        """One command on a connection of its own."""
        with Client(ip, self.password(), timeout) as client:
            return client.call(*words)

    def role(self, host):
        return self.at(host.ip, "ROLE")[0]

    def leader(self):
        """The member that a majority of the Sentinels names, asked by the rendered tool."""
        name = self.members[0].run(["redis-member", "master"]).stdout.strip()
        return next(host for host in self.members if host.name == name)

    def followers(self):
        return self.followers_of(self.leader())

    def followers_of(self, leader):
        return [host for host in self.members if host is not leader]

    def healthy(self, seconds=60):
        self.stage.poll(seconds, lambda: all(
            host.run(["redis-member", "healthy"], check=False).returncode == 0 for host in self.members),
            "all members and Sentinels agree")

    def admitted(self, proxy):
        """Members that this proxy sends clients to, and those that are in maintenance."""
        table = proxy.run(["socat", "-", "UNIX-CONNECT:/run/haproxy/admin.sock"],
                          stdin="show servers state prices-redis\n").stdout.splitlines()
        head = table[1].lstrip("# ").split()
        rows = [dict(zip(head, line.split())) for line in table[2:] if line]
        up = [r["srv_name"] for r in rows if r["srv_op_state"] == "2"]
        out = [r["srv_name"] for r in rows if int(r["srv_admin_state"]) & 1]
        return up, out

    def proxies_follow(self, seconds=20):
        """Both proxies send clients to the leader only, and have the others in maintenance."""
        leader = self.leader()
        others = sorted(host.name for host in self.members if host is not leader)
        for proxy in self.proxies:
            self.stage.poll(seconds, lambda: self.admitted(proxy) == ([leader.name], others),
                            f"{proxy.name} follows {leader.name}")

    def watcher(self, proxy):
        lines = proxy.run(["prices-watcher", "status"]).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    def units(self, host):
        """When its containers were started."""
        return host.run(["docker", "inspect", "--format", "{{.State.StartedAt}}", "redis", "redis-sentinel"]).stdout

    # ------------------------------------------------------------ installing

    def apply(self):
        for folder in SERVICES.values():
            self.fleet.run(folder, "apply.sh")

    def install(self):
        self.apply()
        self.stage.balancer("balancer", BALANCER, {PORT: PROXIES})
        leader = self.leader()
        self.stage.same("initial master", "depot-cache2", leader.name)
        self.proxies_follow()
        self.stage.say("installed")

    def installing_again_changes_nothing(self):
        def traces():
            logs = [host.run(["bash", "-c", "cat /srv/borealis/logs/*.log"]).stdout
                    for host in (*self.members, *self.proxies)]
            return [line for log in logs for line in log.splitlines()
                    if any(word in line for word in (" wrote ", " starting ", "restart", "reload", " belongs to "))]
        before, started = traces(), [self.units(host) for host in self.members]
        self.apply()
        self.stage.same("what a second run did", [], traces()[len(before):])
        self.stage.same("containers after a second run", started, [self.units(host) for host in self.members])
        self.stage.say("a second run changed nothing")

    def validates(self):
        self.healthy()
        self.proxies_follow()
        # A kernel has one setting for all, and it is not the test's to change.
        kernel = self.members[0].run(["sysctl", "-n", "vm.overcommit_memory"]).stdout.strip()
        known = set() if kernel == "1" else {"the kernel lets Redis fork"}
        for folder in SERVICES.values():
            result = self.fleet.run(folder, "validate.sh", check=False)
            failed = {line.split(" - ", 1)[1] for line in result.stdout.splitlines() if ": not ok " in line}
            if failed - known or ("checks, " not in result.stdout):
                raise Failed(f"{folder}: {result.stdout}{result.stderr}")
        self.stage.say("every validation passed")

    # ------------------------------------------------------------ trials

    def hands_over(self):
        """A stop is no failover: no acknowledged write is lost."""
        before = self.leader()
        with Writers(self, [BALANCER, *(p.ip for p in self.proxies)]) as writers:
            before.run(["systemctl", "stop", "redis-docker.service"], timeout=60)
            writers.go_on(LIMIT_S)
        self.stage.same("the one that was stopped leads", False, self.leader() is before)
        writers.reckon("handed over", lost_allowed=False)
        before.run(["systemctl", "start", "redis-docker.service"], timeout=60)
        self.healthy()
        self.stage.same("role of the one that comes back", "slave", self.role(before))

    def survives_a_crash(self):
        before = self.leader()
        with Writers(self, [BALANCER, *(p.ip for p in self.proxies)]) as writers:
            pid = before.run(["docker", "inspect", "--format", "{{.State.Pid}}", "redis"]).stdout.strip()
            before.run(["kill", "-KILL", pid])
            writers.go_on(LIMIT_S)
        self.stage.same("the one that crashed leads", False, self.leader() is before)
        writers.reckon("crash", lost_allowed=True)
        self.proxies_follow()
        # By itself, and from its first moment as a replica: its own log never says anything else.
        self.healthy(RESTART_DELAY_S + 60)
        self.stage.same("role of the one that comes back", "slave", self.role(before))
        composed = before.run(["journalctl", "--unit=redis-docker", "--output=cat", "--grep=replicates|leads"]).stdout
        self.stage.same("what it began as", f"{before.name} replicates {self.leader().name}", composed.splitlines()[-1])

    def survives_a_cut(self):
        """The master loses its network and nothing else. It cannot go on accepting writes, and nobody
        comes to it when it is back and still says that it leads."""
        before = self.leader()
        with Writers(self, [BALANCER, *(p.ip for p in self.proxies)]) as writers:
            before.cut()
            writers.go_on(LIMIT_S)
        alone = ["redis-member", "cli", "SET", "live:alone", "yes"]
        self.stage.poll(MAX_LAG_S + 10, lambda: before.run(alone).stdout.startswith("NOREPLICAS"),
                        "who is alone refuses writes")
        self.stage.same("what it says of itself", "role:master", before.run(
            ["redis-member", "cli", "INFO", "replication"]).stdout.split()[2])
        after = next(h for h in self.followers_of(before) if self.role(h) == "master")
        before.mend()
        until = time.monotonic() + 15
        while time.monotonic() < until:
            for proxy in self.proxies:
                self.stage.same("who gets clients", [after.name], self.admitted(proxy)[0])
        self.healthy()
        self.stage.same("role of the one that was cut off", "slave", self.role(before))
        writers.reckon("cut", lost_allowed=True)
        self.proxies_follow()

    def keeps_a_second_master_out(self):
        """A member says that it leads and no Sentinel agrees. HAProxy's own check believes it, which
        the proxy without its watcher shows."""
        guarded, bare = self.proxies
        bare.run(["systemctl", "stop", "prices-watcher.service"])
        self.stage.same("in maintenance without a watcher", [], self.admitted(bare)[1])
        leader, impostor = self.leader(), self.followers()[0]
        self.at(impostor.ip, "REPLICAOF", "NO", "ONE")
        self.stage.poll(8, lambda: set(self.admitted(bare)[0]) == {leader.name, impostor.name},
                        "the check alone admits two masters")
        self.stage.same("roles", ("master", "master"), (self.role(leader), self.role(impostor)))
        self.stage.same("members that the guarded proxy admits", [leader.name], self.admitted(guarded)[0])
        for _ in range(20):
            self.stage.same("who answers behind the guarded proxy", self.run_id(leader.ip), self.run_id(guarded.ip))
        bare.run(["systemctl", "start", "prices-watcher.service"])
        self.stage.poll(8, lambda: self.admitted(bare)[0] == [leader.name], "the watcher ends that")
        self.healthy()

    def run_id(self, ip):
        info = self.at(ip, "INFO", "server")
        return next(line for line in info.splitlines() if line.startswith("run_id:"))

    def outlives_haproxy(self):
        """What the watcher has set survives a reload, and comes back after a restart."""
        proxy = self.proxies[0]
        proxy.run(["systemctl", "reload", "haproxy-docker.service"])
        self.proxies_follow(5)
        proxy.run(["systemctl", "restart", "haproxy-docker.service"], timeout=60)
        self.proxies_follow(10)
        # By hand, against what a majority says.
        leader, other = self.leader(), self.followers()[0]
        proxy.run(["socat", "-", "UNIX-CONNECT:/run/haproxy/admin.sock"],
                  stdin=f"set server prices-redis/{other.name} state ready; "
                        f"set server prices-redis/{leader.name} state maint\n")
        self.proxies_follow(5)

    def holds_without_a_majority(self):
        leader = self.leader()
        silent = self.followers()
        for host in silent:
            host.run(["systemctl", "stop", "redis-sentinel-docker.service"])
        for proxy in self.proxies:
            self.stage.poll(20, lambda: self.watcher(proxy)["state"] == "holding", "the watcher holds")
            self.stage.same("members that get clients", [leader.name], self.admitted(proxy)[0])
            self.stage.same("members kept out", sorted(host.name for host in silent), self.admitted(proxy)[1])
        self.at(BALANCER, "SET", "live:held", "yes")
        # The member that it held to is gone, and nobody can be made master: HAProxy's check decides again.
        self.kill_for_good(leader)
        for proxy in self.proxies:
            self.stage.poll(20, lambda: self.watcher(proxy)["state"] == "released", "the watcher releases")
            self.stage.same("members in maintenance", [], self.admitted(proxy)[1])
            self.stage.poll(10, lambda: self.admitted(proxy)[0] == [], "nobody has the role")
        for host in silent:
            host.run(["systemctl", "start", "redis-sentinel-docker.service"])
        leader.run(["systemctl", "start", "redis-docker.service"], timeout=60)
        self.healthy()
        self.proxies_follow()
        self.stage.same("what was written", "yes", self.at(BALANCER, "GET", "live:held"))

    def kill_for_good(self, host):
        """Without handing over, and without coming back by itself."""
        host.run(["docker", "kill", "--signal=KILL", "redis"])
        host.run(["systemctl", "stop", "redis-docker.service"])

    def edit(self, path, old, new, count=len(MEMBERS)):
        """As if the model had changed and had been rendered again."""
        files = [f for f in self.stage.tree.glob(f"servers/depot-cache*/04-prices/{path}") if old in f.read_text()]
        self.stage.same(f"files with {old}", count, len(files))
        for file in files:
            file.write_text(file.read_text().replace(old, new))

    def takes_changes(self):
        # One that a running process can be told.
        started = [self.units(host) for host in self.members]
        self.edit("etc/redis/redis.conf", "maxmemory 536870912", "maxmemory 268435456")
        self.edit("etc/redis/sentinel.conf", "failover-timeout prices 30000", "failover-timeout prices 40000")
        self.fleet.run(SERVICES["redis"], "apply.sh")
        for host in self.members:
            self.stage.same("maxmemory", ["maxmemory", "268435456"], self.at(host.ip, "CONFIG", "GET", "maxmemory"))
            answer = host.run(["redis-member", "sentinel", "SENTINEL", "MASTER", "prices"]).stdout.split()
            self.stage.same("failover-timeout", "40000", answer[answer.index("failover-timeout") + 1])
        self.stage.same("containers that went on", started, [self.units(host) for host in self.members])
        self.edit("validate.sh", "parameter_is maxmemory 536870912", "parameter_is maxmemory 268435456")
        self.edit("validate.sh", "failover-timeout 30000", "failover-timeout 40000")

        # One that needs a restart: one member at a time, and the master hands over.
        self.edit("etc/redis/redis.conf", "dir /data", "databases 32\ndir /data")
        with Writers(self, [BALANCER]) as writers:
            self.fleet.run(SERVICES["redis"], "apply.sh")
            writers.go_on(LIMIT_S)
        writers.reckon("rolling restart", lost_allowed=False)
        for host in self.members:
            self.stage.same("databases", ["databases", "32"], self.at(host.ip, "CONFIG", "GET", "databases"))
        after = [self.units(host).splitlines() for host in self.members]
        before = [lines.splitlines() for lines in started]
        self.stage.same("Redis was restarted everywhere", [], [a for a, b in zip(after, before) if a[0] == b[0]])
        self.stage.same("Sentinels that went on", [b[1] for b in before], [a[1] for a in after])

    def takes_new_passwords(self):
        """Without a restart: both are accepted until everybody has the new one."""
        old, started = self.password(), [self.units(host) for host in self.members]
        file = self.stage.scratch / "credentials" / "prices.env"
        file.write_text("".join(f"{line}New\n" for line in file.read_text().splitlines()))
        for host in (*self.members, *self.proxies):
            host.ship()
        self.apply()
        for ip in (*(host.ip for host in self.members), BALANCER):
            for password in (old, self.password()):
                with Client(ip, password, 3) as client:
                    self.stage.same("PING", "PONG", client.call("PING"))
        self.healthy()
        for host in self.members:
            host.run(["redis-member", "forget-passwords"])
            try:
                Client(host.ip, old, 3)
            except Refused:
                continue
            raise Failed(f"{host.name} still accepts the old password")
        self.healthy()
        self.stage.same("containers that went on", started, [self.units(host) for host in self.members])
        self.proxies_follow()

    def never_begins_empty(self):
        """A master that lost its data does not come back as one, although the Sentinels still name it."""
        before = self.leader()
        keys = self.at(before.ip, "DBSIZE")
        self.stage.same("there are keys", True, keys > 0)
        self.kill_for_good(before)
        folder = "/data/prices/redis"
        before.run(["find", folder, "-mindepth", "1", "-delete"])
        before.run(["systemctl", "start", "--no-block", "redis-docker.service"])
        self.stage.poll(30, lambda: "would begin as an empty master" in before.run(
            ["journalctl", "--unit=redis-docker", "--output=cat"]).stdout, "it refuses")
        self.healthy(RESTART_DELAY_S + 60)
        self.stage.same("it leads", False, self.leader() is before)
        self.stage.same("keys", keys, self.at(BALANCER, "DBSIZE"))
        self.stage.same("keys of the one that had lost them", keys, self.at(before.ip, "DBSIZE"))

    def leaves_and_comes_back(self):
        """A member is taken off its host with all that it holds, and installed anew."""
        gone = self.followers()[0]
        keys = self.at(BALANCER, "DBSIZE")
        refused = gone.step("prices", "cleanup", "--yes=prices", check=False)
        self.stage.same("cleanup without the right word", (1, True), (refused.returncode, self.role(gone) == "slave"))
        gone.step("prices", "cleanup", "--yes=borealis/prices", f"--delete-data={gone.name}")
        for unit in ("redis-docker", "redis-sentinel-docker"):
            self.stage.same(unit, "inactive\n", gone.run(["systemctl", "is-active", unit], check=False).stdout)
        self.stage.same("what is left of it", "", gone.run(
            ["find", "/data/prices/redis", "/data/prices/sentinel", "/etc/redis", "-type", "f"]).stdout)
        diagnosis = self.fleet.run(SERVICES["redis"], "04_redis_06_diagnostics.sh", check=False)
        self.stage.same("diagnosis", (1, True), (diagnosis.returncode, f"{gone.name}: Redis does not answer" in
                                                 diagnosis.stdout + diagnosis.stderr))
        self.fleet.run(SERVICES["redis"], "apply.sh")
        self.healthy()
        self.stage.same("keys of the one that came back", keys, self.at(gone.ip, "DBSIZE"))
        self.fleet.run(SERVICES["redis"], "04_redis_06_diagnostics.sh")

    def drills(self):
        result = self.fleet.run(SERVICES["redis"], "failover_drill.sh", "--yes", "--crash")
        self.stage.say(result.stdout.strip().replace("\n", "; "))
        self.stage.same("keys of the drill", 0, self.at(BALANCER, "EXISTS", "kbgen:failover-drill"))

    def survives_a_loss_of_power(self):
        """All servers at once. Whoever led leads again, because nobody has learned anything else."""
        # So that the inventory's initial master is not it by chance.
        if self.leader().name == "depot-cache2":
            self.leader().run(["redis-member", "hand-over"])
            self.healthy()
        leader = self.leader()
        with Client(BALANCER, self.password(), 5) as client:
            self.stage.same("SET", "OK", client.call("SET", "live:power", "on"))
            # appendfsync everysec, and both replicas have it
            self.stage.same("WAIT", 2, client.call("WAIT", "2", "3000"))
        time.sleep(1.5)
        hosts = [*self.members, *self.proxies]
        for host in hosts:
            host.power_off()
        for host in hosts:
            host.boot()
        self.healthy(90)
        self.stage.same("master after a loss of power", leader.name, self.leader().name)
        self.proxies_follow()
        self.stage.poll(20, lambda: self.at(BALANCER, "GET", "live:power") == "on", "the data is there")


# ---------------------------------------------------------------- clients


class Refused(Exception):
    pass


class Client:
    """As much of RESP as the tests speak."""

    def __init__(self, ip, password, timeout):
        self.connection = socket.create_connection((ip, PORT), timeout=timeout)
        self.connection.settimeout(timeout)
        self.reader = self.connection.makefile("rb")
        self.call("AUTH", password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.connection.close()

    def call(self, *words):
        text = f"*{len(words)}\r\n" + "".join(f"${len(str(w))}\r\n{w}\r\n" for w in words)
        self.connection.sendall(text.encode())
        return self.answer()

    def answer(self):
        line = self.reader.readline().decode().rstrip("\r\n")
        if not line:
            raise ConnectionError("the connection was closed")
        kind, rest = line[0], line[1:]
        if kind == "-":
            raise Refused(rest)
        if kind == ":":
            return int(rest)
        if kind == "$":
            return None if rest == "-1" else self.reader.read(int(rest) + 2)[:-2].decode()
        if kind == "*":
            return [self.answer() for _ in range(int(rest))]
        return rest


class Writers:
    """A client for each way to Redis. It adds numbers to a set, fifty times a second, and remembers which
    were acknowledged and when."""

    def __init__(self, estate, ways):
        self.estate, self.ways = estate, ways
        self.name = f"live:{time.monotonic_ns()}"
        self.stopping = threading.Event()
        self.acknowledged = {way: [] for way in ways}  # (number, when)
        self.threads = [threading.Thread(target=self.write, args=(way,), daemon=True) for way in ways]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for(25, 20)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(10)

    def write(self, way):
        client, number = None, 0
        while not self.stopping.is_set():
            number += 1
            try:
                client = client or Client(way, self.estate.password(), 2)
                if client.call("SADD", f"{self.name}:{way}", number) == 1:
                    self.acknowledged[way].append((number, time.monotonic()))
            except (OSError, Refused):
                if client:
                    client.close()
                client = None
            self.stopping.wait(0.02)

    def wait_for(self, more, seconds):
        """Until each has written so many more."""
        wanted = {way: len(done) + more for way, done in self.acknowledged.items()}
        self.estate.stage.poll(seconds, lambda: all(len(self.acknowledged[way]) >= wanted[way] for way in self.ways),
                               "all clients write")

    def go_on(self, seconds):
        """Something has happened: until all of them write again, for a while."""
        time.sleep(0.5)
        self.wait_for(50, seconds)

    def reckon(self, what, lost_allowed):
        """The longest pause and the lost writes of each way, said; fails when one is too much."""
        for way in self.ways:
            found = {int(n) for n in self.estate.at(BALANCER, "SMEMBERS", f"{self.name}:{way}", timeout=10)}
            done = self.acknowledged[way]
            lost = {number for number, _ in done} - found
            times = [when for _, when in done]
            pause = max(b - a for a, b in zip(times, times[1:]))
            self.estate.stage.say(f"{what} by {way}: {len(done)} acknowledged, {len(lost)} lost, "
                                  f"longest pause {pause:.1f} s")
            if lost and not lost_allowed:
                raise Failed(f"{what}: acknowledged and lost: {sorted(lost)[:20]}")
            if pause > LIMIT_S:
                raise Failed(f"{what}: nobody could write for {pause:.1f} s")



sys.exit(main(test, topology="templates/04-redis-ha/example.yaml", systemd=True,
              programs={"redis-server": "redis-server", "redis-sentinel": "redis-sentinel",
                        "redis-cli": "redis-tools", "haproxy": "haproxy", "socat": "socat", "curl": "curl"}))
