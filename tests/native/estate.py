"""What a topology means, read from its files a second time, independently of kbgen.

Only what the validators expect of artifacts stands here: who may reach which port of which server,
and which databases and roles there must be. docs/MODULES.md and the topology language are the source.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import yaml

COLUMNS = {"name": "HOSTNAME", "pool": "POOL", "role": "ROLE", "subrole": "SUBROLE",
           "docker_stack": "DOCKER_STACK", "core": "CORE"}


@dataclass(frozen=True)
class Server:
    name: str
    ip: str
    public_ip: str
    row: dict


@dataclass(frozen=True)
class Opening:
    """A port of a server that a source, an address or a network, may connect to."""
    server: str
    protocol: str
    port: int
    source: str


@dataclass
class Database:
    name: str
    owners: set
    extensions: set
    routes: set


class Estate:
    @classmethod
    def read(cls, topology: Path, modules: list[Path]) -> "Estate":
        self = cls()
        self.text = yaml.safe_load(topology.read_text())
        self.folder = topology.parent
        unmanaged = set(self.text.get("unmanaged") or [])
        with open(self.folder / self.text["inventory"], newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        servers = [Server(r["HOSTNAME"], r["IP_PRIVEE"], r["IP_PUBLIQUE"], r) for r in rows]
        self.servers = {s.name: s for s in servers if s.name not in unmanaged}
        self.unmanaged = [s for s in servers if s.name in unmanaged]
        self.manifests = {}
        for folder in modules:
            for file in sorted(folder.glob("*/module.yaml")):
                manifest = yaml.safe_load(file.read_text())
                self.manifests.setdefault(manifest["module"], manifest)
        self.services = self.text["services"]
        self.apps = self.text.get("apps") or {}
        self.balancers = self.text.get("load_balancers") or {}
        self.members = {name: self.select(s["nodes"]) for name, s in self.services.items()}
        self.versions = yaml.safe_load((self.folder / self.text["versions"]).read_text())
        return self

    def select(self, selector: dict) -> list[Server]:
        chosen = list(self.servers.values())
        for key, column in COLUMNS.items():
            if key not in selector:
                continue
            wanted = selector[key] if isinstance(selector[key], list) else [selector[key]]
            # YAML makes a truth of the column CORE's yes and no.
            wanted = {{True: "yes", False: "no"}.get(w, w) for w in wanted}
            chosen = [s for s in chosen if s.row[column] in wanted]
        return chosen

    # ------------------------------------------------------------ who reaches whom

    @property
    def install(self) -> Server:
        return self.servers[self.text["install"]["host"]]

    @property
    def admin(self) -> list[str]:
        return self.text["network"].get("admin") or []

    def endpoints(self, service: str) -> dict:
        """name -> (port, protocol, scopes)"""
        model = self.services[service]
        declared = self.manifests[model["module"]].get("endpoints") or {}
        ports = model.get("ports") or {}
        return {name: (ports.get(name) or e["port"], e.get("protocol", "tcp"), set(e["scope"]))
                for name, e in declared.items()}

    def needed_by(self, service: str, endpoint: str) -> set[str]:
        """Addresses of the services that need the endpoint; a need that names none means the one for clients."""
        found = set()
        for name, model in self.services.items():
            needs = self.manifests[model["module"]].get("needs") or {}
            for need, declared in needs.items():
                if declared.get("endpoint", endpoint) != endpoint:
                    continue
                if self.provider(model, need, declared["module"]) == service:
                    found |= {s.ip for s in self.members[name]}
        return found

    def clients(self, service: str, endpoint: str) -> set[str]:
        """Addresses of everything that says it uses the service, whatever way that takes."""
        found = self.needed_by(service, endpoint)
        for app in self.apps.values():
            for used, use in (app.get("uses") or {}).items():
                if service in self.ways(used, (use or {}).get("route", "direct")):
                    found |= {s.ip for s in self.select(app["nodes"])}
        return found

    def provider(self, model: dict, need: str, module: str) -> str | None:
        uses = model.get("uses") or {}
        if uses.get(need):
            return uses[need]
        candidates = [n for n, s in self.services.items() if s["module"] == module]
        return need if need in candidates else next(iter(candidates), None)

    def ways(self, service: str, route: str) -> list[str]:
        """The services whose port an app connects to when it uses `service` by `route`."""
        if route == "direct":
            return [service]
        return [name for name, model in self.services.items()
                for need, declared in (self.manifests[model["module"]].get("needs") or {}).items()
                if declared.get("route") == route
                and self.provider(model, need, declared["module"]) == service]

    def front_doors(self, service: str) -> set[str]:
        """The private addresses of load balancers that listen for the service."""
        return {b["private_ip"] for b in self.balancers.values()
                if service in [(w["to"] if isinstance(w, dict) else w).split(".")[0] for w in b["listeners"]]}

    def openings(self) -> set[Opening]:
        found = set()
        for service, model in self.services.items():
            proxy = model.get("proxy")
            for endpoint, (port, protocol, scopes) in self.endpoints(service).items():
                own, front = set(), set()
                # Past every proxy.
                if "services" in scopes:
                    own |= self.needed_by(service, endpoint)
                if "peers" in scopes:
                    own |= {s.ip for s in self.members[service]}
                if "admin" in scopes:
                    own |= {self.install.ip}
                if "remote_admin" in scopes:
                    own |= set(self.admin)
                if proxy and scopes & {"proxy", "clients"}:
                    own |= {s.ip for s in self.members[proxy]}
                if "clients" in scopes:
                    clients = self.front_doors(service) or self.clients(service, endpoint)
                    if not proxy:
                        own |= clients
                    else:
                        # Members try their own front door, unless it is a balancer's.
                        front = clients
                        if not self.front_doors(service):
                            front |= {s.ip for s in self.members[service]}
                found |= {Opening(s.name, protocol, port, a) for s in self.members[service] for a in own}
                found |= {Opening(s.name, protocol, port, a)
                          for s in self.members.get(proxy, []) for a in front}
        return found | self.allowances()

    def allowances(self) -> set[Opening]:
        found = set()
        for row in self.text.get("allow") or []:
            service, endpoint = row["to"].split(".")
            port, protocol, _ = self.endpoints(service)[endpoint]
            sources = set(row.get("networks") or [])
            if "from" in row:
                sources |= {s.ip for s in self.select(row["from"])}
            found |= {Opening(s.name, protocol, port, a) for s in self.members[service] for a in sources}
        return found

    # ------------------------------------------------------------ databases

    def databases(self, service: str) -> dict[str, Database]:
        found = {}
        for app in self.apps.values():
            use = (app.get("uses") or {}).get(service) or {}
            if "database" not in use:
                continue
            database = found.setdefault(use["database"], Database(use["database"], set(), set(), set()))
            database.owners.add(use["role"])
            database.routes.add(use.get("route", "direct"))
            database.extensions |= set(use.get("extensions") or [])
        return found

    def roles(self, service: str) -> dict[str, set]:
        """role -> the databases that it may enter"""
        found = {}
        for database in self.databases(service).values():
            for owner in database.owners:
                found.setdefault(owner, set()).add(database.name)
        return found
