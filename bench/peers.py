"""Four artifacts as jobs for other template engines, so that each writes the same bytes.

The templates are translated from kbgen's own; the values come from `kbgen dump`, the topology and
the manifests. What the engines wrote is compared with what kbgen wrote before anything is measured.
"""
import ipaddress
import json
import pathlib
import re
import subprocess

import scale

TEMPLATES = scale.ROOT / "templates"
# Artifacts by their place under a service's folder: with loops, conditions, an include, none.
ARTIFACTS = {
    "firewall": ("base-os", "firewall.nft.erb", "etc/kbgen/firewall.nft"),
    "journald": ("base-os", "journald.sh.erb", "02_os_08_journald.sh"),
    "haproxy": ("haproxy", "haproxy.cfg.erb", "etc/haproxy/haproxy.cfg"),
    "patroni": ("postgresql-ha", "patroni.yml.erb", "etc/patroni/patroni.yml"),
}
# In Jinja2 `self` means the template.
SELF = re.compile(r"(?<=<%=) self\.| self\.(?=[\w.]+ %>)")
STATEMENT = re.compile(r"<%(=?)\s*(.*?)\s*%>", re.S)
UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
for power, prefix in enumerate("KMGT", 1):
    UNITS |= {f"{prefix}B": 1 << 10 * power, f"{prefix}iB": 1 << 10 * power}
UNITS |= {"B": 1, "kB": 1 << 10}


def with_includes(text):
    def included(match):
        return with_includes(next((TEMPLATES / "_lib").glob(match[1] + ".*.erb")).read_text(encoding="utf-8"))

    return re.sub(r"^[ \t]*<% include (\S+) %>\n", included, text, flags=re.M)


def to_jinja2(text):
    def statement(match):
        words = match[2]
        if match[1]:
            return "{{ %s }}" % words
        if loop := re.fullmatch(r'for (\w+) in (\S+) sep "(.*)"', words):
            return '{%% for %s in %s %%}{%% if not loop.first %%}%s{%% endif %%}' % loop.groups()
        kind = words.split()[0]
        if kind in ("for", "if"):
            blocks.append(kind)
        if kind == "end":
            return "{% end" + blocks.pop() + " %}"
        return "{%% %s %%}" % re.sub(r" is (not )?(\w+)$", lambda m: " %s= '%s'" % ("!" if m[1] else "=", m[2]), words)

    blocks = []
    # A loop with a separator stands in one line, so it closes its own end.
    text = re.sub(r"(<% for \w+ in \S+ sep .*?)<% end %>", r"\1{% endfor %}", text)
    return STATEMENT.sub(statement, text)


def to_go(text):
    def place(path):
        first, dot, rest = path.partition(".")
        return f"${first}{dot}{rest}" if first in variables else f"$.{path}"

    def statement(match):
        words = match[2].split()
        if match[1]:
            return "{{%s}}" % place(words[0])
        if words[0] == "for":
            variables.add(words[1])
            head = "{{range $_%s, $%s := %s}}" % (words[1], words[1], place(words[3]))
            if len(words) > 4:
                separator = re.search(r'"(.*)"', match[2])[1]
                head += "{{if $_%s}}%s{{end}}" % (words[1], separator)
            return head
        if words[0] in ("if", "elif"):
            test = place(words[1]) if len(words) == 2 else 'eq %s "%s"' % (place(words[1]), words[3])
            return "{{%sif %s}}" % ("else " if words[0] == "elif" else "", test)
        return "{{%s}}" % words[0]

    variables = set()
    # A statement alone on its line takes the line with it.
    text = re.sub(r"^[ \t]*(<% [^\n]*? %>)\n", r"\1", text, flags=re.M)
    return STATEMENT.sub(statement, text)


def in_unit(value, unit):
    match = re.fullmatch(r"(\d+)([a-zA-Z]+)", str(value))
    return round(int(match[1]) * UNITS[match[2]] / UNITS[unit]) if match else value


def settings_of(manifest, service):
    """Every setting as templates see it: the topology's, else the default, in the setting's unit."""
    written = service.get("settings") or {}
    values = {}
    for name, declared in manifest["settings"].items():
        value = written.get(name, declared.get("default"))
        if declared["type"] == "map":
            merged = (declared.get("default") or {}) | written.get(name, {})
            # Free texts: kbgen quotes them where YAML could take them for something else.
            value = [{"name": k, "value": json.dumps(v)} for k, v in sorted(merged.items()) if v is not None]
        elif "unit" in declared:
            value = in_unit(value, declared["unit"])
        elif declared["type"] == "bool":
            value = str(value).lower()
        elif declared["type"] == "text":
            value = json.dumps(value)
        elif declared["type"] == "enum" and isinstance(value, bool):
            value = "on" if value else "off"
        values[name] = value
    return values


class Estate:
    def __init__(self, kbgen, folder):
        model = pathlib.Path(folder) / "topology.yaml"
        dump = [kbgen, "dump", "--stage", "graph", "--format", "json", "-m", model]
        self.graph = json.loads(subprocess.run(dump, capture_output=True, check=True).stdout)
        self.topology = scale.read_yaml(model)
        self.manifests = scale.read_manifests()
        self.servers = {row["HOSTNAME"]: row for row in scale.read_table(model.parent / "servers.tsv")}
        self.services = {service["name"]: service for service in self.graph["services"]}
        self.listeners = {}
        for listener in self.graph["listeners"]:
            self.listeners.setdefault(listener["on"], []).append(listener)

    def ip(self, server):
        return self.servers[server]["IP_PRIVEE"]

    def members(self, names):
        return [{"name": name, "ip": self.ip(name), "index": i + 1} for i, name in enumerate(names)]

    def sources(self, listener):
        addresses = set()
        for origin in listener["from"]:
            source = origin["from"]
            if origin["kind"] == "service":
                addresses |= {self.ip(server) for server in self.services[source]["members"]}
            elif origin["kind"] == "app":
                app = next(app for app in self.graph["apps"] if app["name"] == source)
                addresses |= {self.ip(server) for server in app["members"]}
            elif origin["kind"] == "servers":
                addresses |= {self.ip(server) for server in source}
            elif origin["kind"] == "load_balancer":
                addresses.add(self.topology["load_balancers"][source]["private_ip"])
            else:
                addresses.add(source)
        return sorted(addresses, key=ipaddress.ip_network)

    def fronts(self, name):
        fronts = []
        for listener in self.listeners.get(name, []):
            behind, _, endpoint = listener["endpoint"].rpartition(".")
            if behind == name:
                continue
            service = self.services[behind]
            ports = {e["name"]: e["port"] for e in service["endpoints"]}
            probe = self.manifests[service["module"]]["endpoints"][endpoint].get("check", {"type": "tcp"})
            check = {"path": None, "expect": None} | probe | {"port": ports[probe.get("endpoint", endpoint)]}
            fronts.append({"service": behind, "endpoint": endpoint, "port": listener["port"], "check": check,
                           "members": self.members(service["members"])})
        return fronts

    def shared(self, name):
        service = self.services[name]
        sources = {l["endpoint"].rpartition(".")[2]: [str(ipaddress.ip_network(a)) for a in self.sources(l)]
                   for l in self.listeners[name] if l["endpoint"].startswith(name + ".")}
        return {
            "service": {"name": name},
            "topology": {"name": self.topology["name"]},
            "network": {"private": self.topology["network"]["private"]},
            "settings": settings_of(self.manifests[service["module"]], self.topology["services"][name]),
            "endpoints": {e["name"]: {"port": e["port"]} for e in service["endpoints"]},
            "fronts": self.fronts(name),
            "sources": sources,
        }

    def accepted(self, server, services):
        rows = []
        for name in services:
            for listener in self.listeners.get(name, []):
                behind, _, endpoint = listener["endpoint"].rpartition(".")
                sources = [a for a in self.sources(listener) if a != self.ip(server)]
                why = ", ".join(dict.fromkeys(origin["why"] for origin in listener["from"]))
                if sources:
                    rows.append({"service": behind, "endpoint": endpoint, "why": why, "sources": sources,
                                 "protocol": listener["protocol"], "port": listener["port"]})
        return rows


def make_job(kbgen, folder):
    """What the peers read, and the paths of the files that they write."""
    estate = Estate(kbgen, folder)
    on = {}
    for service in estate.graph["services"]:
        for server in service["members"]:
            on.setdefault(server, []).append(service["name"])
    templates, files, shared = {}, [], {}
    for name, (module, template, path) in ARTIFACTS.items():
        manifest = estate.manifests[module]
        path_of_template = next(TEMPLATES.glob(f"*-{module}")) / template
        text = SELF.sub(" server.", with_includes(path_of_template.read_text(encoding="utf-8")))
        templates[name] = {"jinja2": to_jinja2(text), "go": to_go(text)}
        for service in (s for s in estate.graph["services"] if s["module"] == module):
            shared.setdefault(service["name"], estate.shared(service["name"]))
            members = estate.members(service["members"])
            for server in members:
                # Only what the template speaks of, as an author of such a job would write it.
                values = {"server": server}
                if module != "base-os":
                    values |= {"members": members, "peers": [m for m in members if m is not server]}
                if name == "firewall":
                    values["firewall"] = {"accept": estate.accepted(server["name"], on[server["name"]])}
                files.append({"template": name, "service": service["name"], "values": values,
                              "path": f"servers/{server['name']}/{manifest['label']}-{service['name']}/{path}"})
    return {"templates": templates, "shared": shared, "files": files}


def differences(job, tree, made):
    """The files that a peer wrote otherwise than kbgen."""
    read = lambda root, item: (pathlib.Path(root) / item["path"]).read_bytes()
    return [item["path"] for item in job["files"] if read(tree, item) != read(made, item)]
