"""A project at Hetzner Cloud, as far as load balancers go: what its API takes, refuses and answers.

The state is one JSON file, so that a test can look at it and spoil it. `hcloud.py` is a client of it
that needs no network; `Server` lets the real hcloud talk to it over HTTP. Written after the API's
reference and what the client libraries send; the provider itself was never asked.
"""

import fcntl
import http.server
import json
import re
import threading
import urllib.parse
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

# type: services, targets
TYPES = {"lb11": (5, 25), "lb21": (15, 75), "lb31": (30, 150)}
LOCATIONS = ["fsn1", "nbg1", "hel1", "ash", "hil"]
HTTP_CHECK = {"domain": "", "path": "/", "response": "", "status_codes": ["2??", "3??"], "tls": False}
HTTP_SERVICE = {"cookie_name": "HCLBSTICKY", "cookie_lifetime": 300, "certificates": [],
                "redirect_http": False, "sticky_sessions": False}
NOW = "2025-11-24T06:00:00+00:00"


class Refused(Exception):
    """What the API answers instead of doing it."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Project:
    """`path`: the file with the state."""

    def __init__(self, path):
        self.path = Path(path)

    @classmethod
    def new(cls, path, servers, networks=(), certificates=()):
        """`servers`: name -> private address in every network; `certificates`: name -> days left."""
        state = {"next": 1000, "servers": [], "networks": [], "certificates": [], "load_balancers": [],
                 "health": {}, "requests": [], "calls": [], "refuse": ""}
        for name in networks:
            state["networks"].append({"id": len(state["networks"]) + 11, "name": name})
        for name, ip in servers.items():
            nets = [{"network": n["id"], "ip": ip, "alias_ips": [], "mac_address": ""} for n in state["networks"]]
            state["servers"].append({"id": len(state["servers"]) + 101, "name": name, "status": "running",
                                     "created": NOW, "private_net": nets})
        for name, days in dict(certificates).items():
            until = (datetime.now(timezone.utc) + timedelta(days=days)).replace(microsecond=0)
            state["certificates"].append({"id": len(state["certificates"]) + 501, "name": name, "created": NOW,
                                          "type": "uploaded", "domain_names": [], "not_valid_after": until.isoformat()})
        Path(path).write_text(json.dumps(state))
        return cls(path)

    @contextmanager
    def state(self):
        """To look at, and to change; kept when the block ends well."""
        with open(self.path, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            state = json.load(file)
            yield state
            file.seek(0)
            file.truncate()
            json.dump(state, file, indent=1)

    def answer(self, method, path, query=None, body=None):
        """Status and JSON of one request."""
        with self.state() as state:
            if method != "GET":
                state["requests"].append(f"{method} {path} {json.dumps(body, sort_keys=True)}")
            try:
                if state["refuse"] and state["refuse"] in f"{method} {path}":
                    raise Refused(422, "resource_limit_exceeded", "limit of the project is reached")
                return _Request(state, query or {}, body or {}).run(method, path)
            except Refused as refused:
                return refused.status, {"error": {"code": refused.code, "message": str(refused), "details": None}}


class _Request:
    def __init__(self, state, query, body):
        self.state, self.query, self.body = state, query, body

    def run(self, method, path):
        parts = path.strip("/").split("/")
        kind = parts[0]
        if method == "GET" and kind == "actions":
            return 200, {"actions": [_action(i) for i in self.query.get("id", [1])], **_meta(1)}
        if method == "GET" and kind == "load_balancer_types":
            rows = [balancer_type(name) for name in TYPES if self.query.get("name", [name]) == [name]]
            return 200, {kind: rows, **_meta(len(rows))}
        if method == "GET" and kind == "locations":
            rows = [_location(name) for name in LOCATIONS if self.query.get("name", [name]) == [name]]
            return 200, {kind: rows, **_meta(len(rows))}
        if method == "GET" and len(parts) == 1:
            rows = [r for r in self.state[kind] if self.query.get("name", [r["name"]]) == [r["name"]]]
            return 200, {kind: [self.shown(kind, r) for r in rows], **_meta(len(rows))}
        if method == "GET":
            return 200, {kind[:-1]: self.shown(kind, self.find(kind, parts[1]))}
        if (method, parts) == ("POST", ["load_balancers"]):
            return 201, {"load_balancer": self.shown(kind, self.create()), "action": _action(1)}
        if method == "POST" and kind == "load_balancers" and len(parts) == 4:
            getattr(self, parts[3])(self.find(kind, parts[1]))
            return 201, {"action": _action(1)}
        raise Refused(404, "not_found", f"there is no {method} {path}")

    # ------------------------------------------------------------ what there is

    def find(self, kind, number):
        for row in self.state[kind]:
            if row["id"] == int(number):
                return row
        raise Refused(404, "not_found", f"{kind[:-1]} with ID '{number}' not found")

    def shown(self, kind, row):
        if kind != "load_balancers":
            return row
        targets = [{**t, "health_status": self.health(row, t)} for t in row["targets"]]
        return {**row, "targets": targets}

    def health(self, row, target):
        if target["type"] != "server":
            return []
        name = self.find("servers", target["server"]["id"])["name"]
        return [{"listen_port": s["listen_port"],
                 "status": self.state["health"].get(f"{name}:{s['health_check']['port']}", "unknown")}
                for s in row["services"]]

    def number(self):
        self.state["next"] += 1
        return self.state["next"]

    def create(self):
        name = self.body["name"]
        if any(r["name"] == name for r in self.state["load_balancers"]):
            raise Refused(409, "uniqueness_error", "name is already used")
        wanted = self.body["load_balancer_type"]
        kind = next((t for t in TYPES if wanted in (t, balancer_type(t)["id"], str(balancer_type(t)["id"]))), None)
        if not kind or self.body.get("location") not in LOCATIONS:
            raise Refused(422, "invalid_input", "invalid input in field 'load_balancer_type' or 'location'")
        number = self.number()
        row = {"id": number, "name": name, "created": NOW, "labels": {}, "protection": {"delete": False},
               "public_net": {"enabled": True, "ipv4": {"ip": f"203.0.113.{number % 200 + 10}", "dns_ptr": ""},
                              "ipv6": {"ip": "2001:db8::1", "dns_ptr": ""}},
               "private_net": [], "location": _location(self.body["location"]), "load_balancer_type": balancer_type(kind),
               "services": [], "targets": [], "algorithm": self.body.get("algorithm") or {"type": "round_robin"},
               "included_traffic": 1, "outgoing_traffic": None, "ingoing_traffic": None}
        self.state["load_balancers"].append(row)
        return row

    # ------------------------------------------------------------ what can be done

    def change_type(self, row):
        wanted = self.body["load_balancer_type"]
        row["load_balancer_type"] = next(balancer_type(t) for t in TYPES if wanted in (t, balancer_type(t)["id"]))

    def change_algorithm(self, row):
        if self.body["type"] not in ("round_robin", "least_connections"):
            raise Refused(422, "invalid_input", "invalid input in field 'type'")
        row["algorithm"] = {"type": self.body["type"]}

    def change_protection(self, row):
        row["protection"]["delete"] = self.body["delete"]

    def enable_public_interface(self, row):
        row["public_net"]["enabled"] = True

    def disable_public_interface(self, row):
        row["public_net"]["enabled"] = False

    def attach_to_network(self, row):
        network = self.find("networks", self.body["network"])
        if row["private_net"]:
            raise Refused(409, "load_balancer_already_attached", "the Load Balancer is already attached to a network")
        taken = {n["ip"] for r in self.state["servers"] + self.state["load_balancers"] for n in r["private_net"]
                 if n["network"] == network["id"]}
        if self.body.get("ip") in taken:
            raise Refused(409, "ip_not_available", "the provided Network IP is not available")
        row["private_net"].append({"network": network["id"], "ip": self.body.get("ip") or "10.0.0.250"})

    def add_target(self, row):
        if len(row["targets"]) >= row["load_balancer_type"]["max_targets"]:
            raise Refused(422, "resource_limit_exceeded", "too many targets")
        target = {key: self.body[key] for key in ("type", "server", "ip", "label_selector") if key in self.body}
        target["use_private_ip"] = bool(self.body.get("use_private_ip"))
        if any(_same_target(t, target) for t in row["targets"]):
            raise Refused(409, "target_already_defined", "target is already defined")
        if target["type"] == "server":
            server = self.find("servers", target["server"]["id"])
            if target["use_private_ip"]:
                networks = {n["network"] for n in row["private_net"]}
                if not networks:
                    raise Refused(422, "load_balancer_not_attached_to_network", "load balancer is not attached")
                if not networks & {n["network"] for n in server["private_net"]}:
                    raise Refused(422, "server_not_attached_to_network", "server is not attached to the network")
        row["targets"].append(target)

    def remove_target(self, row):
        kept = [t for t in row["targets"] if not _same_target(t, self.body)]
        if len(kept) == len(row["targets"]):
            raise Refused(404, "not_found", "target not found")
        row["targets"] = kept

    def service(self, row):
        for service in row["services"]:
            if service["listen_port"] == self.body["listen_port"]:
                return service
        raise Refused(404, "not_found", "service not found")

    def delete_service(self, row):
        row["services"].remove(self.service(row))

    def add_service(self, row):
        given = self.body
        port = given.get("listen_port") or {"http": 80, "https": 443}.get(given["protocol"])
        if any(s["listen_port"] == port for s in row["services"]):
            raise Refused(409, "source_port_already_used", "source port is already used")
        if len(row["services"]) >= row["load_balancer_type"]["max_services"]:
            raise Refused(422, "resource_limit_exceeded", "too many services")
        tcp = given["protocol"] == "tcp"
        destination = given.get("destination_port") or 80
        service = {"listen_port": port, "protocol": given["protocol"], "destination_port": destination,
                   "proxyprotocol": bool(given.get("proxyprotocol")),
                   "http": None if tcp else dict(HTTP_SERVICE),
                   "health_check": {"protocol": "tcp" if tcp else "http", "port": destination, "interval": 15,
                                    "timeout": 10, "retries": 3, "http": None if tcp else dict(HTTP_CHECK)}}
        row["services"].append(service)
        self.merge(service)

    def update_service(self, row):
        self.merge(self.service(row))

    def merge(self, service):
        """Every field that the request has; the others stay."""
        given = self.body
        for key in ("protocol", "destination_port", "proxyprotocol"):
            if given.get(key) is not None:
                service[key] = given[key]
        if service["protocol"] == "tcp":
            service["http"] = None
        else:
            service["http"] = {**(service["http"] or HTTP_SERVICE), **_said(given.get("http"))}
        check = service["health_check"]
        asked = _said(given.get("health_check"))
        http = _said(asked.pop("http", None))
        check.update(asked)
        check["http"] = None if check["protocol"] == "tcp" else {**(check["http"] or HTTP_CHECK), **http}
        self.judge(service)

    def judge(self, service):
        known = {c["id"] for c in self.state["certificates"]}
        if service["protocol"] == "https":
            if not service["http"]["certificates"] or not set(service["http"]["certificates"]) <= known:
                raise Refused(422, "invalid_input", "invalid input in field 'http': certificates")
        check = service["health_check"]
        limits = {"interval": (3, 60), "timeout": (1, check["interval"]), "retries": (1, 5), "port": (1, 65535)}
        for key, (least, most) in limits.items():
            if not least <= check[key] <= most:
                raise Refused(422, "invalid_input", "invalid input in field 'health_check': "
                              f"[health_check.{key} => [Must be between {least} and {most}.]]")
        if check["protocol"] not in ("tcp", "http") or (check["http"] and not check["http"]["path"].startswith("/")):
            raise Refused(422, "invalid_input", "invalid input in field 'health_check'")
        if check["http"] and not all(re.fullmatch(r"[0-9?*]{1,3}", c) for c in check["http"]["status_codes"]):
            raise Refused(422, "invalid_input", "invalid input in field 'health_check': status_codes")


def _said(fields):
    return {key: value for key, value in (fields or {}).items() if value is not None}


def _same_target(one, other):
    return one["type"] == other["type"] and one.get(one["type"]) == other.get(one["type"])


def balancer_type(name):
    services, targets = TYPES[name]
    return {"id": list(TYPES).index(name) + 1, "name": name, "description": name.upper(), "deprecated": None,
            "max_connections": 10000, "max_services": services, "max_targets": targets,
            "max_assigned_certificates": 10, "prices": []}


def _location(name):
    return {"id": LOCATIONS.index(name) + 1, "name": name, "description": name, "country": "DE", "city": name,
            "latitude": 0, "longitude": 0, "network_zone": "eu-central"}


def _action(number):
    return {"id": int(number), "command": "done", "status": "success", "progress": 100, "started": NOW,
            "finished": NOW, "resources": [], "error": None}


def _meta(entries):
    return {"meta": {"pagination": {"page": 1, "per_page": 50, "previous_page": None, "next_page": None,
                                    "last_page": 1, "total_entries": entries}}}


class Server:
    """The API on loopback, for a client that is not ours. `endpoint`: what HCLOUD_ENDPOINT must say."""

    def __init__(self, project, token):
        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                path, _, query = self.path.partition("?")
                if self.headers.get("authorization") != f"Bearer {token}":
                    status, answer = 401, {"error": {"code": "unauthorized", "message": "unable to authenticate"}}
                else:
                    status, answer = project.answer(self.command, path.removeprefix("/v1"),
                                                    urllib.parse.parse_qs(query), body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
