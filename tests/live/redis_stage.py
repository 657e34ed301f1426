"""The Redis of the live tests: three members, two proxies and their watchers, installed by the rendered steps,
under systemd and docker, and clients that write and count.

Debian's Redis 7.0 stands for the image's 7.2, Debian's HAProxy for the image's.
"""

import socket
import sys
import threading
import time
from collections import Counter

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
PROGRAMS = {"redis-server": "redis-server", "redis-sentinel": "redis-sentinel", "redis-cli": "redis-tools", "zstd": "zstd",
            "haproxy": "haproxy", "socat": "socat", "curl": "curl"}


def play(trials):
    """Installs everything, makes the trials, and asks in the end whether all is as it should be."""
    def test(stage):
        estate = Estate(stage)
        estate.install()
        for trial in trials:
            stage.say(trial.__name__.replace("_", " "))
            trial(estate)
        estate.validates()

    sys.exit(main(test, topology="templates/04-redis-ha/example.yaml", systemd=True, programs=PROGRAMS))


class Estate:
    def __init__(self, stage):
        self.stage = stage
        stage.image("redis", "redis:7.2.5-alpine", ["redis-server", "redis-sentinel", "redis-check-rdb"])
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
        # Several logs: what is new need not stand at the end.
        self.stage.same("what a second run did", [], sorted((Counter(traces()) - Counter(before)).elements()))
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

    def run_id(self, ip):
        info = self.at(ip, "INFO", "server")
        return next(line for line in info.splitlines() if line.startswith("run_id:"))

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
