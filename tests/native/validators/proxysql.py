"""ProxySQL: libconfig reads its file, SQLite runs its admin SQL on ProxySQL's own table definitions, and
both, with what the checks want to see, must come to the same. The program itself is in no distribution."""

import json
import re
from pathlib import Path

import libconfig
from proxysql_tables import TABLES, Admin, Refused
from validator import HERE, Missing, Validator, each, filled, lay_out, scratch, write_credentials

SOURCE = HERE.parents[1]
SAFE = re.compile(r"[A-Za-z0-9._-]+")
# Names that ProxySQL is delivered with; they log in from its own host only.
PUBLISHED = {"admin", "stats", "monitor"}


class Proxysql(Validator):
    name = "proxysql"

    def accepts(self, artifact):
        return artifact.name == "proxysql.cnf" or artifact.name.endswith(".sqlite.sql")

    def key(self, artifact):
        return artifact.path  # what it must agree with lies beside it

    def failures(self, tree, artifacts):
        note = "read by libconfig and SQLite; ProxySQL itself did not start"
        if note not in self.notes:
            self.notes.append(note)
        with_file = {a.folder for a in artifacts if a.name == "proxysql.cnf"}
        states = {}

        def judge(artifact):
            if artifact.name != "proxysql.cnf":
                return "" if artifact.folder in with_file else "there is no proxysql.cnf that says the same"
            with scratch() as folder:
                try:
                    admin = self.compare(tree, artifact, Path(folder))
                    self.suits(tree, artifact, admin)
                    self.equals_its_twin(artifact, admin, states)
                except Refused as refused:
                    return str(refused)
            return ""

        return each(artifacts, judge)

    # ------------------------------------------------------------ three texts, one state

    def compare(self, tree, artifact, folder):
        write_credentials(tree, folder / "credentials")
        here = lay_out(tree, artifact, folder / "root")
        read = lambda path: filled(folder, here, folder / "credentials", f"/{path.relative_to(here)}")

        try:
            text = libconfig.read(read(here / artifact.host_path.lstrip("/")))
        except libconfig.NotRead as error:
            raise Refused(f"libconfig: {error}") from error
        except OSError as error:
            raise Missing(f"{error}", "libconfig9") from error
        by_file = self.admin(tree)
        by_file.load_cnf(text)

        by_sql = self.admin(tree)
        # A proxy that runs has something there already.
        by_sql.db.execute("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (1, '192.0.2.1')")
        by_sql.db.execute("INSERT INTO mysql_galera_hostgroups VALUES (1, 2, 3, 4, 1, 1, 0, 0, 'old')")
        by_sql.db.execute("INSERT INTO mysql_users (username) VALUES ('old')")
        by_sql.db.execute("INSERT INTO mysql_query_rules (rule_id) VALUES (99)")
        files = sorted(here.rglob("*.sqlite.sql"))
        if not files:
            raise Refused("there is no admin SQL beside it")
        for file in files:
            try:
                by_sql.run_sql(read(file))
            except Refused as refused:
                raise Refused(f"{file.name}: {refused}") from refused
        for table in TABLES:
            if by_file.table(table) != by_sql.table(table):
                raise Refused(f"{table}: the file gives {by_file.table(table)}, the SQL {by_sql.table(table)}")
        mine, theirs = by_file.all_variables(), by_sql.all_variables()
        differ = sorted(name for name in mine if mine[name] != theirs[name])
        if differ:
            raise Refused(f"the file and the SQL differ in {', '.join(differ)}")
        self.wanted(here, read, by_file, text)
        return by_file

    def admin(self, tree):
        for folder in [*tree.modules, SOURCE / "templates"]:
            for keys in folder.glob("*/keys"):
                if list(keys.glob("proxysql-*.tables.tsv")):
                    return Admin(keys)
        raise Missing("no module has ProxySQL's table definitions")

    def wanted(self, here, read, admin, text):
        """What a running proxy is compared with: all that the file says, and nothing else."""
        files = sorted(here.rglob("wanted.json"))
        if len(files) != 1:
            raise Refused("there is no wanted.json beside it, which a running proxy is compared with")
        found = sorted(["\t".join(map(str, row)) for row in json.loads(read(files[0]))])
        said_variables = [f"{section.split('_')[0]}-{name}" for section in ("admin_variables", "mysql_variables")
                          for name in text.get(section, {})]
        values = admin.all_variables()
        rows = [("variable", name, values[name]) for name in said_variables]
        query = admin.db.execute
        rows += query("""SELECT 'server', hostgroup_id, hostname, port, status, weight, max_connections, comment
                         FROM mysql_servers""")
        rows += query("SELECT DISTINCT 'loaded', hostname, port, weight, max_connections FROM mysql_servers")
        rows += query("""SELECT 'galera', writer_hostgroup, backup_writer_hostgroup, reader_hostgroup, offline_hostgroup,
                         active, max_writers, writer_is_also_reader, max_transactions_behind FROM mysql_galera_hostgroups""")
        rows += query("""SELECT 'user', username, password, active, default_hostgroup, default_schema,
                         transaction_persistent, fast_forward, max_connections FROM mysql_users""")
        rows += query("SELECT 'rule', rule_id, active, match_digest, destination_hostgroup, apply FROM mysql_query_rules")
        wanted = sorted("\t".join(map(str, row)) for row in rows)
        if found != wanted:
            missing = [row.split("\t")[:3] for row in wanted if row not in found]
            extra = [row.split("\t")[:3] for row in found if row not in wanted]
            raise Refused(f"wanted.json: missing or other {missing}, not in the file {extra}")

    # ------------------------------------------------------------ what it must say

    def suits(self, tree, artifact, admin):
        estate = tree.estate
        clusters = [name for name, s in estate.services.items() if s.get("proxy") == artifact.service]
        if len(clusters) != 1:
            raise Refused(f"stands in front of {clusters or 'nothing'}, not of one cluster")
        query = lambda sql: admin.db.execute(sql).fetchall()
        hostgroups = query("""SELECT writer_hostgroup, backup_writer_hostgroup FROM mysql_galera_hostgroups
                              WHERE max_writers = 1 AND writer_is_also_reader = 0 AND active = 1""")
        if len(hostgroups) != 1:
            raise Refused("there must be one row of Galera's hostgroups, with one writer that is no reader as well")
        (writer, backup), = hostgroups
        members = [m.ip for m in estate.members[clusters[0]]]
        servers = query("SELECT hostname, hostgroup_id FROM mysql_servers ORDER BY weight DESC")
        wanted = [(ip, writer if i == 0 else backup) for i, ip in enumerate(members)]
        if servers != wanted:
            raise Refused(f"members by weight are {servers}, the inventory has {wanted}")
        if len({w for w, in query("SELECT weight FROM mysql_servers")}) != len(members):
            raise Refused("two members have the same weight: the highest address would win")
        rules = query("SELECT match_digest, destination_hostgroup, apply FROM mysql_query_rules WHERE active = 1")
        if rules != [(".*", writer, 1)]:
            raise Refused("there must be one rule, .* to the writer: no read/write split")
        users = dict(query("SELECT username, default_schema FROM mysql_users"))
        for role, databases in estate.roles(clusters[0]).items():
            if users.get(role) not in databases:
                raise Refused(f"role {role} of {clusters[0]} has no user here, or another database")
        if query(f"SELECT 1 FROM mysql_users WHERE default_hostgroup <> {writer} OR transaction_persistent <> 1"):
            raise Refused("a user has another hostgroup than the writer's, or transactions that may change it")
        self.doors(tree, artifact, admin)

    @staticmethod
    def doors(tree, artifact, admin):
        values = admin.all_variables()
        for variable in ("admin-admin_credentials", "admin-stats_credentials"):
            for user, _, password in (pair.partition(":") for pair in values[variable].split(";")):
                if user in PUBLISHED or not SAFE.fullmatch(user) or not SAFE.fullmatch(password):
                    raise Refused(f"{variable}: a published user, or characters that cut it short")
        own = {"127.0.0.1", tree.estate.servers[artifact.server].ip}
        addresses = {interface.rpartition(":")[0] for interface in values["admin-mysql_ifaces"].split(";")}
        if addresses != own:
            raise Refused(f"administrators come in on {sorted(addresses)}, not on {sorted(own)}")
        if values["admin-restapi_enabled"] != "false" or values["admin-web_enabled"] != "false":
            raise Refused("the REST or web interface is on, and has no password")
        if values["mysql-monitor_password"] == admin.variables["mysql-monitor_password"]["default"]:
            raise Refused("the health check has the published password")

    @staticmethod
    def equals_its_twin(artifact, admin, states):
        variables = {n: v for n, v in admin.all_variables().items() if n != "admin-mysql_ifaces"}
        state = ([admin.table(t) for t in TABLES], variables)
        first, other = states.setdefault(artifact.service, (artifact.path, state))
        if state != other:
            raise Refused(f"is not what {first} is: the proxies would choose different writers")
