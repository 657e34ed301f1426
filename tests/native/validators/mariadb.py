"""MariaDB: option files are read by the server and the client, one by one and by the catalogues, and the step that
makes databases runs against a real server with Galera, twice."""

import os
import re
from pathlib import Path

from validator import (HERE, PATH, Missing, Validator, each, filled, lay_out, run, said, sandbox, scratch,
                       write_credentials)

KEYS = HERE.parents[1] / "templates" / "07-mariadb-galera" / "keys"
PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
# What the images' paths are on a machine with Debian's packages; the other flavour's are mapped to them.
FOREIGN = {"basedir": None, "plugin_dir": None, "tmpdir": None, "datadir": "/var/lib/mysql",
           "socket": "/run/mysqld/mysqld.sock", "pid_file": "/run/mysqld/mysqld.pid", "wsrep_provider": str(PROVIDER)}
# A trial needs neither the memory nor the disk of a server.
SMALL = {"innodb_buffer_pool_size": "64M", "innodb_log_file_size": "16M"}

FORMS = {
    "int": r"(0x[0-9a-fA-F]+|-?\d+)",
    "bytes": r"\d+[KMGT]?",
    "float": r"\d+(\.\d+)?",
    "bool": r"(?i:yes|no|true|false|on|off|1|0)",
    "duration(ISO8601)": r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?",
}


def is_option_file(artifact):
    return artifact.name.endswith(".cnf") and artifact.name != "proxysql.cnf"  # that one is libconfig


def catalogue(name):
    rows = [line.split("\t") for line in (KEYS / name).read_text().splitlines()[1:]]
    return {row[0]: row for row in rows}


def read_options(text):
    """[(section, name, value)], with quotes off; names as the catalogue writes them."""
    found, section = [], ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line[1:line.index("]")]
        elif line and line[0] not in "#;!":
            name, _, value = (part.strip() for part in line.partition("="))
            value = re.sub(r'^(["\'])(.*)\1$', r"\2", value)
            found.append((section, name.replace("-", "_"), value))
    return found


def for_debian(text):
    """The same file for a trial on this machine."""
    lines = []
    for line in text.splitlines():
        name = line.partition("=")[0].strip()
        if name in FOREIGN:
            line = f"{name} = {FOREIGN[name]}" if FOREIGN[name] else ""
        elif name in SMALL:
            line = f"{name} = {SMALL[name]}"
        lines.append(re.sub(r"gcache\.size=\w+", "gcache.size=16M", line))
    return "\n".join(lines) + "\n"


class OptionFiles(Validator):
    name = "my-cnf"
    programs = {"mariadbd": "mariadb-server", "mariadb": "mariadb-client"}

    def accepts(self, artifact):
        return is_option_file(artifact)

    def key(self, artifact):
        return artifact.path  # what is right depends on the server

    def failures(self, tree, artifacts):
        self.notes.append("read by " + run("mariadbd", "--version").stdout.split("Ver ")[-1].split(" for ")[0].strip())

        def judge(artifact):
            options = read_options(artifact.text)
            server = any(section == "mysqld" for section, _, _ in options)
            return (self.repeated(options) or (server and self.of_a_member(tree, artifact, options))
                    or self.read(tree, artifact, server))

        return each(artifacts, judge)

    @staticmethod
    def repeated(options):
        seen = set()
        for section, name, value in options:
            if (section, name) in seen:
                return f"{name} stands twice in [{section}]: the second one wins"
            if not value:
                return f"{name} is empty"
            seen.add((section, name))
        return ""

    def of_a_member(self, tree, artifact, options):
        known = catalogue("mariadb-10.11.tsv")
        values = {name: value for section, name, value in options if section == "mysqld"}
        for name in values:
            if name not in known:
                return f"{name} is no parameter of MariaDB 10.11"
        if "wsrep_new_cluster" in values:
            return "wsrep_new_cluster would begin a cluster at every start"
        server = tree.estate.servers[artifact.server]
        if values.get("bind_address") != server.ip:
            return f"bind_address is {values.get('bind_address')}, the server has {server.ip}"
        asked = re.findall(r"(\d+\.\d+\.\d+\.\d+)(?::(\d+))?", values.get("wsrep_cluster_address", ""))
        members = {m.ip for m in tree.estate.members[artifact.service]}
        if {address for address, _ in asked} != members or len({port for _, port in asked}) != 1:
            return f"wsrep_cluster_address is {values.get('wsrep_cluster_address')}, the members are {sorted(members)}"
        return self.provider_options(values.get("wsrep_provider_options", ""))

    @staticmethod
    def provider_options(text):
        known = catalogue("galera-4.tsv")
        seconds, seen = {}, set()
        for part in filter(None, map(str.strip, text.split(";"))):
            name, _, value = (piece.strip() for piece in part.partition("="))
            if name not in known:
                return f"{name} is no option of Galera 4"
            if name in seen:
                return f"{name} stands twice in wsrep_provider_options"
            seen.add(name)
            form = FORMS.get(known[name][1])
            if not value or (form and not re.fullmatch(form, value)):
                return f"{name}={value} is no {known[name][1]}"
            if found := re.fullmatch(r"PT([\d.]+)S", value):
                seconds[name] = float(found[1])
        order = [seconds.get(f"evs.{n}", d) for n, d in
                 (("keepalive_period", 1), ("suspect_timeout", 5), ("inactive_timeout", 15))]
        return "" if order == sorted(order) else f"evs: keepalive, suspect and inactive are {order} seconds"

    @staticmethod
    def read(tree, artifact, server):
        with scratch() as folder:
            folder = Path(folder)
            write_credentials(tree, folder / "credentials")
            here = lay_out(tree, artifact, folder / "root")
            text = filled(folder, here, folder / "credentials", artifact.host_path)
            file = folder / "options"
            file.write_text(for_debian(text) if server else text)
            (folder / "data").mkdir()
            program = ["mariadbd", f"--defaults-file={file}", f"--datadir={folder}/data", "--verbose"] if server \
                else ["mariadb", f"--defaults-file={file}"]
            result = run(*program, "--help")
            wrong = [line for line in result.stderr.splitlines() if re.search(r"\[ERROR\]|unknown|ambiguous|deprecated", line)]
            return "" if result.returncode == 0 and not wrong else "\n".join(wrong) or said(result)


class Databases(Validator):
    """Starts one member as rendered, as a cluster of its own, and runs the rendered SQL twice. Where a step script runs it
    on a server, that script does here, with `docker exec` replaced by the command that it is given."""

    name = "mysql-databases"
    programs = {"mariadbd": "mariadb-server", "mariadb": "mariadb-client", "setpriv": "util-linux"}
    root = True

    def accepts(self, artifact):
        return artifact.name.endswith(".mysql.sql") and artifact.server != ""

    @staticmethod
    def here(artifact):
        folder = artifact.file
        for _ in Path(artifact.host_path).parts[1:]:
            folder = folder.parent
        return folder

    def script_of(self, artifact):
        """The step that feeds this file to the server; others only install it."""
        found = [s for s in sorted(self.here(artifact).glob("*.sh")) if f"<{artifact.host_path}" in s.read_text()]
        return found[0] if found else None

    def key(self, artifact):
        # All files of one script are run by it, at once; elsewhere they lie ready, and each is run alone.
        script = self.script_of(artifact)
        if not script:
            return artifact.digest
        texts = [f.read_text() for f in sorted(self.here(artifact).rglob("*.mysql.sql"))]
        return script.read_text() + "".join(texts)

    def failures(self, tree, artifacts):
        if not PROVIDER.exists():
            raise Missing(f"{PROVIDER} is not there", "galera-4")

        def judge(artifact):
            with scratch() as folder:
                Path(folder).chmod(0o755)
                return self.install(tree, artifact, Path(folder))

        return each(artifacts, judge)

    def install(self, tree, artifact, folder):
        estate = tree.estate
        values = write_credentials(tree, folder / "credentials")
        here = lay_out(tree, artifact, folder / "root")
        script = self.script_of(artifact)
        installed = folder / "installed"
        for file in sorted(p for top in ("etc", "usr") for p in (here / top).rglob("*") if p.is_file()):
            host_path = f"/{file.relative_to(here)}"
            target = installed / host_path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(filled(folder, here, folder / "credentials", host_path))
            target.chmod(0o755 if os.access(file, os.X_OK) else 0o600)
        configuration = installed / artifact.host_path.lstrip("/")
        configuration = configuration.with_name("my.cnf")
        address, members = estate.servers[artifact.server].ip, [m.ip for m in estate.members[artifact.service]]
        text = configuration.read_text() if configuration.exists() else SAMPLE.format(address=address)
        configuration.write_text(for_debian(text))
        configuration.chmod(0o644)
        port = next((v for s, n, v in read_options(text) if (s, n) == ("mysqld", "port")), "3306")
        roles = estate.roles(artifact.service)
        # Only the step gives passwords; without it nobody can log in, and that is seen as well.
        passwords = self.passwords(installed) if script else {}
        lines = [f"{role} {passwords.get(role, '-')} {' '.join(sorted(entered))}" for role, entered in sorted(roles.items())]
        (folder / "expected").write_text("".join(line + "\n" for line in lines))
        result = sandbox(folder, members, HERE / "mysql-databases.sh", folder, configuration.relative_to(installed),
                         artifact.host_path, here / script.name if script else "", address, port,
                         env={**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8",
                              "KBGEN_CREDENTIALS": str(folder / "credentials")})
        if result.returncode != 0:
            return said(result)
        leaked = [name for name, value in values.items() if value in (folder / "general.log").read_text()]
        if leaked:
            return f"the server's log holds the values of {leaked}"
        if "access" in artifact.name:
            return ""
        wanted = set(estate.databases(artifact.service))
        found = set(result.stdout.split())
        return "" if wanted <= found else f"there is no database {sorted(wanted - found)}"

    @staticmethod
    def passwords(installed):
        for file in installed.rglob("user-passwords"):
            return dict(line.split(" ", 1) for line in file.read_text().splitlines())
        return {}


# Of a sample that has none.
SAMPLE = """[client]
socket = /run/mysqld/mysqld.sock
[mysqld]
datadir = /var/lib/mysql
socket = /run/mysqld/mysqld.sock
bind_address = {address}
port = 3306
skip_name_resolve = ON
binlog_format = ROW
innodb_autoinc_lock_mode = 2
innodb_buffer_pool_size = 64M
innodb_log_file_size = 16M
wsrep_on = ON
wsrep_provider = /usr/lib/galera/libgalera_smm.so
wsrep_cluster_address = gcomm://{address}
wsrep_node_address = {address}
wsrep_provider_options = "gcache.size=16M"
"""
