"""PostgreSQL and Patroni: Patroni reads its configuration, PostgreSQL its parameters and pg_hba, and
the step that makes databases runs against a real server, twice."""

import os
import re
import shutil
from pathlib import Path

import yaml

from validator import (HERE, PATH, Missing, Validator, each, filled, lay_out, python_tools, run,
                       said, sandbox, scratch, write_credentials)


def postgresql_bin() -> Path:
    """Debian has one major version, which need not be the estate's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if not found:
        raise Missing("no PostgreSQL server is installed", "postgresql")
    return found[-1]


def is_patroni(artifact):
    return artifact.name == "patroni.yml"


def with_bin(**more):
    return {**os.environ, "PATH": f"{postgresql_bin()}:{PATH}", "LC_ALL": "C.UTF-8", **more}


class Patroni(Validator):
    name = "patroni"
    root = True
    # There is no network, so partners and etcd cannot answer. Everything else counts.
    excused = re.compile(r"is not reachable|not reachable|Failed to (resolve|connect)")

    def accepts(self, artifact):
        return is_patroni(artifact)

    def key(self, artifact):
        return artifact.path  # passwords come from files beside it

    def failures(self, tree, artifacts):
        if not artifacts:
            return []
        pins = tree.estate.versions["packages"]
        tools = python_tools(f"patroni[raft,etcd3]=={pins['patroni']}", f"pysyncobj=={pins['pysyncobj']}",
                             f"psycopg2-binary=={pins['psycopg']}",
                             *([f"ydiff=={pins['ydiff']}"] if "ydiff" in pins else []))
        major = postgresql_bin().parent.name
        self.notes.append(f"Patroni {pins['patroni']} of PyPI, with the programs of PostgreSQL {major}")

        def judge(artifact):
            with scratch() as folder:
                return self.validate(tree, artifact, Path(folder), tools)

        return each(artifacts, judge)

    def validate(self, tree, artifact, folder, tools):
        write_credentials(tree, folder / "credentials")
        here = lay_out(tree, artifact, folder / "root")
        environment = dict(with_bin())
        beside = artifact.host_path.replace(".yml", ".env")
        if (here / beside.lstrip("/")).exists():
            text = filled(folder, here, folder / "credentials", beside)
            environment |= dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
        ip = tree.estate.servers[artifact.server].ip
        result = sandbox(folder, [ip], tools / "python3", tools / "patroni", "--validate-config", artifact.file,
                         env=environment)
        lines = (result.stdout + result.stderr).splitlines()
        wrong = [line for line in lines if line.strip() and not self.excused.search(line)]
        if any("Traceback" in line for line in lines) or wrong:
            return "\n".join(wrong[-12:])
        # Patroni's status says nothing when partners do not answer, so a message must be there for it.
        return "" if result.returncode == 0 or lines else f"status {result.returncode}"


class Parameters(Validator):
    """What Patroni hands on unseen: server parameters and the lines of pg_hba and pg_ident."""

    name = "postgresql-settings"
    root = True

    def accepts(self, artifact):
        return is_patroni(artifact)

    def failures(self, tree, artifacts):
        programs = postgresql_bin()
        self.notes.append(f"read by PostgreSQL {programs.parent.name}")

        def judge(artifact):
            configuration = yaml.safe_load(artifact.bytes)
            with scratch() as folder:
                Path(folder).chmod(0o755)
                return self.start(configuration, Path(folder))

        return each(artifacts, judge)

    @staticmethod
    def start(configuration, folder):
        section = configuration["postgresql"]
        shared = configuration["bootstrap"]["dcs"]["postgresql"].get("parameters") or {}
        parameters = {**shared, **(section.get("parameters") or {})}
        spell = lambda value: {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
        quoted = ("{} = '{}'".format(k, str(spell(v)).replace("'", "''")) for k, v in parameters.items())
        (folder / "parameters.conf").write_text("\n".join(quoted) + "\n")
        (folder / "pg_hba.conf").write_text("\n".join(section.get("pg_hba") or []) + "\n")
        (folder / "pg_ident.conf").write_text("\n".join(section.get("pg_ident") or []) + "\n")
        result = sandbox(folder, [], "bash", "-c", START_SETTINGS, "start", folder, env=with_bin())
        return "" if result.returncode == 0 else said(result)


class Databases(Validator):
    """Runs the rendered SQL twice. Where a step script installs it, that script runs, as on the
    server, with `docker exec` replaced by the command that it is given."""

    name = "databases"
    programs = {"setpriv": "util-linux", "curl": "curl"}
    root = True

    def accepts(self, artifact):
        return artifact.name.endswith(".sql") and artifact.name.count(".") == 1 and artifact.server != ""

    def key(self, artifact):
        return artifact.digest + self.script_text(artifact)

    def script_of(self, artifact):
        """The step that runs this file on the server, next to it in the service's folder."""
        here = artifact.file
        for _ in Path(artifact.host_path).parts[1:]:
            here = here.parent
        candidates = [s for s in sorted(here.glob("*.sh")) if f"--file {artifact.host_path}" in s.read_text()]
        return candidates[0] if candidates else None

    def script_text(self, artifact):
        script = self.script_of(artifact)
        return script.read_text() if script else ""

    def failures(self, tree, artifacts):
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
        databases, roles = estate.databases(artifact.service), estate.roles(artifact.service)
        extensions = self.stub_extensions(folder, set().union(*(d.extensions for d in databases.values())))
        # What the step reads lies where its service installs it: all of the folder, filled.
        installed = folder / "installed"
        for file in sorted(p for p in (here / "etc").rglob("*") if p.is_file()):
            host_path = f"/{file.relative_to(here)}"
            target = installed / host_path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(filled(folder, here, folder / "credentials", host_path))
            target.chmod(0o600)
        superuser, *ports = self.member(tree, artifact)
        (folder / "superuser").write_text(self.password(installed, superuser) or "superuser-of-a-sample")
        # The step is the first member's; on the others the SQL lies ready, and sets no passwords.
        passwords = {role: self.role_password(installed, role) if script else "-" for role in roles}
        expected = "\n".join(f"{role} {passwords[role]} {' '.join(sorted(entered))}"
                             for role, entered in sorted(roles.items()))
        (folder / "expected").write_text(expected + "\n")
        (folder / "names").write_text("".join(f"{d}\n" for d in sorted(databases)))
        addresses = [m.ip for m in estate.members[artifact.service]]
        result = sandbox(folder, addresses, HERE / "databases.sh", folder, artifact.host_path,
                         here / script.name if script else "", superuser,
                         estate.servers[artifact.server].ip, *ports,
                         env=with_bin(KBGEN_CREDENTIALS=str(folder / "credentials")))
        if result.returncode != 0:
            return said(result)
        return self.not_as_expected(result.stdout, databases, roles, extensions) or self.leak(folder, values)

    @staticmethod
    def member(tree, artifact):
        """(superuser, port of SQL, port of the REST interface), as the member's own file has them."""
        beside = [a for a in tree.artifacts if a.folder == artifact.folder and is_patroni(a)]
        if not beside:
            return "postgres", "5432", "8008"
        text = yaml.safe_load(beside[0].bytes)
        ports = [text[section]["connect_address"].rpartition(":")[2] for section in ("postgresql", "restapi")]
        return text["postgresql"]["authentication"]["superuser"]["username"], *ports

    @staticmethod
    def password(installed, user):
        for file in installed.rglob("pgpass"):
            found = re.search(rf"^[^:]*:[^:]*:[^:]*:{re.escape(user)}:(.*)$", file.read_text(), re.MULTILINE)
            if found:
                return found[1]
        return ""

    @staticmethod
    def role_password(installed, role):
        for file in installed.rglob("role-passwords"):
            found = re.search(rf"^{re.escape(role)} (\S+)$", file.read_text(), re.MULTILINE)
            if found:
                return found[1]
        return "-"

    def stub_extensions(self, folder, wanted):
        """Copies Debian's extensions and adds empty ones of the names that it has not."""
        share = Path("/usr/share/postgresql", postgresql_bin().parent.name, "extension")
        target = folder / "extension"
        shutil.copytree(share, target)
        stubs = sorted(name for name in wanted if not (target / f"{name}.control").exists())
        for name in stubs:
            (target / f"{name}.control").write_text("comment = 'stub'\ndefault_version = '0'\nrelocatable = true\n")
            (target / f"{name}--0.sql").write_text("")
        note = f"stubs instead of extensions that Debian has not: {', '.join(stubs)}"
        if stubs and note not in self.notes:
            self.notes.append(note)
        return wanted

    @staticmethod
    def not_as_expected(output, databases, roles, extensions):
        """databases.sh prints what pg_roles, pg_database and pg_extension hold."""
        found = {kind: set() for kind in ("role", "database", "extension")}
        for line in output.splitlines():
            kind, _, row = line.partition(" ")
            found.setdefault(kind, set()).add(row)
        wanted = {
            "role": set(roles),
            "database": {f"{d.name} {owner}" for d in databases.values() for owner in sorted(d.owners)[:1]},
            "extension": {f"{d.name} {x}" for d in databases.values() for x in d.extensions},
        }
        for kind, rows in wanted.items():
            if found[kind] != rows:
                return f"{kind}s: found {sorted(found[kind])}, the topology has {sorted(rows)}"
        return ""

    @staticmethod
    def leak(folder, values):
        log = (folder / "server.log").read_text()
        if "statement:" not in log:
            return "the server's log has no statements, so nothing is known of passwords in it"
        leaked = [name for name, value in values.items() if value in log]
        return f"the server's log holds the values of {leaked}" if leaked else ""


# Starts with the parameters; pg_hba_file_rules tells which lines PostgreSQL did not understand.
START_SETTINGS = r"""
set -Eeuo pipefail
cd "$1"
mkdir /run/postgresql
chown 65534:65534 /run/postgresql
install -d -o 65534 -g 65534 -m 0700 data
as() { setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; }
as initdb --pgdata data --username postgres --auth trust --no-sync >initdb.log
# Ours are last, so that they win; what only this trial needs comes after them.
cat parameters.conf >>data/postgresql.conf
echo "include_if_exists 'trial.conf'" >>data/postgresql.conf
echo "local all postgres trust" >data/pg_hba.conf
as pg_ctl --pgdata data --log /run/postgresql/log --silent --timeout 60 \
  -o "-c listen_addresses= -c unix_socket_directories=/run/postgresql -c fsync=off" start || {
  grep -E 'FATAL|LOG:  (invalid|unrecognized|parameter|syntax)|HINT|ERROR' /run/postgresql/log >&2
  exit 1
}
query() { psql --no-psqlrc --tuples-only --no-align --host /run/postgresql --username postgres --command "$1"; }
install -o 65534 -g 65534 -m 0600 pg_hba.conf pg_ident.conf data/
wrong=$(query "SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL")
wrong+=$(query "SELECT line_number, error FROM pg_ident_file_mappings WHERE error IS NOT NULL")
wrong+=$(query "SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL AND NOT applied
  AND name NOT IN ('listen_addresses', 'unix_socket_directories')")
if [ -n "$wrong" ]; then echo "$wrong" >&2; exit 1; fi
"""
