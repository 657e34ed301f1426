"""RabbitMQ: its configuration by its own compiler, Erlang's terms by Erlang, definitions against the model."""

import ast
import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from validator import HERE, TOKEN, Failure, Validator, each, run, said, scratch

KEYS = HERE.parents[1] / "templates" / "05-rabbitmq-ha" / "keys"
CATALOGUE = KEYS / "rabbitmq-3.12.14.tsv"
RUNTIME = KEYS / "rabbitmq-3.12.14.runtime.tsv"
PLUGINS = "/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins"
WHOLE_TOKEN = re.compile(TOKEN.pattern.decode())


def rows(file):
    header, *lines = file.read_text().splitlines()
    names = header.split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines]


@cache
def catalogue():
    """[(pattern of the key, its row)]. `$name` in a key stands for any one segment."""
    return [(re.compile(r"\.".join(r"[^.]+" if s.startswith("$") else re.escape(s) for s in row["key"].split("."))), row)
            for row in rows(CATALOGUE)]


def known(key):
    return next((row for pattern, row in catalogue() if pattern.fullmatch(key)), None)


def number(text):
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


def wrong_value(row, value):
    """Types that can be told from a text; the compiler knows the rest."""
    kinds = row["type"].split("|")
    allowed = row["allowed"].split("|") if row["allowed"] else []
    if value in allowed:
        return ""
    if "enum" in kinds and len(kinds) == 1 and allowed:
        return f"{value} is none of {', '.join(allowed)}"
    if kinds == ["integer"] and not re.fullmatch(r"-?\d+", value):
        return f"{value} is no whole number"
    # A text to the compiler; the node passes over one that it cannot read, and has no limit then.
    if row["key"].endswith("_limit.absolute") and not re.fullmatch(r"\d+([kKmMgG]i?[bB]?)?", value):
        return f"{value} is no size"
    if kinds == ["float"] and not re.fullmatch(r"\d+\.\d+", value):
        return f"{value} is no number with a dot"
    return ""


def model_of(tree, artifact):
    """(the service, its settings with the module's defaults)"""
    model = tree.estate.services[artifact.service]
    declared = tree.estate.manifests[model["module"]].get("settings") or {}
    defaults = {name: setting.get("default") for name, setting in declared.items()}
    return model, {**defaults, **(model.get("settings") or {})}


class RabbitmqConf(Validator):
    """Every key is the pinned version's, and cuttlefish, with Debian's schema, makes of it what it says."""

    name = "rabbitmq-conf"
    programs = {"erl": "erlang-base", "rabbitmqctl": "rabbitmq-server"}

    def accepts(self, artifact):
        return artifact.name == "rabbitmq.conf"

    def key(self, artifact):
        return artifact.path  # its definitions lie beside it

    def failures(self, tree, artifacts):
        own = number(run("dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server").stdout)
        return each(artifacts, lambda artifact: self.judge(tree, artifact, own))

    def judge(self, tree, artifact, own):
        settings, lines = {}, []
        for place, line in enumerate(artifact.text.splitlines(), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            key, equals, value = (part.strip() for part in line.partition("="))
            row = known(key)
            if not equals or not value:
                return f"line {place}: no `key = value`"
            if row is None:
                return f"line {place}: {key} is no key of 3.12.14, and the node would not start"
            if key in settings:
                return f"line {place}: {key} stands twice"
            if wrong := wrong_value(row, value):
                return f"line {place}: {key}: {wrong}"
            settings[key] = value
            if self.newer(row, own):
                continue
            if row["note"].startswith("validators=file_accessible"):
                beside = tree.find(f"{artifact.folder}{value}")
                if beside is None:
                    return f"line {place}: {value} is not among the rendered files"
                line = f"{key} = {beside.file}"
            lines.append(line)
        return self.meant(tree, artifact, settings) or self.compiled("\n".join(lines) + "\n", settings)

    def newer(self, row, own):
        if row["since"].startswith("<=") or not row["since"] or number(row["since"]) <= own:
            return False
        note = f"without {row['key']} (of {row['since']}; here is {'.'.join(map(str, own))})"
        if note not in self.notes:
            self.notes.append(note)
        return True

    @staticmethod
    def meant(tree, artifact, settings):
        """What the graph decides, read from the model a second time."""
        estate = tree.estate
        members = [server.name for server in estate.members[artifact.service]]
        server = estate.servers[artifact.server]
        named = [value for key, value in settings.items() if key.startswith("cluster_formation.classic_config.nodes.")]
        if sorted(named) != sorted(f"rabbit@{name}" for name in members):
            return f"its nodes are {named}, the service has {members}"
        ports = {name: port for name, (port, _, _) in estate.endpoints(artifact.service).items()}
        wanted = {"management.tcp.ip": server.ip, "prometheus.tcp.ip": server.ip, "distribution.listener.interface": server.ip}
        if ports:
            wanted |= {"listeners.tcp.1": f"{server.ip}:{ports['amqp']}", "management.tcp.port": str(ports["management"]),
                       "prometheus.tcp.port": str(ports["metrics"]),
                       "distribution.listener.port_range.min": str(ports["distribution"]),
                       "distribution.listener.port_range.max": str(ports["distribution"])}
        for key, value in wanted.items():
            if settings.get(key) != value:
                return f"{key} is {settings.get(key)}, and not {value}"
        if any(key.startswith(("default_user", "default_pass", "loopback_users")) for key in settings):
            return "users come from the definitions"
        return ""

    @staticmethod
    def compiled(text, settings):
        with scratch() as folder:
            file = Path(folder, "rabbitmq.conf")
            file.write_text(text)
            result = run("erl", "-noshell", "-noinput", "-eval", COMPILE, "-extra", PLUGINS, file)
        if result.returncode != 0:
            return said(result)
        # What cuttlefish does not map it drops, so what is there is looked for.
        effective = re.sub(r"\s", "", result.stdout)
        for key, term in {"heartbeat": "{heartbeat,%s}", "net_ticktime": "{net_ticktime,%s}",
                          "consumer_timeout": "{consumer_timeout,%s}",
                          "cluster_partition_handling": "{cluster_partition_handling,%s}"}.items():
            if key in settings and term % settings[key] not in effective:
                return f"{key} is not what cuttlefish makes of it"
        return ""


COMPILE = r"""
  [Plugins, File] = init:get_plain_arguments(),
  [code:add_patha(Path) || Path <- filelib:wildcard(Plugins ++ "/*/ebin")],
  application:load(cuttlefish),
  logger:set_primary_config(level, none),
  Schema = cuttlefish_schema:files(filelib:wildcard(Plugins ++ "/rabbit*/priv/schema/*.schema")),
  Result = case cuttlefish_conf:file(File) of
    {errorlist, Unread} -> {error, reading, {errorlist, Unread}};
    Read -> cuttlefish_generator:map(Schema, Read)
  end,
  case Result of
    {error, Phase, {errorlist, Errors}} ->
      [io:format("~p: ~ts~n", [Phase, catch cuttlefish_error:xlate(element(2, E))]) || E <- Errors],
      halt(1);
    {error, _} = Error -> io:format("~p~n", [Error]), halt(1);
    Terms -> io:format("~0p~n", [Terms]), halt(0)
  end.
"""


class ErlangTerms(Validator):
    """file:consult reads it; and a plugin that the pinned version does not have keeps the node from starting."""

    name = "erlang-terms"
    programs = {"erl": "erlang-base"}

    def accepts(self, artifact):
        return artifact.name in ("enabled_plugins", "advanced.config") or artifact.name.endswith(".erl-term")

    def failures(self, tree, artifacts):
        plugins = {row["key"] for row in rows(RUNTIME) if row["context"] == "plugin"}

        def judge(artifact):
            result = run("erl", "-noshell", "-noinput", "-eval", CONSULT, "-extra", artifact.file)
            if result.returncode != 0:
                return said(result)
            if artifact.name != "enabled_plugins":
                return ""
            found = re.findall(r"[a-z_0-9]+", result.stdout)
            if not re.fullmatch(r"\[\[[a-z_0-9,]*\]\]\s*", result.stdout):
                return f"is not one list of plugins: {result.stdout}"
            unknown = [name for name in found if name not in plugins]
            missing = {"rabbitmq_management", "rabbitmq_prometheus"} - set(found)
            if unknown or missing or len(set(found)) != len(found):
                return f"plugins {found}: unknown are {unknown}, missing {sorted(missing)}, each may stand once"

        return each(artifacts, judge)


CONSULT = """
  [File] = init:get_plain_arguments(),
  case file:consult(File) of
    {ok, Terms} -> io:format("~0p~n", [Terms]), halt(0);
    {error, Why} -> io:format("~ts~n", [file:format_error(Why)]), halt(1)
  end.
"""


class Definitions(Validator):
    """Users, virtual hosts and permissions are those of the model, no more and no less."""

    name = "rabbitmq-definitions"

    def accepts(self, artifact):
        return artifact.name == "definitions.json"

    def failures(self, tree, artifacts):
        return each(artifacts, lambda artifact: self.judge(tree, artifact))

    @staticmethod
    def judge(tree, artifact):
        definitions = json.loads(artifact.text)
        sections = [row["key"] for row in rows(RUNTIME) if row["context"] == "definitions(top)"]
        if unknown := [key for key in definitions if key not in sections]:
            return f"RabbitMQ imports nothing called {unknown[0]}"
        for section, entries in definitions.items():
            fields = {row["key"] for row in rows(RUNTIME) if row["context"] == f"definitions.{section}[]"}
            if unknown := [key for entry in entries for key in entry if key not in fields]:
                return f"RabbitMQ passes over `{unknown[0]}` in {section}"
        _, settings = model_of(tree, artifact)
        uses = [use for app in tree.estate.apps.values()
                if (use := (app.get("uses") or {}).get(artifact.service)) and "vhost" in use]
        admin = settings["admin_user"]
        vhosts = {use["vhost"] for use in uses}
        tags = {admin: ["administrator"], **{use["role"]: [] for use in uses}}
        found = {user["name"]: user.get("tags") for user in definitions["users"]}
        if found != tags or len(definitions["users"]) != len(tags):
            return f"users and tags are {found}, and not {tags}"
        for user in definitions["users"]:
            if not WHOLE_TOKEN.fullmatch(user.get("password", "")) or "password_hash" in user:
                return f"the password of {user['name']} is no reference to a credential"
        kinds = {vhost["name"]: vhost["metadata"]["default_queue_type"] for vhost in definitions["vhosts"]}
        if kinds != {name: settings["default_queue_type"] for name in vhosts}:
            return f"virtual hosts and their types of queues are {kinds}"
        wanted = {(admin, vhost) for vhost in vhosts} | {(use["role"], use["vhost"]) for use in uses}
        granted = [(p["user"], p["vhost"]) for p in definitions["permissions"]]
        if set(granted) != wanted or len(granted) != len(wanted):
            return f"permissions are {sorted(granted)}, and not {sorted(wanted)}"
        return ""


class Cookie(Validator):
    name = "erlang-cookie"

    def accepts(self, artifact):
        return artifact.name == "erlang.cookie"

    def failures(self, tree, artifacts):
        found = {}
        for artifact in artifacts:
            if not WHOLE_TOKEN.fullmatch(artifact.text.removesuffix("\n")) or not artifact.text.endswith("\n"):
                yield Failure(artifact.path, "must be one reference to a credential, and a newline")
            if artifact.host_mode and (artifact.host_mode, artifact.owner) != ("0400", "999:999"):
                yield Failure(artifact.path, "Erlang refuses a cookie that others may read")
            first = found.setdefault(artifact.service, artifact.text)
            if first != artifact.text:
                yield Failure(artifact.path, "is not the cookie of the other members")


class AmqpUrl(Validator):
    """Read by the rules of URLs: an empty path would be the virtual host with the empty name."""

    name = "amqp-url"

    def accepts(self, artifact):
        return artifact.name.endswith(".url")

    def failures(self, tree, artifacts):
        def judge(artifact):
            for line in artifact.text.splitlines():
                token = WHOLE_TOKEN.search(line)
                url = urlsplit(WHOLE_TOKEN.sub("token", line))
                if url.scheme != "amqp" or not url.hostname or not url.port:
                    return f"{line} names no broker"
                if not url.username or url.password != "token" or not token:
                    return f"{line}: its password is no reference to a credential"
                if not url.path.startswith("/") or "/" in url.path[1:] or not unquote(url.path[1:]):
                    return f"{line}: the virtual host must be one percent-encoded word"
                try:
                    model, settings = model_of(tree, artifact)
                except KeyError:
                    continue
                if url.username != settings["admin_user"]:
                    return f"{line} is not of the administrator"
                addresses = {s.ip for s in tree.estate.members[artifact.service]}
                if (url.hostname in addresses) and model.get("proxy"):
                    return f"{line} goes past the proxies"

        return each(artifacts, judge)


class Python(Validator):
    """Compiled by the language's own compiler; nothing that nobody uses is imported."""

    name = "python"

    def accepts(self, artifact):
        return artifact.name.endswith(".py")

    def failures(self, tree, artifacts):
        def judge(artifact):
            try:
                parsed = ast.parse(artifact.text, artifact.path)
            except SyntaxError as error:
                return f"line {error.lineno}: {error.msg}"
            names = {node.id for node in ast.walk(parsed) if isinstance(node, ast.Name)}
            for node in ast.walk(parsed):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    for name in (alias.asname or alias.name.split(".")[0] for alias in node.names):
                        if name not in names:
                            return f"line {node.lineno}: {name} is imported and not used"

        return each(artifacts, judge)
