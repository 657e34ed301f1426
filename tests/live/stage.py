"""A stage: the servers of a rendered estate, each a root and a network of its own, on this machine.

A live test is a program that calls `main` with a function of a Stage:

    def test(stage):
        host = stage.host("depot-cache1")
        host.install("cache")
        server = host.start(["redis-server", "/etc/redis/redis.conf"], user="999:1000")
        stage.poll(10, lambda: host.run(["redis-cli", "-h", host.ip, "ping"]).stdout == "PONG\\n")

    sys.exit(main(test, topology="templates/04-redis-ha/example.yaml", programs={"redis-server": "redis-server"}))

README.md says what is real here and what is not.
"""

import atexit
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import string
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
SANDBOX = HERE.parent / "native" / "sandbox.sh"
# Debian keeps daemons in sbin, which is not in everybody's PATH.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SKIPPED = 77
SHOWN = 40  # lines of each log that a failure shows
BRIDGE = "stage"
BOOTED = {"dockerd": "docker.io", "containerd": "containerd", "systemctl": "systemd"}


class Failed(AssertionError):
    """What the test wanted is not so."""


class Missing(Exception):
    """The test cannot be made here. `package`: what Debian calls the thing that is missing."""

    def __init__(self, reason, package=""):
        super().__init__(reason)
        self.package = package


def main(test, topology, programs=None, modules=None, systemd=False):
    """Runs `test(stage)` on what KBGEN_BINARY (the first argument) renders from `topology`, a path
    below the source. `programs`: program -> its Debian package. With `systemd` the servers boot a
    systemd and a dockerd of their own. Gives the exit status: 0, 1, or 77 with the reason when the
    machine cannot do it."""
    if "KBGEN_STAGE" in os.environ:
        return _inside(test, Path(os.environ["KBGEN_STAGE"]), systemd)
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} KBGEN_BINARY", file=sys.stderr)
        return 2
    try:
        _require({**(programs or {}), **(BOOTED if systemd else {})})
        groups = _control_group() if systemd else None
    except Missing as missing:
        must = os.environ.get("CI") == "true" and missing.package
        hint = f" (Debian: {missing.package})" if missing.package else ""
        print(f"{'MISSING' if must else 'SKIP'}: {missing}{hint}")
        return 1 if must else SKIPPED
    try:
        with tempfile.TemporaryDirectory(prefix="kbgen-live-", ignore_cleanup_errors=True) as folder:
            return _play(Path(folder), SOURCE / topology, modules, groups)
    finally:
        if groups:
            _remove_group(groups)


def _play(scratch, topology, modules, groups):
    scratch.chmod(0o755)
    address = _prepare(scratch, Path(sys.argv[1]), topology, modules)
    if not address:
        return 1
    # Everything from here on is in namespaces of its own, and ends with them.
    command = [SANDBOX, scratch, address, sys.executable, *sys.argv]
    environment = {**os.environ, "KBGEN_STAGE": str(scratch), "KBGEN_STAGE_GROUPS": str(groups), "PATH": PATH,
                   "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment).returncode


def _require(programs):
    for program, package in {**programs, "ip": "iproute2", "nsenter": "util-linux"}.items():
        if not shutil.which(program, path=PATH):
            raise Missing(f"{program} is not installed", package)
    if os.geteuid() != 0:
        raise Missing("needs root, for namespaces of its own")
    trial = "ip link add name stage type bridge && ip link add name a0 type veth peer name a1"
    made = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "sh", "-c", trial],
                          capture_output=True, text=True)
    if made.returncode != 0:
        raise Missing(f"this machine lets nobody make namespaces with networks: {made.stderr.strip()}")


def _control_group():
    """A control group for the servers' systemds, beside which nobody else's is touched."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    roots = [Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"]
    own = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    if not roots or not own:
        raise Missing("this machine has no control groups of version 2, which systemd needs")
    folder = roots[0] / own[0].lstrip("/") / f"kbgen-live-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        raise Missing(f"this machine lets nobody make control groups: {error}") from None
    return folder


def _remove_group(folder):
    """Everything in it has ended; the kernel may take a moment to notice."""
    deadline = time.monotonic() + 10
    while folder.exists():
        try:
            for inner, _, _ in os.walk(folder, topdown=False):
                os.rmdir(inner)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _prepare(scratch, kbgen, topology, modules):
    """Renders the topology into scratch/out and gives every credential a value. Gives the address
    of the install host, or nothing when kbgen refused."""
    command = [kbgen.resolve(), "render", "--model", topology, "--out", scratch / "out"]
    for folder in modules or filter(None, [os.environ.get("KBGEN_MODULES")]):
        command += ["--modules", folder]
    rendered = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if rendered.returncode != 0:
        print(rendered.stdout, rendered.stderr, sep="", file=sys.stderr)
        return None
    model = yaml.safe_load(topology.read_text())
    rows = [line.split("\t") for line in (topology.parent / model["inventory"]).read_text().splitlines()]
    addresses = {row[2]: row[3] for row in rows[1:]}
    credentials = scratch / "credentials"
    credentials.mkdir(mode=0o700)
    listed = yaml.safe_load((topology.parent / model["credentials"]).read_text())["credentials"]
    for place in sorted({(c["file"], c["key"]) for c in listed.values()}):
        file, key = place
        with open(credentials / file, "a", opener=lambda p, f: os.open(p, f, 0o600)) as out:
            out.write(f"{key}={_password()}\n")
    install = addresses[model["install"]["host"]]
    (scratch / "stage.json").write_text(json.dumps({
        "addresses": addresses,
        "private": model["network"]["private"],
        "install": install,
        "root": model["install"]["root"],
    }))
    return install


def _password():
    """Of the alphabet that every place accepts; random, so that none can be written into a template."""
    return "".join(random.SystemRandom().choices(string.ascii_letters + string.digits, k=32))


def _inside(test, scratch, systemd):
    stage = Stage(scratch, systemd)
    atexit.register(stage.close)
    try:
        test(stage)
    except BaseException:  # an interrupt shows its logs as well
        stage.explain()
        # Last, because whoever shows only the end of a log must show this.
        traceback.print_exc()
        return 1
    print(f"passed in {time.monotonic() - stage.began:.0f} s")
    return 0


class Stage:
    """The estate. `tree` is what was rendered, `addresses` the private address of every server."""

    def __init__(self, scratch, systemd):
        self.systemd = systemd
        told = json.loads((scratch / "stage.json").read_text())
        self.began = time.monotonic()
        self.scratch = scratch
        self.tree = scratch / "out"
        self.addresses = told["addresses"]
        self.install_root = told["root"]
        self.files = json.loads((self.tree / "MANIFEST.json").read_text())["files"]
        self.hosts = {}
        self.processes = []
        (scratch / "logs").mkdir()
        (scratch / "hosts").mkdir()
        # Of its own, because an overlay does not lie on an overlay.
        _do("mount", "-t", "tmpfs", "hosts", scratch / "hosts")
        # The test itself is the install host: its address is on lo already, and what the scripts leave in the
        # install root (logs, locks) is nothing for this machine's own disk, which is also the servers' lowest layer.
        top = Path("/", Path(self.install_root).parts[1])
        top.mkdir(exist_ok=True)
        _do("mount", "-t", "tmpfs", "install", top)
        _do("ip", "link", "add", "name", BRIDGE, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        _do("ip", "link", "set", BRIDGE, "up")
        _do("ip", "route", "add", told["private"], "dev", BRIDGE, "src", told["install"])

    def host(self, name, ip=None):
        """The server of that name, made when it is first asked for. With an address it may be
        something that the inventory does not know, a load balancer or a stranger; that one boots nothing."""
        if name not in self.hosts:
            if not ip and name not in self.addresses:
                raise Failed(f"the inventory has no server {name}")
            self.hosts[name] = Host(self, name, ip or self.addresses[name], self.systemd and not ip)
        return self.hosts[name]

    def secret(self, file, key):
        """The value that this stage has given a credential."""
        for line in (self.scratch / "credentials" / file).read_text().splitlines():
            if line.startswith(key + "="):
                return line[len(key) + 1:]
        raise Failed(f"{file} has no {key}")

    def balancer(self, name, ip, listeners):
        """A load balancer as a provider runs it: TCP, targets that accept connections, checked every
        second. `listeners`: port -> server names."""
        lines = ["global", "  maxconn 2000", "defaults", "  mode tcp", "  timeout connect 3s",
                 "  timeout client 1h", "  timeout server 1h"]
        for port, servers in listeners.items():
            lines += [f"listen port-{port}", f"  bind {ip}:{port}", "  default-server check inter 1s fall 2 rise 1"]
            lines += [f"  server {s} {self.addresses[s]}:{port}" for s in servers]
        host = self.host(name, ip)
        host.write("/etc/balancer.cfg", "\n".join(lines) + "\n")
        host.start(["haproxy", "-db", "-f", "/etc/balancer.cfg"], name="balancer")
        return host

    def image(self, name, reference, programs, paths=(), env=None, entrypoint=(), command=()):
        """An image of this machine's programs, under the reference of the real one, where rendered steps
        look before they pull: <install root>/images/<name>/image.tar. `programs` come with the libraries
        that they load, `paths` are files and folders besides. Made before a server is shipped to."""
        files = {Path(p) for p in paths}
        for program in programs:
            found = shutil.which(program, path=PATH)
            if not found:
                raise Failed(f"{program} is not installed")
            files |= {Path(found), Path(found).resolve()} | _libraries(found)
        # A folder brings what is in it.
        files = {file for file in files if not files & set(file.parents)}
        target = self.tree / "images" / name / "image.tar"
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_image(target, reference, files, {
            "Env": [f"{k}={v}" for k, v in {"PATH": PATH, **(env or {})}.items()],
            "Entrypoint": list(entrypoint), "Cmd": list(command)})

    def poll(self, seconds, question, what=""):
        """Asks until the answer is true, and gives it. A question that raises has no answer yet."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = question()
                if answer:
                    return answer
            except (Failed, OSError, subprocess.SubprocessError, ValueError, KeyError, IndexError) as error:
                answer = error
            if time.monotonic() > deadline:
                raise Failed(f"not within {seconds} s: {what or _source(question)}; last answer: {answer!r}")
            time.sleep(0.1)

    def accepts(self, ip, port):
        """Whether somebody accepts connections there, tried from the install host."""
        with contextlib.suppress(OSError), socket.create_connection((ip, port), timeout=1):
            return True
        return False

    def same(self, what, wanted, found):
        if wanted != found:
            raise Failed(f"{what}: wanted {wanted!r}, found {found!r}")

    def say(self, text):
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)

    def explain(self):
        """The end of every log, for whoever reads a failure."""
        for host in self.hosts.values():
            if host.systemd and host.up():
                journal = host.run(["journalctl", "--no-pager", "--lines=100", "--output=short-precise"], check=False)
                (self.scratch / "logs" / f"{host.name}.journal").write_text(journal.stdout)
        for log in sorted((self.scratch / "logs").iterdir()):
            lines = log.read_text(errors="replace").splitlines()
            if not lines:
                continue
            shown = lines[-(100 if log.suffix == ".journal" else SHOWN):]
            print(f"---- {log.name} ({len(lines)} lines)", file=sys.stderr)
            print("\n".join(shown), file=sys.stderr)

    def close(self):
        for host in self.hosts.values():
            host.close()


class Host:
    """One server: `name`, `ip`, and a root that only it sees. Its processes see only each other."""

    def __init__(self, stage, name, ip, systemd):
        self.stage, self.name, self.ip, self.systemd = stage, name, ip, systemd
        self.number = len(stage.hosts) + 1
        self.installed = set()
        self.boots = 0
        self.scratch = stage.scratch / "hosts" / name
        self.scratch.mkdir()
        self.boot()

    def boot(self):
        """Turns it on. The disk is as it was; /run, /tmp and the logs are empty."""
        stage = self.stage
        self.boots += 1
        with open(stage.scratch / "logs" / f"{self.name}.boot-{self.boots}", "w") as log:
            self.holder = subprocess.Popen(
                ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", *(["--cgroup"] if self.systemd else []),
                 "--fork", "--kill-child", "--", HERE / "host.sh", self.scratch, self.name,
                 *(["systemd"] if self.systemd else [])],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self._join_group if self.systemd else None)
        stage.poll(10, lambda: _child(self.holder.pid), f"{self.name} begins")
        self.init = _child(self.holder.pid)
        if self.systemd:
            stage.poll(180, lambda: self.run(["systemctl", "is-system-running"], check=False).stdout
                       in ("running\n", "degraded\n"), f"{self.name} has booted")
        else:
            stage.poll(10, lambda: self.path("/run/stage-ready").exists(), f"{self.name} is ready")
        self._plug_in()

    def _join_group(self):
        group = Path(os.environ["KBGEN_STAGE_GROUPS"]) / self.name
        group.mkdir(exist_ok=True)
        (group / "cgroup.procs").write_text("0")

    def _plug_in(self):
        inner, outer = "eth0", f"port{self.number}"
        _do("ip", "link", "add", "name", outer, "type", "veth", "peer", "name", inner, "netns", self.init)
        _do("ip", "link", "set", outer, "master", BRIDGE, "up")
        self.run(["ip", "link", "set", inner, "up"])
        network = json.loads((self.stage.scratch / "stage.json").read_text())["private"]
        self.run(["ip", "address", "add", self.ip + "/32", "dev", inner])
        self.run(["ip", "route", "add", network, "dev", inner, "src", self.ip])

    def up(self):
        return self.holder.poll() is None

    # ------------------------------------------------------------ files

    def path(self, path):
        """Where a path of this server lies as the test sees it."""
        return Path(f"/proc/{self.init}/root{path}")

    def read(self, path):
        return self.path(path).read_text()

    def write(self, path, text, mode=0o644):
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def empty(self, path):
        """Makes a folder that Debian's package has filled as empty as it is on a server, where the
        program comes with its image."""
        folder = self.path(path)
        if folder.is_dir():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)

    def ship(self):
        """What is rendered for this server, lib/ and the credentials, as lib/fleet.sh leaves it."""
        root = self.path(self.stage.install_root)
        shutil.copytree(self.stage.tree / "servers" / self.name, root, dirs_exist_ok=True)
        for shared in ("lib", "images"):
            if (self.stage.tree / shared).is_dir():
                shutil.copytree(self.stage.tree / shared, root / shared, dirs_exist_ok=True)
        credentials = root / "credentials"
        credentials.mkdir(mode=0o700, exist_ok=True)
        for file in (self.stage.scratch / "credentials").iterdir():
            shutil.copy2(file, credentials / file.name)

    def install(self, service):
        """Puts all artifacts of the service at their paths, tokens filled, with owner and mode, by
        the function of lib/host.sh that does it on servers."""
        rows = [row for row in self.stage.files
                if row.get("server") == self.name and row.get("service") == service and "step" not in row]
        if not rows:
            raise Failed(f"nothing of {service} is rendered for {self.name}")
        self.ship()
        folder = rows[0]["path"].split("/")[2]
        here = f"{self.stage.install_root}/{folder}"
        table = "".join(f"{row['host_mode']} {row['owner']} {row['host_path']}\n" for row in rows)
        self.run(["bash", "-c", INSTALL, "install"], stdin=table, env={"here": here})
        self.installed.add(service)

    # ------------------------------------------------------------ processes

    def command(self, argv, user=None, env=None, cwd="/"):
        words = ["nsenter", f"--target={self.init}", "--net", "--mount", "--uts", "--ipc", "--pid", "--root",
                 f"--wd={self.path(cwd)}", "--", "env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8", "HOME=/root"]
        words += [f"{key}={value}" for key, value in (env or {}).items()]
        if user:
            uid, _, gid = user.partition(":")
            words += ["setpriv", f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups", "--"]
        return words + [str(word) for word in argv]

    def run(self, argv, stdin="", user=None, env=None, cwd="/", check=True, timeout=60):
        """Runs a program to its end. A status that is not 0 fails the test, unless check is False."""
        result = subprocess.run(self.command(argv, user, env, cwd), input=stdin, capture_output=True,
                                text=True, errors="replace", timeout=timeout)
        if check and result.returncode != 0:
            raise Failed(f"{self.name}: {_shown(argv)}: status {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def start(self, argv, user=None, env=None, cwd="/", name=None):
        """Starts a program that stays. Its log is kept, and shown when the test fails."""
        process = Process(self, argv, self.command(argv, user, env, cwd), name or Path(str(argv[0])).name)
        self.stage.processes.append(process)
        return process

    def step(self, service, step, *arguments, check=True, timeout=300):
        """Runs a rendered step of the service as root, as lib/fleet.sh does."""
        self.ship()
        rows = [row["host_path"] for row in self.stage.files
                if row.get("server") == self.name and row.get("service") == service and row.get("step") == step]
        if not rows:
            raise Failed(f"{service} has no step {step} on {self.name}")
        return self.run([rows[0], *arguments], check=check, timeout=timeout)

    # ------------------------------------------------------------ what happens to servers

    def cut(self):
        """Takes the cable out: everything runs on, nobody else is there."""
        _do("ip", "link", "set", f"port{self.number}", "down")

    def mend(self):
        _do("ip", "link", "set", f"port{self.number}", "up")

    def crash(self):
        """Kills every process of this server at once. Files stay, and what is started next finds them."""
        for process in self.stage.processes:
            if process.host is self and process.alive():
                process.kill(signal.SIGKILL)
        self.run(["bash", "-c", "kill -KILL -1"], check=False)

    def power_off(self):
        """Takes the power away; boot() gives it back."""
        self.holder.kill()
        self.holder.wait()
        self.stage.poll(10, lambda: not Path(f"/proc/{self.init}").exists(), f"{self.name} is off")

    def close(self):
        self.holder.kill()
        self.holder.wait()


INSTALL = r"""
set -Eeuo pipefail
. "$here/../lib/host.sh"
while read -r mode owner path; do fill_file "$mode" "$owner" "$path"; done
"""


class Process:
    """A program that a host runs."""

    def __init__(self, host, argv, command, name):
        self.host, self.argv, self.name = host, argv, name
        number = sum(1 for p in host.stage.processes if p.host is host and p.name == name)
        suffix = f"-{number + 1}" if number else ""
        self.log_file = host.stage.scratch / "logs" / f"{host.name}.{name}{suffix}"
        with open(self.log_file, "w") as log:
            self.outer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        # nsenter waits outside for the one that counts, and passes no signal on.
        host.stage.poll(10, lambda: _child(self.outer.pid) or self.outer.poll() is not None,
                        f"{host.name} runs {name}")
        self.pid = _child(self.outer.pid)

    @property
    def log(self):
        return self.log_file.read_text(errors="replace")

    def alive(self):
        return self.outer.poll() is None

    def send(self, number):
        if not self.alive() or not self.pid:
            raise Failed(f"{self.host.name}: {self.name} has ended with {self.outer.returncode}:\n{self.log}")
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        # It stops with what it waits for, and only its own end continues both.
        if number == signal.SIGCONT:
            self.outer.send_signal(number)

    def kill(self, number=signal.SIGTERM, timeout=30):
        """Sends a signal that ends it, and waits. Gives the status."""
        self.send(number)
        return self.wait(timeout)

    def wait(self, timeout=30):
        try:
            return self.outer.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.host.name}: {self.name} does not end") from None

    def restart(self):
        """The same again, after it has ended."""
        if self.alive():
            raise Failed(f"{self.host.name}: {self.name} still runs")
        again = Process(self.host, self.argv, self.outer.args, self.name)
        self.host.stage.processes.append(again)
        return again


def _libraries(program):
    """What the loader loads for a program, and the loader."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return {Path(word) for word in listed.split() if word.startswith("/") and Path(word).exists()}


def _write_image(target, reference, files, config):
    """One layer and what `docker load` wants to know of it."""
    folder = target.parent
    layer = folder / "layer.tar"
    with tarfile.open(layer, "w", dereference=False) as tar:
        for made in ("tmp", "run", "data", "etc"):
            entry = tarfile.TarInfo(made)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if made == "tmp" else 0o755
            tar.addfile(entry)
        # By their real places: /lib and /bin are links on this machine, and need not be there.
        for file in sorted(files):
            tar.add(file.resolve() if file.is_file() else file, arcname=str(file).lstrip("/"))
    whole = {"architecture": "amd64", "os": "linux", "config": config,
             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + _digest(layer)]}}
    (folder / "config.json").write_text(json.dumps(whole))
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(target, "w") as tar:
        for part in ("config.json", "manifest.json", "layer.tar"):
            tar.add(folder / part, arcname=part)
            (folder / part).unlink()


def _digest(file):
    with open(file, "rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _child(pid):
    """The first child of a process; unshare and nsenter have one at most."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(found[0]) if found else None
    return None


def _do(*command):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise Failed(f"{_shown(command)}: {result.stderr.strip()}")


def _shown(argv):
    """For messages: long scripts do not help."""
    return re.sub(r"\s+", " ", " ".join(str(word) for word in argv))[:200]


def _source(question):
    code = question.__code__
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}"
