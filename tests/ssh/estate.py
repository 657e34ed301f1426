"""An estate over real SSH, on this machine: an install host and N servers, each with a root and a network of
its own (tests/live/stage.py) and an sshd with a host key of its own.

    def test(estate):
        estate.kbgen("apply", "-o", TREE)               # on the install host, as an operator does
        estate.order("node-02", "book.write", "fail no reason")
        estate.same("runs", 1, estate.runs("node-01", "book.write"))

    sys.exit(main(test, hosts=3))

What is installed are the modules in modules/: their steps only write down that they ran, and do what a test orders.
"""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))

import stage as live  # noqa: E402
from stage import PATH, Failed, Missing, Stage  # noqa: E402

INSTALL = "depot"  # the install host
TREE = "/srv/tree"  # where the rendered tree lies on it
ROOT = "/opt/ledger"  # install.root
CONFIG = "/root/.ssh/estate"  # what KBGEN_SSH_CONFIG names
KNOWN = "/root/.ssh/known_hosts"
OBSERVER = "10.77.255.254"  # this test's own address: it belongs to no server
SERVICE = "book"
VOTES = f"""\
  votes:
    module: voter
    nodes: {{role: member}}
    uses: {{ledger: {SERVICE}}}
"""
COLUMNS = "ENV IP_PUBLIQUE HOSTNAME IP_PRIVEE FQDN USER_SSH POOL ROLE SUBROLE DOCKER_STACK CORE NOTES"


def main(test, hosts=3, programs=None, gated=False):
    """Runs `test(estate)` with a tree that KBGEN_BINARY (the first argument) renders. `gated`: with
    the service `votes`, which has a gate, on every server. Gives the exit status, 77 with a reason when the machine cannot do it."""
    if "KBGEN_STAGE" in os.environ:
        return _inside(test, Path(os.environ["KBGEN_STAGE"]))
    if len(sys.argv) < 2:
        print(f"usage: {sys.argv[0]} KBGEN_BINARY", file=sys.stderr)
        return 2
    try:
        live._require({"sshd": "openssh-server", "ssh": "openssh-client", **(programs or {})})
    except Missing as missing:
        must = os.environ.get("CI") == "true" and missing.package
        print(f"{'MISSING' if must else 'SKIP'}: {missing} (Debian: {missing.package})")
        return 1 if must else live.SKIPPED
    with tempfile.TemporaryDirectory(prefix="kbgen-ssh-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        scratch.chmod(0o755)
        model = Model(scratch / "model", hosts, gated)
        if not render(Path(sys.argv[1]), model, scratch / "out"):
            return 1
        (scratch / "stage.json").write_text(json.dumps({
            "addresses": model.addresses, "private": "10.77.0.0/16", "install": OBSERVER, "root": ROOT,
            "kbgen": str(Path(sys.argv[1]).resolve()), "hosts": hosts, "gated": gated}))
        (scratch / "credentials").mkdir(mode=0o700)
        (scratch / "credentials" / "book.env").write_text(f"BOOK_TOKEN={live._password()}\n")
        (scratch / "credentials" / "book.env").chmod(0o600)
        command = [live.SANDBOX, scratch, OBSERVER, sys.executable, *sys.argv]
        environment = {**os.environ, "KBGEN_STAGE": str(scratch), "PATH": PATH, "LC_ALL": "C.UTF-8",
                       "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, env=environment).returncode


class Model:
    """A topology of an install host and `hosts` servers: the ground is laid on all of them, the
    servers are members of the ledger `book`, and the first two read it."""

    def __init__(self, folder, hosts, gated=False):
        self.folder, self.gated = folder, gated
        self.names = [f"node-{number:02d}" for number in range(1, hosts + 1)]
        self.addresses = {INSTALL: "10.77.0.10"}
        self.addresses |= {name: f"10.77.1.{number}" for number, name in enumerate(self.names, 1)}
        folder.mkdir(exist_ok=True)
        rows = [COLUMNS.split()]
        for name, ip in self.addresses.items():
            role = "member" if name in self.names else "none"
            reads = "reader" if name in self.names[:2] else "none"
            rows.append(["test", f"192.0.2.{len(rows)}", name, ip, f"{name}.ledger.example", "root", "pool", role,
                         reads, "none", "yes", ""])
        (folder / "servers.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
        (folder / "versions.yaml").write_text("images: {}\npackages: {}\n")
        (folder / "credentials.yaml").write_text(
            "credentials:\n  book_token: {file: book.env, key: BOOK_TOKEN}\n")
        self.write()

    def write(self, text="first"):
        """The topology; a test that changes `text` changes a file of every member."""
        (self.folder / "topology.yaml").write_text(f"""\
kbgen: 1
name: ledger
inventory: servers.tsv
versions: versions.yaml
credentials: credentials.yaml
network:
  private: 10.77.0.0/16
  domain: ledger.example
  resolvers: [9.9.9.9]
install:
  host: {INSTALL}
  root: {ROOT}
os: {{default: debian-12}}
services:
  ground:
    module: ground
    nodes: {{all: true}}
  {SERVICE}:
    module: ledger
    nodes: {{role: member}}
    settings: {{text: "{text}"}}
  readers:
    module: reader
    nodes: {{subrole: reader}}
    uses: {{ledger: {SERVICE}}}
""" + (VOTES if self.gated else ""))


def render(kbgen, model, tree):
    command = [kbgen.resolve(), "render", "--model", model.folder / "topology.yaml", "--out", tree,
               "--modules", HERE / "modules"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="", file=sys.stderr)
    return done.returncode == 0


def _inside(test, scratch):
    told = json.loads((scratch / "stage.json").read_text())
    stage = Stage(scratch, False)
    atexit.register(stage.close)
    try:
        test(Estate(stage, told))
    except BaseException:  # an interrupt shows its logs as well
        stage.explain()
        traceback.print_exc()
        return 1
    print(f"passed in {time.monotonic() - stage.began:.0f} s")
    return 0


class Estate:
    """`names` are the servers, `install` the install host (a stage.Host, as host(name) gives), `tree` the rendered
    tree where this test sees it; the install host has a copy at TREE."""

    def __init__(self, stage, told):
        self.stage, self.binary = stage, Path(told["kbgen"])
        self.model = Model(stage.scratch / "model", told["hosts"], told["gated"])
        self.names, self.tree = self.model.names, stage.tree
        self.poll, self.same, self.say = stage.poll, stage.same, stage.say
        self.daemons = {}
        self.install = stage.host(INSTALL)
        for name in self.names:
            self.start_sshd(name)
        self._client()
        self.bring_tree()
        folder = self.install.path(ROOT + "/credentials")
        folder.mkdir(parents=True, mode=0o700)
        for file in (stage.scratch / "credentials").iterdir():
            shutil.copy2(file, folder / file.name)
        # The program itself, where an operator's shell finds it. /usr/local is the machine's until it is written to.
        shutil.copy2(self.binary, self.install.path("/usr/local/bin/kbgen"))

    # ------------------------------------------------------------ servers

    def host(self, name):
        return self.stage.host(name)

    def ip(self, name):
        return self.stage.addresses[name]

    def start_sshd(self, name, path=None):
        """An sshd of the server's own. `path`: the PATH that sessions get."""
        host = self.host(name)
        if not host.path("/etc/ssh/estate_key").exists():
            key = self._key(name)
            host.write("/etc/ssh/estate_key", key.read_text(), 0o600)
            host.write("/etc/ssh/estate_clients", (self._key("client").with_suffix(".pub")).read_text(), 0o600)
        host.write("/etc/ssh/estate_config", "\n".join([
            f"ListenAddress {host.ip}", "HostKey /etc/ssh/estate_key",
            "AuthorizedKeysFile /etc/ssh/estate_clients", "PidFile none", "UsePAM no", "UseDNS no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
            "MaxStartups 200", "MaxSessions 200", "PrintMotd no", "LogLevel ERROR",
            *([f"SetEnv PATH={path}"] if path else [])]) + "\n")
        # What this machine's root likes to have in a shell is none of the servers'.
        for left in (".bashrc", ".bash_profile", ".profile", ".ssh/rc", ".ssh/environment"):
            host.path("/root/" + left).unlink(missing_ok=True)
        host.run(["mkdir", "-p", "-m", "0755", "/run/sshd"])
        self.daemons[name] = host.start(["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/estate_config"], name="sshd")
        self.poll(10, lambda: self.stage.accepts(host.ip, 22), f"{name} has an sshd")

    def kill_sshd(self, name):
        """kill -9 of the daemon and of all its connections, as when the machine's memory is full. What a
        connection had started runs on, as it does then."""
        for pid in self.processes(name, "sshd"):
            os.kill(pid, signal.SIGKILL)
        self.daemons[name].outer.wait(10)

    def new_host_key(self, name):
        """The server has another key from its next sshd on, as after it was built anew or as somebody else has."""
        key = self._key(name + "-other")
        self.host(name).write("/etc/ssh/estate_key", key.read_text(), 0o600)

    def processes(self, name, program):
        """The process ids, as this test sees them, of the programs of that name on a server."""
        space = os.stat(f"/proc/{self.host(name).init}/ns/pid").st_ino
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.stat(entry / "ns/pid").st_ino == space and (entry / "comm").read_text().strip() == program:
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def strip(self, name, *more):
        """Leaves a server nothing but bash, coreutils, tar and sshd, and the packages `more`: whatever else is run is
        not found."""
        listed = subprocess.run(["dpkg-query", "--listfiles", "coreutils", "bash", "tar", "openssh-server", *more],
                                capture_output=True, text=True, check=True).stdout.split()
        keep = {Path(path).name for path in listed if "bin/" in path}
        host = self.host(name)
        for folder in ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"):
            for file in host.path(folder).iterdir():
                if file.name not in keep and not file.is_dir():
                    file.unlink()

    # ------------------------------------------------------------ the install host

    def _key(self, name):
        key = self.stage.scratch / "keys" / name
        if not key.exists():
            key.parent.mkdir(exist_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
        return key

    def _client(self):
        host = self.install
        host.path("/root/.ssh").mkdir(mode=0o700, exist_ok=True)
        for left in ("config", "known_hosts", "known_hosts2"):
            host.path(f"/root/.ssh/{left}").unlink(missing_ok=True)
        host.write("/root/.ssh/id_estate", self._key("client").read_text(), 0o600)
        host.write(CONFIG, "\n".join([
            "Host *", "  IdentityFile /root/.ssh/id_estate", "  IdentitiesOnly yes",
            f"  UserKnownHostsFile {KNOWN}", "  GlobalKnownHostsFile /dev/null", "  LogLevel ERROR"]) + "\n", 0o600)
        self.know(*self.names)

    def know(self, *names):
        """The install host knows the keys of exactly these servers."""
        lines = [f"{self.ip(name)} {self._key(name).with_suffix('.pub').read_text()}" for name in names]
        self.install.write(KNOWN, "".join(lines), 0o600)

    def bring_tree(self):
        """The rendered tree, as it is now, to the install host. Modes and bytes as rendered."""
        target = self.install.path(TREE)
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(self.tree, target)

    def render(self, text="first"):
        """Renders anew, with another text in every member's file, and brings the tree."""
        self.model.write(text)
        if not render(self.binary, self.model, self.tree):
            raise Failed("kbgen render")
        self.bring_tree()

    def command(self, argv, env=None):
        """How a program is started on the install host."""
        return self.install.command(argv, env={"KBGEN_SSH_CONFIG": CONFIG, "USER": "root", **(env or {})}, cwd=TREE)

    def run(self, argv, check=True, timeout=120, stdin="", env=None):
        """Runs a program on the install host to its end, in the tree."""
        done = subprocess.run(self.command(argv, env), input=stdin, capture_output=True, text=True,
                              errors="replace", timeout=timeout)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(map(str, argv))}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start(self, argv, env=None, **options):
        """Starts a program on the install host; gives a Popen. Its stdin is a pipe unless told otherwise."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(self.command(argv, env), **options)

    def kill(self, process, number=signal.SIGKILL):
        """Sends a signal to what `start` has started, and not to the nsenter in front of it, which passes none on."""
        self.poll(10, lambda: live._child(process.pid) or process.poll() is not None, "it has begun")
        if process.poll() is None:
            os.kill(live._child(process.pid), number)

    def kbgen(self, *arguments, **options):
        return self.run(["kbgen", *arguments], **options)

    # ------------------------------------------------------------ what the modules do

    def order(self, name, step, *orders):
        """What the step `<service>.<step>` shall do on a server from now on; nothing: its work only."""
        self.host(name).write(f"/srv/orders/{step}", "".join(order + "\n" for order in orders))

    def ledger(self, name, step):
        """What the step wrote down on a server, a line each."""
        file = self.host(name).path(f"/srv/ledger/{step}")
        return file.read_text().splitlines() if file.exists() else []

    def runs(self, name, step):
        """How often it began there."""
        return sum(1 for line in self.ledger(name, step) if line.startswith(("begin ", "ran ")))
