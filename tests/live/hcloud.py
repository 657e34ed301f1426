#!/usr/bin/env python3
"""A stand-in for the command line of Hetzner Cloud, for machines that have none, and for a version that no
distribution packages: it knows the commands and flags that the catalogue of the module lists, refuses
all others, and sends what the real one sends to a project of hetzner.py.

HCLOUD_PROJECT names the project's file, HCLOUD_TOKEN must be set. Every call is kept in the project."""

import csv
import json
import os
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hetzner import Project  # noqa: E402

CATALOGUE = HERE.parents[1] / "templates/01-load-balancers/keys/hcloud-1.67.tsv"
LISTS = {"load-balancer": "load_balancers", "server": "servers", "network": "networks", "certificate": "certificates"}


class Wrong(Exception):
    pass


def read_catalogue(path):
    """command -> flag -> (type, allowed, required)"""
    commands = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["type"] == "command":
                commands.setdefault(row["key"], {})
            elif row["key"].startswith("--"):
                commands.setdefault(row["context"], {})[row["key"]] = (
                    row["type"], row["allowed"], row["note"] == "required")
    return commands


def parse(words, commands):
    """(command, flags, arguments). A flag is --flag=value, or --flag alone when it is a switch."""
    command = next((" ".join(["hcloud", *words[:n]]) for n in (3, 2) if " ".join(["hcloud", *words[:n]]) in commands), "")
    if not command:
        raise Wrong(f"unknown command: {' '.join(words[:2])}")
    known, flags, rest = commands[command], {}, []
    for word in words[len(command.split()) - 1:]:
        if not word.startswith("-"):
            rest.append(word)
            continue
        name, separator, value = word.partition("=")
        if name not in known:
            raise Wrong(f"{command}: unknown flag: {name}")
        if not separator and known[name][0] != "flag":
            raise Wrong(f"{command}: flag needs an argument: {name}")
        flags[name] = check_value(command, name, value if separator else "true", known[name])
    for name, (_, _, required) in known.items():
        if required and name not in flags:
            raise Wrong(f'{command}: required flag "{name}" not set')
    return command, flags, rest


def check_value(command, name, value, declared):
    kind, allowed, _ = declared
    if kind == "flag":
        allowed = "true|false"
    form = {"int": r"\d+", "duration": r"(\d+(h|m|s|ms))+", "ip": r"\d+(\.\d+){3}"}.get(kind)
    if form and not re.fullmatch(form, value):
        raise Wrong(f'{command}: invalid argument "{value}" for "{name}" flag')
    if allowed and "<" not in allowed and value not in allowed.split("|"):
        raise Wrong(f'{command}: "{value}" is none of {allowed} for "{name}"')
    return {"int": int, "flag": lambda v: v == "true", "strings": lambda v: v.split(",") if v else [],
            "duration": seconds}.get(kind, str)(value)


def seconds(text):
    return sum(int(n) * {"h": 3600, "m": 60, "s": 1}[u] for n, u in re.findall(r"(\d+)(h|m|s)", text))


class Client:
    def __init__(self, project):
        self.project = project

    def ask(self, method, path, query=None, body=None):
        status, answer = self.project.answer(method, path, query, body)
        if status >= 400:
            raise Wrong(f"{answer['error']['message']} ({answer['error']['code']})")
        return answer

    def find(self, kind, name):
        rows = self.ask("GET", f"/{kind}", {"name": [name]})[kind]
        if not rows:
            raise Wrong(f"{kind[:-1]} not found: {name}")
        return rows[0]

    def act(self, name, action, body=None):
        self.ask("POST", f"/load_balancers/{self.find('load_balancers', name)['id']}/actions/{action}", body=body)

    def run(self, command, flags, rest):
        noun, verb = command.split()[1:3]
        if verb == "list":
            print(json.dumps(self.ask("GET", f"/{LISTS[noun]}")[LISTS[noun]]))
        elif verb == "describe":
            print(json.dumps(self.find(LISTS[noun], rest[0])))
        else:
            getattr(self, verb.replace("-", "_"))(flags, *rest)

    def create(self, flags):
        self.ask("POST", "/load_balancers", body={
            "name": flags["--name"], "load_balancer_type": flags["--type"], "location": flags.get("--location"),
            "algorithm": {"type": flags.get("--algorithm-type", "round_robin")}})

    def change_type(self, _, name, kind):
        self.act(name, "change_type", {"load_balancer_type": kind})

    def change_algorithm(self, flags, name):
        self.act(name, "change_algorithm", {"type": flags["--algorithm-type"]})

    def enable_protection(self, _, name, what):
        self.act(name, "change_protection", {what: True})

    def disable_protection(self, _, name, what):
        self.act(name, "change_protection", {what: False})

    def enable_public_interface(self, _, name):
        self.act(name, "enable_public_interface")

    def disable_public_interface(self, _, name):
        self.act(name, "disable_public_interface")

    def attach_to_network(self, flags, name):
        network = self.find("networks", flags["--network"])["id"]
        self.act(name, "attach_to_network", {"network": network, "ip": flags.get("--ip")})

    def add_target(self, flags, name):
        self.act(name, "add_target", {**self.target(flags), "use_private_ip": flags.get("--use-private-ip", False)})

    def remove_target(self, flags, name):
        self.act(name, "remove_target", self.target(flags))

    def target(self, flags):
        if "--server" in flags:
            return {"type": "server", "server": {"id": self.find("servers", flags["--server"])["id"]}}
        if "--ip" in flags:
            return {"type": "ip", "ip": {"ip": flags["--ip"]}}
        return {"type": "label_selector", "label_selector": {"selector": flags["--label-selector"]}}

    def delete_service(self, flags, name):
        self.act(name, "delete_service", {"listen_port": flags["--listen-port"]})

    def add_service(self, flags, name):
        self.act(name, "add_service", service(flags))

    def update_service(self, flags, name):
        self.act(name, "update_service", service(flags))


def service(flags):
    """Only what was said; an update leaves the rest as it is."""
    body = picked(flags, {"--listen-port": "listen_port", "--protocol": "protocol", "--proxy-protocol": "proxyprotocol",
                          "--destination-port": "destination_port"})
    http = picked(flags, {"--http-redirect-http": "redirect_http", "--http-sticky-sessions": "sticky_sessions",
                          "--http-certificates": "certificates"})
    if "certificates" in http:
        http["certificates"] = [int(c) for c in http["certificates"]]
    check = picked(flags, {f"--health-check-{k}": k for k in ("protocol", "port", "interval", "timeout", "retries")})
    asked = picked(flags, {f"--health-check-http-{k}": k.replace("-", "_")
                           for k in ("domain", "path", "response", "status-codes", "tls")})
    if asked:
        check["http"] = asked
    return {**body, **({"http": http} if http else {}), **({"health_check": check} if check else {})}


def picked(flags, names):
    return {field: flags[flag] for flag, field in names.items() if flag in flags}


def main(words):
    project = Project(os.environ["HCLOUD_PROJECT"])
    with project.state() as state:
        state["calls"].append(words)
    try:
        if not os.environ.get("HCLOUD_TOKEN"):
            raise Wrong("no active context or token")
        Client(project).run(*parse(words, read_catalogue(os.environ.get("HCLOUD_CATALOGUE", CATALOGUE))))
    except Wrong as wrong:
        print(f"hcloud: {wrong}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
