#!/usr/bin/env python3
"""Load balancers from nothing to what the topology says, spoilt field by field and repaired.

The provider is hetzner.py: its API was written down, not asked. Two command lines are its clients: the
stand-in hcloud.py, which knows the flags of the catalogue and no other, and Debian's real hcloud when it can
be had, older than the catalogue, over HTTP."""

import contextlib
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "native")]
sys.dont_write_bytecode = True

from hetzner import Project, Server, balancer_type  # noqa: E402
from stage import PATH, Failed, main  # noqa: E402

TOKEN = "Kj4v8sQx2mT7bZ1nRw6yHc3dLf9gPa5eUo0iXkVrBtNqMzWuYs8hJ2lC4pD6fGaE"
WEST = "harbour-west"


class Client:
    """Runs rendered scripts with one of the two command lines against a project."""

    def __init__(self, stage, name, environment):
        self.stage, self.name = stage, name
        self.environment = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": str(stage.scratch), **environment}

    def run(self, script, *arguments):
        return subprocess.run([self.stage.tree / script, *arguments], env=self.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=300)

    def change(self, *arguments, status=0, says=""):
        result = self.run("lb/balancers.sh", *arguments)
        if result.returncode != status or says not in result.stdout + result.stderr:
            raise Failed(f"{self.name}: balancers.sh {' '.join(arguments)}: status {result.returncode}, wanted "
                         f"{status} and {says!r}:\n{result.stdout}{result.stderr}")
        return result.stdout.splitlines()

    def verify(self):
        """What is not ok, each with its reasons."""
        result = self.run("modules/01-edge/verify_balancers.sh")
        wrong, lines = {}, result.stdout.splitlines()
        for line in lines:
            if line.startswith("not ok"):
                reasons = wrong.setdefault(line.split(" - ", 1)[1], [])
            elif line.startswith("# ") and wrong and not line.endswith(" failed"):
                reasons.append(line[2:])
        if not any(line.startswith("1..") for line in lines) or bool(result.returncode) != bool(wrong):
            raise Failed(f"{self.name}: the suite did not end:\n{result.stdout}{result.stderr}")
        return wrong


def test(stage):
    stage.say("the stand-in for hcloud 1.67")
    binaries = stage.scratch / "bin"
    binaries.mkdir()
    (binaries / "hcloud").write_text(f'#!/bin/sh\nexec {sys.executable} -IS {HERE}/hcloud.py "$@"\n')
    (binaries / "hcloud").chmod(0o755)
    with doors(stage) as world:
        project = new_project(stage)
        client = Client(stage, "stand-in", {**world.environment, "HCLOUD_PROJECT": str(project.path),
                                            "HCLOUD_TOKEN": TOKEN, "PATH": f"{binaries}:{PATH}",
                                            **{k: v for k, v in os.environ.items() if k == "HCLOUD_CATALOGUE"}})
        everything(stage, project, client, world)
        with project.state() as state:
            stage.same("calls that hold the token", [], [c for c in state["calls"] if TOKEN in " ".join(c)])

        real = os.environ.get("KBGEN_HCLOUD")
        if not real:
            stage.say(f"SKIP the real hcloud: {os.environ.get('KBGEN_HCLOUD_MISSING')}")
            return
        stage.say("the real hcloud")
        (stage.scratch / "real").mkdir()
        (stage.scratch / "real/hcloud").symlink_to(real)
        project = new_project(stage)
        with contextlib.closing(Server(project, TOKEN)) as server:
            client = Client(stage, "real", {**world.environment, "HCLOUD_ENDPOINT": server.endpoint,
                                            "HCLOUD_TOKEN": TOKEN, "PATH": f"{stage.scratch}/real:{PATH}"})
            everything(stage, project, client, world)


def new_project(stage):
    return Project.new(stage.scratch / "project.json", stage.addresses, networks=["harbour", "harbour-net"],
                       certificates={"harbour-example": 60})


def everything(stage, project, client, world):
    guards(stage, project, client)
    made = make(stage, project, client)
    drifts(stage, project, client, made)
    health(stage, project, client)
    by_name(stage, client, world)


def balancers(project):
    with project.state() as state:
        return {b["name"]: b for b in state["load_balancers"]}


def requests(project):
    with project.state() as state:
        return list(state["requests"])


# ---------------------------------------------------------------- the wrong project, the right one


def guards(stage, project, client):
    stage.say("a project that is not ours is left alone")
    for spoil, says in (
            (lambda s: s["networks"].pop(), "has no network harbour-net"),
            (lambda s: s["servers"].pop(), "has no server pier-mq2"),
            (lambda s: s["servers"][1]["private_net"][1].update(ip="10.40.0.99"), "pier-app1 has the address 10.40.0.99"),
    ):
        before = project.path.read_text()
        with project.state() as state:
            spoil(state)
        client.change("--yes", status=1, says=says)
        stage.same("changes in the wrong project", [], requests(project))
        project.path.write_text(before)
    client.environment["HCLOUD_TOKEN"] = ""
    client.change("--yes", status=1, says="is there an active context, or HCLOUD_TOKEN?")
    client.environment["HCLOUD_TOKEN"] = TOKEN
    client.change("--only=harbour-wets", status=1, says="there is no load balancer harbour-wets")
    client.change("--force", status=2, says="usage:")
    stage.same("everything is missing", {f"{name} is there": ["the project has no load balancer of this name"]
                                         for name in ("harbour-queues", "harbour-east", WEST)},
               {what: why for what, why in client.verify().items() if what.endswith("is there")})


def make(stage, project, client):
    """Gives the load balancers as they must be."""
    stage.say("from nothing, with a provider that refuses in the middle")
    client.change(status=1, says="hcloud load-balancer create --name=harbour-queues --type=lb11 --location=fsn1")
    stage.same("changes without --yes", [], requests(project))
    client.change("--yes", "--only=harbour-queues", says="8 commands were run")
    stage.same("made by --only", ["harbour-queues"], list(balancers(project)))
    with project.state() as state:
        state["refuse"] = "update_service"
    client.change("--yes", status=1, says="limit of the project is reached")
    with project.state() as state:
        state["refuse"] = ""
    client.change("--yes", status=1, says="has the public address")
    with project.state() as state:
        for balancer in state["load_balancers"]:
            ours = {"harbour-east": "203.0.113.5", WEST: "203.0.113.6"}.get(balancer["name"])
            balancer["public_net"]["ipv4"]["ip"] = ours or balancer["public_net"]["ipv4"]["ip"]
        # Who listens answers; pier-app3 is a target of the API's load balancer, and has no API.
        for name in stage.addresses:
            state["health"] |= {f"{name}:30080": "healthy", f"{name}:5672": "healthy", f"{name}:6443": "healthy"}
        state["health"]["pier-app3:6443"] = "unhealthy"
    before = requests(project)
    client.change("--yes", says="nothing to change")
    stage.same("changes of a second run", before, requests(project))
    stage.same("deleted on the way", [], [r for r in before if "delete" in r.split("{")[0] or "remove" in r.split("{")[0]])
    stage.same("not ok", {}, client.verify())
    stage.same("changes of a verification", before, requests(project))
    compare_with_json(stage, project)
    made = balancers(project)
    with project.state() as state:
        state["load_balancers"].append({**made[WEST], "id": 7, "name": "somebody-elses"})
    client.change("--yes", "--prune", says="also has the load balancer somebody-elses")
    stage.same("not ok beside another's", {}, client.verify())
    with project.state() as state:
        state["load_balancers"] = list(made.values())
    return made


def compare_with_json(stage, project):
    """The provider's state against balancers.json, without the module's own reader."""
    wanted = json.loads((stage.tree / "lb/balancers.json").read_text())["load_balancers"]
    found = balancers(project)
    stage.same("load balancers", [w["called"] for w in wanted], list(found))
    with project.state() as state:
        certificates = {c["id"]: c["name"] for c in state["certificates"]}
    for balancer in wanted:
        there = {s["listen_port"]: s for s in found[balancer["called"]]["services"]}
        stage.same("ports", sorted(s["listen_port"] for s in balancer["services"]), sorted(there))
        for service in balancer["services"]:
            one, is_ = there[service["listen_port"]], service["is"]
            check, http = one["health_check"], one["http"] or {}
            stage.same(f"{balancer['called']}:{service['listen_port']}", is_, {
                "protocol": one["protocol"], "destination_port": one["destination_port"],
                "proxy_protocol": one["proxyprotocol"],
                **({"certificate": ",".join(certificates[c] for c in http["certificates"]),
                    "redirect_http": http["redirect_http"], "sticky_sessions": http["sticky_sessions"]} if http else {}),
                "health_check": {
                    **{k: check[k] for k in ("protocol", "port", "interval", "timeout", "retries")},
                    **({**check["http"], "status_codes": ",".join(check["http"]["status_codes"])} if check["http"] else {})},
            })


# ---------------------------------------------------------------- one field after the other


def service_of(balancer, port):
    return next(s for s in balancer["services"] if s["listen_port"] == port)


def field(*path, to):
    """Spoils a field of the service on port 443."""
    def spoil(balancer):
        *way, last = path
        node = service_of(balancer, 443)
        for key in way:
            node = node[key]
        node[last] = to
    return spoil


S443 = f"{WEST}: service on port 443"
# what, how it is spoilt, the check that must fail, its reason, what the repair needs
DRIFTS = [
    ("type", lambda b: b.update(load_balancer_type=balancer_type("lb31")),
     f"{WEST}: type, location, algorithm, protection", "type: wanted lb21, found lb31", []),
    ("algorithm", lambda b: b.update(algorithm={"type": "round_robin"}),
     f"{WEST}: type, location, algorithm, protection", "algorithm: wanted least_connections, found round_robin", []),
    ("protection", lambda b: b.update(protection={"delete": False}),
     f"{WEST}: type, location, algorithm, protection", "delete_protection: wanted true, found false", []),
    ("network", lambda b: b.update(private_net=[]),
     f"{WEST}: network and address", "name: wanted harbour-net, found ", []),
    ("public interface", lambda b: b["public_net"].update(enabled=False),
     f"{WEST}: public interface", "enabled: wanted true, found false", []),
    ("target lost", lambda b: b["targets"].pop(0), f"{WEST}: targets", "pier-app1 is no target", None),
    ("target by its public address", lambda b: b["targets"][1].update(use_private_ip=False),
     f"{WEST}: targets", "pier-app2 by its public address is a target, and should be none", ["--prune"]),
    ("target too many", lambda b: b["targets"].append({"type": "server", "server": {"id": 101}, "use_private_ip": True}),
     f"{WEST}: targets", "pier-ops is a target, and should be none", ["--prune"]),
    ("address as a target", lambda b: b["targets"].append({"type": "ip", "ip": {"ip": "192.0.2.99"}, "use_private_ip": False}),
     f"{WEST}: targets", "the address 192.0.2.99 is a target, and should be none", ["--prune"]),
    ("label as a target", lambda b: b["targets"].append(
        {"type": "label_selector", "label_selector": {"selector": "role=web"}, "use_private_ip": True}),
     f"{WEST}: targets", "whatever is labelled role=web is a target, and should be none", ["--prune"]),
    ("service lost", lambda b: b["services"].pop(), f"{WEST}: service on port 6443", "nobody listens there", None),
    ("service too many", lambda b: b["services"].append({**service_of(b, 80), "listen_port": 8080}),
     f"{WEST}: it listens for nothing else", "it listens on 8080, which the topology does not know", ["--prune"]),
    ("protocol", field("protocol", to="http"), S443, "protocol: wanted https, found http", []),
    ("destination", field("destination_port", to=80), S443, "destination_port: wanted 30080, found 80", []),
    ("PROXY protocol", field("proxyprotocol", to=True), S443, "proxy_protocol: wanted false, found true", []),
    ("certificate", field("http", "certificates", to=[502]), S443,
     "certificate: wanted harbour-example, found number 502", []),
    ("redirect", field("http", "redirect_http", to=True), S443, "redirect_http: wanted false, found true", []),
    ("sticky sessions", field("http", "sticky_sessions", to=True), S443, "sticky_sessions: wanted false, found true", []),
    ("health check by TCP", field("health_check", to={"protocol": "tcp", "port": 30080, "interval": 15, "timeout": 10,
                                                      "retries": 3, "http": None}),
     S443, "health_check.protocol: wanted http, found tcp", []),
    ("health check's port", field("health_check", "port", to=31696), S443, "health_check.port: wanted 30080, found 31696", []),
    ("interval", field("health_check", "interval", to=60), S443, "health_check.interval: wanted 15, found 60", []),
    ("timeout", field("health_check", "timeout", to=1), S443, "health_check.timeout: wanted 10, found 1", []),
    ("retries", field("health_check", "retries", to=5), S443, "health_check.retries: wanted 3, found 5", []),
    ("path", field("health_check", "http", "path", to="/ping"), S443, "health_check.path: wanted /, found /ping", []),
    ("status", field("health_check", "http", "status_codes", to=["200"]), S443,
     "health_check.status_codes: wanted 2??,3??, found 200", []),
    ("domain", field("health_check", "http", "domain", to="www.example"), S443,
     "health_check.domain: wanted , found www.example", []),
    ("response", field("health_check", "http", "response", to="ok"), S443, "health_check.response: wanted , found ok", []),
    ("TLS to targets", field("health_check", "http", "tls", to=True), S443, "health_check.tls: wanted false, found true", []),
]
# What no command may put right: a person must.
STAYS = [
    ("location", lambda b: b["location"].update(name="nbg1"), f"{WEST}: type, location, algorithm, protection",
     "location: wanted hel1, found nbg1", "stands in nbg1 instead of hel1"),
    ("address", lambda b: b["private_net"][0].update(ip="10.40.0.7"), f"{WEST}: network and address",
     "ip: wanted 10.40.0.6, found 10.40.0.7", "is attached as 12 10.40.0.7"),
    ("public address", lambda b: b["public_net"]["ipv4"].update(ip="203.0.113.66"), f"{WEST}: public interface",
     "ip: wanted 203.0.113.6, found 203.0.113.66", "has the public address 203.0.113.66"),
]


def drifts(stage, project, client, made):
    stage.say(f"{len(DRIFTS) + len(STAYS)} ways to spoil one load balancer")
    for what, spoil, check, reason, needs in DRIFTS:
        spoil_west(project, spoil)
        noticed(client, what, check, reason)
        if needs:
            spoilt = balancers(project)
            client.change("--yes", f"--only={WEST}", status=1, says="left as it is")
            stage.same(f"{what}: without --prune", spoilt, balancers(project))
        client.change("--yes", f"--only={WEST}", *(needs or []))
        repaired(stage, what, made, balancers(project), ordered=needs == [])
        with project.state() as state:
            state["load_balancers"] = list(made.values())
    for what, spoil, check, reason, says in STAYS:
        spoil_west(project, spoil)
        spoilt = balancers(project)
        noticed(client, what, check, reason)
        client.change("--yes", "--prune", f"--only={WEST}", status=1, says=says)
        stage.same(f"{what}: left", spoilt, balancers(project))
        with project.state() as state:
            state["load_balancers"] = list(made.values())
    with project.state() as state:
        kept = state["certificates"].pop()
    noticed(client, "certificate deleted", S443, "certificate: wanted harbour-example, found number 501")
    client.change("--yes", status=1, says="the project has no certificate harbour-example")
    stage.same("without a certificate", made, balancers(project))
    with project.state() as state:
        kept["not_valid_after"] = "2000-01-01T00:00:00+00:00"
        state["certificates"] = [kept]
    noticed(client, "certificate over", "certificate harbour-example is valid for another 14 days", "at 2000-01-01")
    with project.state() as state:
        kept["not_valid_after"] = "2999-01-01T00:00:00+00:00"
        state["certificates"] = [kept]
    stage.same("not ok", {}, client.verify())


def spoil_west(project, spoil):
    with project.state() as state:
        spoil(next(b for b in state["load_balancers"] if b["name"] == WEST))


def noticed(client, what, check, reason):
    wrong = client.verify()
    if not any(reason in line for line in wrong.get(check, [])):
        raise Failed(f"{what}: {check!r} must fail with {reason!r}, but: {wrong}")


def repaired(stage, what, wanted, found, ordered):
    """What was added again stands at the end."""
    if not ordered:
        wanted, found = (json.loads(json.dumps(b)) for b in (wanted, found))
        for balancer in [*wanted.values(), *found.values()]:
            balancer["targets"].sort(key=lambda t: t["server"]["id"])
            balancer["services"].sort(key=lambda s: s["listen_port"])
    stage.same(f"{what}: repaired", wanted, found)


# ---------------------------------------------------------------- targets, and the world


def health(stage, project, client):
    stage.say("targets")
    for server, is_, check, reason in (
            ("pier-app2:30080", "unhealthy", f"{WEST}: health behind port 80", "pier-app2: wanted healthy, found unhealthy"),
            ("pier-mq1:5672", "unknown", "harbour-queues: health behind port 5672", "pier-mq1: wanted healthy, found unknown"),
            ("pier-app3:6443", "healthy", f"{WEST}: health behind port 6443", "pier-app3: wanted unhealthy, found healthy"),
    ):
        with project.state() as state:
            was = state["health"][server]
            state["health"][server] = is_
        noticed(client, server, check, reason)
        with project.state() as state:
            state["health"][server] = was


def by_name(stage, client, world):
    stage.say("every name at every address")
    at_west = {f"{p}://{n}.harbour.example:{port} at 203.0.113.6 ({WEST})"
               for n in ("www", "shop") for p, port in (("http", 80), ("https", 443))}
    world.status["203.0.113.6"] = 504
    stage.same("one of two answers 504", at_west, set(client.verify()))
    world.status["203.0.113.6"] = 404
    stage.same("a 404 comes from behind", set(), set(client.verify()))
    world.certificate("203.0.113.6", "other.example")
    stage.same("a certificate for another name", {c for c in at_west if c.startswith("https")}, set(client.verify()))
    world.certificate("203.0.113.6", "*.harbour.example")
    world.silence("203.0.113.6", 80)
    stage.same("nobody listens", {c for c in at_west if c.startswith("http:")}, set(client.verify()))
    world.listen("203.0.113.6", 80)
    world.status["203.0.113.6"] = 200
    stage.same("not ok", {}, client.verify())


@contextlib.contextmanager
def doors(stage):
    world = World(stage)
    try:
        yield world
    finally:
        for address, port in list(world.servers):
            world.silence(address, port)


class World:
    """The public side of the load balancers: HTTP and HTTPS, with certificates of an authority of its own."""

    def __init__(self, stage):
        self.folder = stage.scratch / "world"
        self.folder.mkdir()
        self.status, self.contexts, self.servers = {}, {}, {}
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority",
                     "-keyout", "ca.key", "-out", "ca.pem")
        self.environment = {"CURL_CA_BUNDLE": str(self.folder / "ca.pem")}
        for address in ("203.0.113.5", "203.0.113.6"):
            subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
            self.status[address] = 200
            self.contexts[address] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.certificate(address, "*.harbour.example")
            self.listen(address, 80)
            self.listen(address, 443)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def certificate(self, address, name):
        file = self.folder / (name.replace("*", "star") + ".pem")
        if not file.exists():
            (self.folder / "san").write_text(f"subjectAltName=DNS:{name}\n")
            self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", f"{file.stem}.key", "-out", "csr")
            self.openssl("x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                         "-extfile", "san", "-out", file.name)
        self.contexts[address].load_cert_chain(file, self.folder / f"{file.stem}.key")

    def listen(self, address, port):
        world = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(world.status[address])
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((address, port), Handler, bind_and_activate=False)
        server.allow_reuse_address = True
        server.server_bind()
        if port == 443:
            server.socket = self.contexts[address].wrap_socket(server.socket, server_side=True)
        server.server_activate()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.servers[address, port] = server

    def silence(self, address, port):
        server = self.servers.pop((address, port))
        server.shutdown()
        server.server_close()


def find_real():
    """Fetched before there are namespaces, because in them nothing is reached."""
    from validator import Missing, debian_program
    try:
        os.environ["KBGEN_HCLOUD"] = shutil.which("hcloud", path=PATH) or debian_program("hcloud-cli", "usr/bin/hcloud")
    except Missing as missing:
        os.environ["KBGEN_HCLOUD_MISSING"] = str(missing)


if __name__ == "__main__":
    if "KBGEN_STAGE" not in os.environ:
        find_real()
    sys.exit(main(test, topology=os.environ.get("KBGEN_TOPOLOGY", "templates/01-load-balancers/example.yaml"),
                  programs={"jq": "jq", "curl": "curl", "openssl": "openssl"}))
