#!/usr/bin/env python3
"""Writes a topology that is another one repeated: scale.py COPIES FOLDER [TOPOLOGY].

Every copy has its own servers, addresses, services, apps, balancers and credentials, and names of
its own; services on all servers and the install host stay single. The first copy keeps its names.
Nothing here knows the topology: what it names is read from it and from the manifests of the modules.
"""
import csv
import ipaddress
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
# One copy a /24 of it, and public addresses of the range for benchmarks (RFC 2544).
PRIVATE = ipaddress.ip_network("10.0.0.0/8")
PUBLIC = ipaddress.ip_network("198.18.0.0/15")
# The columns that selectors choose by. CORE is a yes or no, so it cannot be told apart by copy.
GROUPS = {"POOL": "pool", "ROLE": "role", "SUBROLE": "subrole", "DOCKER_STACK": "docker_stack"}


def read_yaml(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)


class Dumper(yaml.CSafeDumper):
    """Without anchors: kbgen refuses them."""

    def ignore_aliases(self, data):
        return True


def write_yaml(path, tree):
    with open(path, "w", encoding="utf-8") as file:
        yaml.dump(tree, file, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1 << 20)


def read_table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def write_table(path, header, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.write("\t".join(header) + "\n")
        file.writelines("\t".join(row[name] for name in header) + "\n" for row in rows)


def read_manifests():
    manifests = (read_yaml(path) for path in sorted(ROOT.glob("templates/*/module.yaml")))
    return {manifest["module"]: manifest for manifest in manifests}


def on_all(service):
    return service["nodes"].get("all", False)


class Copy:
    """What one copy of the topology is called."""

    def __init__(self, number, manifests, topology):
        self.number = number
        self.manifests = manifests
        self.topology = topology

    def name(self, name):
        return f"{name}-{self.number}" if self.number else name

    def variable(self, name):
        return f"{name}_{self.number}" if self.number else name

    def service(self, name):
        whole = on_all(self.topology["services"].get(name, {"nodes": {}}))
        return name if whole else self.name(name)

    def private(self, address):
        if not self.number:
            return address
        last = int(ipaddress.ip_address(address)) & 0xFF
        return str(PRIVATE[(self.number << 8) + last])

    def selector(self, selector):
        def renamed(column, value):
            if column not in GROUPS.values() and column != "name":
                return value
            return [self.name(v) for v in value] if isinstance(value, list) else self.name(value)

        return {column: renamed(column, value) for column, value in selector.items()}

    def credential(self, name):
        return self.variable(name)

    def server(self, row, index, rows):
        if not self.number:
            return row
        first, dot, domain = row["FQDN"].partition(".")
        changed = {
            "IP_PUBLIQUE": str(PUBLIC[self.number * rows + index]),
            "HOSTNAME": self.name(row["HOSTNAME"]),
            "IP_PRIVEE": self.private(row["IP_PRIVEE"]),
            "FQDN": self.name(first) + dot + domain,
        }
        return row | changed | {group: self.name(row[group]) for group in GROUPS}

    def volume(self, row):
        device = row["DEVICE"]
        return row | {"HOSTNAME": self.name(row["HOSTNAME"]), "DEVICE": device if device == "-" else self.name(device)}

    def bound_credentials(self, name, service):
        secrets = self.manifests[service["module"]].get("secrets") or {}
        bound = {secret: f"{name}_{secret}".replace("-", "_") for secret in secrets} | service.get("credentials", {})
        return {secret: self.credential(credential) for secret, credential in bound.items()}

    def bound_needs(self, name, service):
        bound = dict(service.get("uses", {}))
        for need, declared in (self.manifests[service["module"]].get("needs") or {}).items():
            providers = [other for other, s in self.topology["services"].items() if s["module"] == declared["module"]]
            own = bound.get(need) or (need if need in providers else providers[0])
            bound[need] = self.service(own)
        return bound

    def renamed_service(self, name, service):
        """The service as this copy has it; what is empty is left out."""
        if not self.number:
            return service | self.references(name, service)
        return service | {"nodes": self.selector(service["nodes"])} | self.references(name, service)

    def references(self, name, service):
        references = {"uses": self.bound_needs(name, service), "credentials": self.bound_credentials(name, service)}
        if "proxy" in service:
            references["proxy"] = self.service(service["proxy"])
        if "entry" in service:
            references["entry"] = self.name(service["entry"])
        return {key: value for key, value in references.items() if value}

    def balancer(self, balancer):
        def listener(text):
            service, dot, endpoint = text.partition(".")
            return self.service(service) + dot + endpoint

        changed = {
            "private_ip": self.private(balancer["private_ip"]),
            "targets": self.service(balancer["targets"]),
            "listeners": [listener(text) for text in balancer["listeners"]],
        }
        if "public_ip" in balancer and self.number:
            # Behind the addresses of all servers, which are taken from the beginning.
            changed["public_ip"] = str(PUBLIC[-2 - self.number])
        return balancer | changed

    def app(self, app):
        uses = {}
        for service, use in app.get("uses", {}).items():
            use = dict(use or {})
            if "credential" in use:
                use["credential"] = self.credential(use["credential"])
            uses[self.service(service)] = use or None
        return app | {"nodes": self.selector(app["nodes"]), "uses": uses}

    def allowance(self, rule):
        service, dot, endpoint = rule["to"].partition(".")
        moved = {"to": self.service(service) + dot + endpoint}
        if "from" in rule:
            moved["from"] = self.selector(rule["from"])
        return rule | moved

    def waiver(self, waiver):
        return waiver | {"subject": self.service(waiver["subject"])}

    def credentials(self, credentials):
        def placed(credential):
            stem, dot, ending = credential["file"].rpartition(".")
            return credential | {"file": f"{self.name(stem)}{dot}{ending}"}

        return {self.credential(name): placed(credential) for name, credential in credentials.items()}


def repeat(topology, copies, parts):
    """The topology with every part once a copy, and the single services as they are."""
    services, balancers, apps = {}, {}, {}
    allowed, waivers = [], []
    for copy in copies:
        for name, service in topology["services"].items():
            if not on_all(service):
                services[copy.name(name)] = copy.renamed_service(name, service)
            elif not copy.number:
                services[name] = service | {"nodes": service["nodes"] | {"expect": parts["servers"]}}
        for name, balancer in topology.get("load_balancers", {}).items():
            balancers[copy.name(name)] = copy.balancer(balancer)
        for name, app in topology.get("apps", {}).items():
            apps[copy.name(name)] = copy.app(app)
        allowed += [copy.allowance(rule) for rule in topology.get("allow", [])]
        waivers += [w for w in map(copy.waiver, topology.get("waivers", [])) if w not in waivers]
    changed = {
        "services": services,
        "load_balancers": balancers,
        "apps": apps,
        "allow": allowed,
        "waivers": waivers,
    }
    network = topology["network"] | {"private": str(PRIVATE)}
    files = {"inventory": "servers.tsv", "versions": "versions.yaml", "credentials": "credentials.yaml"}
    if "volumes" in topology:
        files["volumes"] = "volumes.tsv"
    return topology | files | {"network": network} | {key: value for key, value in changed.items() if value}


def write_scaled(number, folder, model=ROOT / "model/topology.yaml"):
    """Writes `number` copies of the topology `model` into `folder`; gives the count of servers."""
    model, folder = pathlib.Path(model), pathlib.Path(folder)
    topology = read_yaml(model)
    beside = lambda key: model.parent / topology[key]
    manifests = read_manifests()
    copies = [Copy(i, manifests, topology) for i in range(number)]
    folder.mkdir(parents=True, exist_ok=True)

    servers = read_table(beside("inventory"))
    if number * len(servers) + number >= PUBLIC.num_addresses or number > 1 << 16:
        sys.exit(f"scale.py: {number} copies have more addresses than {PUBLIC} or {PRIVATE}")
    rows = (copy.server(row, i, len(servers)) for copy in copies for i, row in enumerate(servers))
    write_table(folder / "servers.tsv", servers[0].keys(), rows)
    if "volumes" in topology:
        volumes = read_table(beside("volumes"))
        write_table(folder / "volumes.tsv", volumes[0].keys(), (copy.volume(row) for copy in copies for row in volumes))

    credentials = read_yaml(beside("credentials"))["credentials"]
    all_credentials = {}
    for copy in copies:
        all_credentials |= copy.credentials(credentials)
    write_yaml(folder / "credentials.yaml", {"credentials": all_credentials})
    (folder / "versions.yaml").write_bytes(beside("versions").read_bytes())

    total = number * len(servers)
    write_yaml(folder / "topology.yaml", repeat(topology, copies, {"servers": total}))
    return total


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__.splitlines()[0])
    print(write_scaled(int(sys.argv[1]), *sys.argv[2:]), "servers")
