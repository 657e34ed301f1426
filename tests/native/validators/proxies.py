"""Proxies: HAProxy checks its configuration, PgBouncer starts with it."""

import os
import re
from pathlib import Path

from validator import PATH, Validator, each, filled, lay_out, run, said, sandbox, scratch, write_credentials

# What PgBouncer learned after the version that Debian has; left out there, and said so.
PGBOUNCER_SINCE = {"max_prepared_statements": (1, 21)}


class Haproxy(Validator):
    name = "haproxy"
    programs = {"haproxy": "haproxy"}

    def accepts(self, artifact):
        return artifact.name == "haproxy.cfg"

    def failures(self, tree, artifacts):
        def judge(artifact):
            names = re.findall(r"\$\{(\w+)\}", artifact.text)
            dummies = {name: "dummy" for name in names}
            result = run("haproxy", "-c", "-f", artifact.file, env={**os.environ, "PATH": PATH, **dummies})
            # A warning is a line that does not do what it says. The state file is the exception: it
            # is made before a reload, and a first start is without one.
            warnings = [line for line in result.stderr.splitlines()
                        if "[WARNING]" in line and "Can't open global server state file" not in line]
            return "" if result.returncode == 0 and not warnings else "\n".join(warnings) or said(result)

        return each(artifacts, judge)


class Pgbouncer(Validator):
    name = "pgbouncer"
    programs = {"pgbouncer": "pgbouncer", "psql": "postgresql-client", "setpriv": "util-linux"}
    root = True

    def accepts(self, artifact):
        return artifact.name == "pgbouncer.ini"

    def key(self, artifact):
        return artifact.path  # its userlist lies beside it

    def failures(self, tree, artifacts):
        version = tuple(map(int, re.search(r"(\d+)\.(\d+)", run("pgbouncer", "--version").stdout).groups()))

        def judge(artifact):
            with scratch() as folder:
                return self.start(tree, artifact, Path(folder), version)

        return each(artifacts, judge)

    def start(self, tree, artifact, folder, version):
        folder.chmod(0o755)
        values = write_credentials(tree, folder / "credentials")
        here = lay_out(tree, artifact, folder / "root")
        userlist = Path(artifact.host_path).parent / "userlist.txt"
        settings = folder / "settings"
        settings.mkdir(mode=0o755)
        (settings / "userlist.txt").write_text(filled(folder, here, folder / "credentials", str(userlist)))
        (settings / "pgbouncer.ini").write_text(self.for_version(artifact.text, version))
        user = re.search(r"^admin_users *= *([^,\s]+)", artifact.text, re.MULTILINE)[1]
        addresses = re.search(r"^listen_addr *= *(.+)$", artifact.text, re.MULTILINE)[1]
        port = re.search(r"^listen_port *= *(\d+)", artifact.text, re.MULTILINE)[1]
        password = dict(re.findall(r'^"([^"]+)" "([^"]+)"$', (settings / "userlist.txt").read_text(), re.M)).get(user)
        if not password:
            return f"{userlist} has no password of {user}"
        own = [a.strip() for a in addresses.split(",") if a.strip() != "127.0.0.1"]
        result = sandbox(folder, own, "bash", "-c", START_PGBOUNCER, "start", settings, userlist.parent,
                         own[0], port, user, env={**os.environ, "PATH": PATH, "PGPASSWORD": password})
        if result.returncode != 0 or re.search(r"\b(WARNING|ERROR|FATAL)\b", result.stderr):
            return said(result)
        shown = {line.split("|")[0] for line in result.stdout.splitlines() if "|" in line} - {"pgbouncer"}
        written = set(re.findall(r'^"?([\w-]+)"? = host=', artifact.text, re.MULTILINE))
        wanted = self.expected(tree, artifact)
        if shown != wanted or written != wanted:
            return f"SHOW DATABASES lists {sorted(shown)}, the topology has {sorted(wanted)}"
        leaked = [name for name, value in values.items() if value in result.stderr]
        return f"its log holds the values of {leaked}" if leaked else ""

    def for_version(self, text, version):
        for name, since in PGBOUNCER_SINCE.items():
            if version < since and re.search(rf"^{name} *=", text, re.MULTILINE):
                text = re.sub(rf"^{name} *=.*\n", "", text, flags=re.MULTILINE)
                note = f"without {name} (of {'.'.join(map(str, since))}; here is {'.'.join(map(str, version))})"
                if note not in self.notes:
                    self.notes.append(note)
        return text

    @staticmethod
    def expected(tree, artifact):
        """Every database of the services that this one needs, if an app comes to it this way."""
        estate = tree.estate
        model = estate.services[artifact.service]
        found = set()
        for need, declared in (estate.manifests[model["module"]].get("needs") or {}).items():
            databases = estate.databases(estate.provider(model, need, declared["module"])).values()
            found |= {d.name for d in databases if declared.get("route") in d.routes}
        return found


# As a user who may do nothing else, from a folder that is his, as in the container.
START_PGBOUNCER = r"""
settings=$1 target=$2 address=$3 port=$4 user=$5
install -d -m 0755 "$target"
cp "$settings"/* "$target"
chown -R 65534:65534 "$target"
chmod 0600 "$target/userlist.txt"
cd /
setpriv --reuid=65534 --regid=65534 --clear-groups pgbouncer "$target/pgbouncer.ini" >&2 &
daemon=$!
show() {
  psql --no-psqlrc --no-password --tuples-only --no-align --host "$1" --port "$port" --username "$user" \
    --dbname pgbouncer --command 'SHOW DATABASES' 2>/dev/null
}
for _ in $(seq 50); do
  if ! kill -0 "$daemon" 2>/dev/null; then wait "$daemon"; exit 1; fi
  if show "$address" && show 127.0.0.1 >/dev/null; then kill -TERM "$daemon"; exit 0; fi
  sleep 0.1
done
echo "no console on $address:$port for $user" >&2
exit 1
"""
