"""What ProxySQL's admin interface keeps, in SQLite: its own tables with their types, keys and CHECKs, and
its variables, of which it reports neither an unknown name nor a value that it does not take.

Two ways lead into it, which must end in the same state: a proxysql.cnf (`load_cnf`), read the way that
ProxySQL reads it, and admin SQL (`run_sql`).
"""

import csv
import re
import sqlite3
from pathlib import Path

TABLES = ("mysql_servers", "mysql_galera_hostgroups", "mysql_users", "mysql_query_rules")
# Sections of proxysql.cnf, and names that it has for columns besides their own.
ALIASES = {"mysql_servers": {"address": "hostname", "hostgroup": "hostgroup_id"}}
# Without these a row is dropped, and only the log says so.
MANDATORY = {
    "mysql_servers": {"hostname", "hostgroup_id"},
    "mysql_galera_hostgroups": {"writer_hostgroup", "backup_writer_hostgroup", "reader_hostgroup", "offline_hostgroup"},
    "mysql_users": {"username"},
    "mysql_query_rules": {"rule_id"},
}
TOP_LEVEL = {"datadir", "errorlog", "pidfile"}
# What makes the rows of a table effective, and what keeps them.
PARTS = {"mysql_servers": "MYSQL SERVERS", "mysql_galera_hostgroups": "MYSQL SERVERS", "mysql_users": "MYSQL USERS",
         "mysql_query_rules": "MYSQL QUERY RULES"}
COMMAND = re.compile(r"(LOAD|SAVE) ((?:MYSQL|ADMIN) [A-Z ]+?) TO (RUNTIME|DISK)")


class Refused(Exception):
    """ProxySQL would not take it, or would take something else than what is written."""


def rows_of(path: Path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


class Admin:
    def __init__(self, keys: Path):
        self.columns = {}
        for row in rows_of(next(keys.glob("proxysql-*.tables.tsv"))):
            self.columns.setdefault(row["table"], []).append(row)
        self.variables = {}
        for prefix, ending in (("mysql", ""), ("admin", r"\.admin")):
            path = next(p for p in keys.iterdir() if re.fullmatch(rf"proxysql-[\d.]+{ending}\.tsv", p.name))
            self.variables |= {f"{prefix}-{row['key']}": row for row in rows_of(path)}
        self.db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        for table, columns in self.columns.items():
            self.db.execute(definition(table, columns))
        self.db.executemany("INSERT INTO global_variables VALUES (?, ?)",
                            [(name, row["default"]) for name, row in self.variables.items()])

    # ------------------------------------------------------------ what it holds

    def table(self, name: str) -> list[tuple]:
        names = ", ".join(c["column"] for c in self.columns[name])
        return sorted(self.db.execute(f"SELECT {names} FROM {name}").fetchall(), key=repr)

    def all_variables(self) -> dict[str, str]:
        return dict(self.db.execute("SELECT variable_name, variable_value FROM global_variables"))

    def set(self, name: str, value: str) -> None:
        self.judge(name, value)
        self.db.execute("INSERT OR REPLACE INTO global_variables VALUES (?, ?)", (name, value))

    def judge(self, name: str, value: str) -> None:
        known = self.variables.get(name)
        if known is None:
            raise Refused(f"there is no variable {name}")
        allowed = known["allowed"]
        if known["type"] == "enum" and value not in allowed.split("|"):
            raise Refused(f"{name} takes {allowed}, not {value}")
        if known["type"] == "integer":
            low, _, high = allowed.partition("..")
            if not value.isdecimal() or int(value) < int(low) or (high and int(value) > int(high)):
                raise Refused(f"{name} takes {allowed}, not {value}")

    # ------------------------------------------------------------ by proxysql.cnf

    def load_cnf(self, text: dict) -> None:
        """`text`: what libconfig read."""
        for section, content in text.items():
            if section in ("admin_variables", "mysql_variables"):
                for name, value in content.items():
                    self.set(f"{section.split('_')[0]}-{name}", variable_text(name, value))
            elif section in TABLES:
                for row in content:
                    self.insert(section, row)
            elif section not in TOP_LEVEL:
                raise Refused(f"ProxySQL does not read {section}")

    def insert(self, table: str, written: dict) -> None:
        row = {ALIASES.get(table, {}).get(name, name): value for name, value in written.items()}
        known = {c["column"] for c in self.columns[table]}
        # The file cannot say these, whatever stands there.
        if table == "mysql_users":
            known -= {"frontend", "backend"}
        if table == "mysql_galera_hostgroups" and row.get("active", 1) != 1:
            raise Refused("active of mysql_galera_hostgroups is not read from the file: it is 1")
        if set(row) - known:
            raise Refused(f"{table} does not read {', '.join(sorted(set(row) - known))}")
        if MANDATORY[table] - set(row):
            raise Refused(f"a row of {table} lacks {', '.join(sorted(MANDATORY[table] - set(row)))}")
        for name, value in row.items():
            # Strings are put into a statement as they are.
            if isinstance(value, str) and ("'" in value or '"' in value):
                raise Refused(f"{name} holds a quote: ProxySQL would drop the row, and write it into its log")
        names = ", ".join(row)
        marks = ", ".join("?" * len(row))
        try:
            self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
        except sqlite3.Error as error:
            raise Refused(f"{table}: {error}") from error

    # ------------------------------------------------------------ by admin SQL

    def run_sql(self, text: str) -> None:
        """Statements of one file. What it changes it must load and save, itself and afterwards."""
        not_loaded, not_saved = set(), set()
        for statement in statements(text):
            command = COMMAND.fullmatch(" ".join(statement.split()))
            if not command:
                part = self.execute(statement)
                not_loaded.add(part)
                not_saved.add(part)
            elif command.groups()[::2] == ("LOAD", "RUNTIME"):
                not_loaded.discard(command[2])
            elif command.groups()[::2] == ("SAVE", "DISK"):
                not_saved.discard(command[2])
            else:
                raise Refused(f"{statement}: would take back what was just said")
        if not_loaded or not_saved:
            raise Refused(f"changes without loading and saving: {', '.join(sorted(not_loaded | not_saved))}")

    def execute(self, statement: str) -> str:
        """Gives the part that must be loaded for it to have an effect."""
        found = re.match(r"(DELETE FROM|INSERT INTO|UPDATE) (\w+)", statement)
        if not found:
            raise Refused(f"unexpected statement: {statement[:60]}")
        verb, table = found.groups()
        # Quoted names would be strings to SQLite, if there is no such column.
        if '"' in re.sub(r"'(?:[^']|'')*'", "", statement):
            raise Refused(f"double quotes: {statement[:60]}")
        try:
            count = self.db.execute(statement).rowcount
        except sqlite3.Error as error:
            raise Refused(f"{error}: {statement.split(' VALUES')[0][:100]}") from error
        if table != "global_variables":
            if table not in PARTS:
                raise Refused(f"{table} is not configuration")
            return PARTS[table]
        name = re.search(r"variable_name = '([\w-]+)'$", statement)
        if verb != "UPDATE" or not name:
            raise Refused(f"changes variables in another way than one by one: {statement[:60]}")
        if count != 1:
            raise Refused(f"there is no variable {name[1]}")
        self.judge(name[1], self.all_variables()[name[1]])
        return f"{name[1].split('-')[0].upper()} VARIABLES"


def definition(table: str, columns: list[dict]) -> str:
    """CREATE TABLE, of the columns, types, keys and CHECKs in the catalogue."""
    lines, unique = [], {}
    for c in columns:
        line = f"{c['column']} {c['type']}"
        if c["check"]:
            line += f" CHECK ({c['check']})"
        if c["notnull"] == "1":
            line += " NOT NULL"
        if c["default"]:
            line += f" DEFAULT {c['default']}"
        lines.append(line)
        if c["unique"]:
            unique.setdefault(c["unique"], []).append(c["column"])
    keys = sorted((c["pk"], c["column"]) for c in columns if c["pk"] != "0")
    lines.append(f"PRIMARY KEY ({', '.join(name for _, name in keys)})")
    lines += [f"UNIQUE ({', '.join(names)})" for names in unique.values()]
    return f"CREATE TABLE {table} ({', '.join(lines)})"


def variable_text(name: str, value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise Refused(f"{name} is neither text, number nor boolean: ProxySQL would take it as empty")
    if '"' in value:
        raise Refused(f"{name} holds a quote: ProxySQL would skip it, and write it into its log")
    return value


def statements(text: str) -> list[str]:
    """As the command-line client cuts them: at semicolons outside of literals, comments left out."""
    pieces, current, i = [], "", 0
    while i < len(text):
        if text.startswith("--", i):
            i = text.find("\n", i)
            if i < 0:
                break
        elif text[i] == "'":
            end = i + 1
            while end < len(text) and (text[end] != "'" or text.startswith("''", end)):
                end += 2 if text.startswith("''", end) else 1
            current += text[i:end + 1]
            i = end + 1
        elif text[i] == ";":
            pieces.append(current)
            current = ""
            i += 1
        else:
            current += text[i]
            i += 1
    if current.strip():
        raise Refused(f"the last statement has no end: {current.strip()[:60]}")
    return [" ".join(p.split()) if "'" not in p else p.strip() for p in pieces if p.strip()]
