#!/usr/bin/env python3
"""MinIO: three nodes, made by the rendered scripts, become one deployment, keep applications apart, lose a
node without losing an object, and start on nothing that is not theirs.

Server and client are built from their modules by Go, once, and kept below KBGEN_CACHE or ~/.cache/kbgen.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from fleet import Fleet
from stage import SKIPPED, Failed, main

# The releases are no modules; of what the repositories had, this is what can be had as one.
SERVER = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
CLIENT = "github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9"
IMAGE = "minio/minio:RELEASE.2024-10-02T17-50-41Z"
VERSION = "2024-10-02T17:50:41Z"  # which the server is told that it is: versions are compared with tags

SERVICE, FOLDER = "blobs", "06-blobs"
NODES = ["depot-blob1", "depot-blob2", "depot-blob3"]  # in the order of the set
ENTRY = NODES[0]
PORT = 9100
DRIVE = "/data/blobs"
FORMAT = f"{DRIVE}/.minio.sys/format.json"
UNIT = "minio-docker.service"
STALE = "it was started with the files and the image that are there now"
OTHER = "00000000-0000-4000-8000-000000000000"
# A server has the devices of its volumes; here they are files, and these make devices of them.
DEVICES = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash -c 'mknod /dev/loop-control c 10 237; for n in {0..63}; do mknod /dev/loop$$n b 7 $$n; done'
"""


def build():
    """The folder with minio and mc; nothing, and the reason said, when this machine cannot build them."""
    cache = Path(os.environ.get("KBGEN_CACHE") or Path.home() / ".cache/kbgen")
    target = cache / "minio" / "-".join(module.rpartition("-")[2] for module in (SERVER, CLIENT))
    if all((target / program).exists() for program in ("minio", "mc")):
        return target
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    if not go:
        print("SKIP: there is no go to build MinIO with")
        return None
    target.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    for module, stamp in ((SERVER, f"-X github.com/minio/minio/cmd.Version={VERSION}"), (CLIENT, "")):
        print(f"building {module}", flush=True)
        built = subprocess.run([go, "install", "-trimpath", "-ldflags", f"-s -w {stamp}", module],
                               env={**os.environ, "GOBIN": str(target), "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"},
                               capture_output=True, text=True)
        if built.returncode != 0:
            print(f"SKIP: {module} cannot be built: {built.stderr.strip()[-2000:]}")
            return None
    print(f"built in {time.monotonic() - began:.0f} s; it is not built again", flush=True)
    return target


def test(stage):
    # Where they lie here is where they lie in the image, and there /tmp is a container's own.
    programs = shutil.copytree(os.environ["KBGEN_MINIO"], "/run/image")
    stage.image("minio", IMAGE, [], [Path(programs, "minio"), Path(programs, "mc")],
                env={"PATH": programs, "MC_CONFIG_DIR": "/tmp/.mc"}, entrypoint=["minio"])
    trial = Trial(stage)
    for part in (trial.begins, trial.changes_nothing, trial.keeps_apart, trial.mends_drift, trial.fails_visibly,
                 trial.asks_everybody, trial.loses_a_node, trial.loses_power, trial.knows_its_drive, trial.knows_the_others,
                 trial.replaces_a_drive, trial.restarts, trial.backs_up, trial.leaves):
        stage.say(part.__name__.replace("_", " "))
        part()
    trial.says_no_secret()


class CommandLines(threading.Thread):
    """Looks at every command line of this machine while the test runs: none may hold a secret."""

    def __init__(self, secrets):
        super().__init__(daemon=True)
        self.secrets, self.found, self.seen, self.done = [s.encode() for s in secrets], set(), 0, False
        self.start()

    def run(self):
        while not self.done:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    line = Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:  # it has ended
                    continue
                self.seen += 1
                if any(secret in line for secret in self.secrets):
                    self.found.add(line.replace(b"\0", b" ").decode(errors="replace"))
            time.sleep(0.01)

    def end(self):
        if not self.is_alive():
            raise Failed("nobody has looked at the command lines")
        self.done = True
        self.join()
        if self.found or self.seen < 10000:
            raise Failed(f"of {self.seen} command lines these hold a secret: {self.found}")


class Trial:
    def __init__(self, stage):
        self.stage = stage
        self.nodes = {name: stage.host(name) for name in NODES}
        self.all = list(self.nodes.values())
        self.entry, self.second, self.third = self.all
        self.volumes = {}
        for node in self.all:
            node.write("/etc/systemd/system/devices.service", DEVICES)
            self.attach(node)
        self.fleet = Fleet(stage, self.all)
        self.secrets = {name: stage.secret(*name.split(":")) for name in (
            "blobs.env:BLOBS_ROOT_USER", "blobs.env:BLOBS_ROOT_PASSWORD", "gallery.env:GALLERY_S3_SECRET",
            "ledger.env:LEDGER_S3_SECRET")}
        self.command_lines = CommandLines(self.secrets.values())

    # ------------------------------------------------------------ volumes

    def attach(self, node):
        """Mounts a blank volume in the place of the one that was there. Gives that one."""
        before, image = self.volumes.get(node.name), f"/var/volumes/{time.monotonic_ns()}"
        node.run(["mkdir", "-p", "/var/volumes", DRIVE])
        node.run(["truncate", "--size=400M", image])
        node.run(["mkfs.ext4", "-q", image])
        self.swap(node, image)
        return before

    def swap(self, node, image):
        if node.name in self.volumes:
            node.run(["umount", DRIVE])
        self.volumes[node.name] = image
        node.write("/etc/fstab", f"{image} {DRIVE} ext4 loop,nofail,x-systemd.requires=devices.service 0 0\n")
        node.run(["systemctl", "daemon-reload"])
        node.run(["systemctl", "start", "devices.service"])
        node.run(["mount", DRIVE])

    # ------------------------------------------------------------ asking and doing

    def script(self, name, *arguments, **options):
        return self.fleet.run(FOLDER, name, *arguments, **options)

    def member(self, node, *words, **options):
        return node.run(["minio-member", *words], **{"timeout": 180, **options})

    def mc(self, *words, node=None, **options):
        return self.member(node or self.entry, "mc", *words, **options)

    def stop(self, *nodes):
        for node in nodes:
            node.run(["systemctl", "stop", UNIT])

    def start(self, *nodes):
        for node in nodes:
            node.run(["systemctl", "start", UNIT])
        self.stage.poll(180, self.healthy, "all nodes serve")

    def healthy(self):
        return all(self.member(node, "healthy", check=False).returncode == 0 for node in self.all)

    def refused(self, pattern, result):
        """It has failed, for this reason."""
        said = result.stdout + result.stderr
        if result.returncode == 0 or not re.search(pattern, said):
            raise Failed(f"must fail with /{pattern}/, but: status {result.returncode}\n{said}")

    def validated(self, *failing):
        """Validates all nodes; the checks that fail are these and no others."""
        result = self.script("validate.sh", check=False)
        found = set(re.findall(r": not ok \d+ - (.*)", result.stdout))
        if found != set(failing) or (result.returncode == 0) == bool(failing):
            raise Failed(f"checks that fail and should not: {sorted(found - set(failing))}; that should and do not: "
                         f"{sorted(set(failing) - found)}\n{result.stdout}{result.stderr}")
        return re.findall(rf"{FOLDER}: (.*)", result.stdout)

    def logs(self):
        """What the steps have said on all nodes."""
        said = "".join(file.read_text() for node in self.all
                       for file in sorted(node.path(f"{self.stage.install_root}/logs").glob(f"{FOLDER}-*.log")))
        if "this node serves" not in said:
            raise Failed("there are no logs, or not those that were looked for")
        return said

    def container(self, node):
        return node.run(["docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "minio"]).stdout

    def drive(self, node):
        """What says what it is, and what lies on it."""
        return node.run(["bash", "-c", f"cd {DRIVE} && sha256sum .minio.sys/format.json; ls -A"], check=False).stdout

    def as_app(self, user, secret, method, path, data=""):
        """The HTTP status of a request that an application signs, on a server of its own, with a client
        that is not MinIO's."""
        web = self.stage.host("web", "10.20.0.42")
        web.write("/run/curlrc", f'user = "{user}:{secret}"\n', 0o600)
        digest = subprocess.run(["sha256sum"], input=data, capture_output=True, text=True).stdout.split()[0]
        return web.run(["curl", "--silent", "--config", "/run/curlrc", "--output", "/run/answer", "--write-out", "%{http_code}",
                        "--aws-sigv4", "aws:amz:eu-north-1:s3", "--request", method, "--max-time", "10",
                        "--header", f"x-amz-content-sha256: {digest}", "--header", "Content-Type: application/octet-stream",
                        *(["--data-binary", data] if data else []), f"http://{self.entry.ip}:{PORT}{path}"], check=False).stdout

    # ------------------------------------------------------------ what it is for

    def begins(self):
        began = time.monotonic()
        self.script("apply.sh")
        self.stage.say(f"installed in {time.monotonic() - began:.0f} s")
        for line in self.validated():
            self.stage.say(line)
        formats = [json.loads(node.read(FORMAT)) for node in self.all]
        self.stage.same("deployments", 1, len({f["id"] for f in formats}))
        self.stage.same("places", [0, 1, 2], [f["xl"]["sets"][0].index(f["xl"]["this"]) for f in formats])

    def changes_nothing(self):
        before, running = self.logs().splitlines(), [self.container(node) for node in self.all]
        self.script("apply.sh")
        always = r"all credentials are there|is there$|this node serves|mc: minio is|are as the topology has them"
        self.stage.same("what a second run does", [], [
            line for line in self.logs().splitlines() if line not in before and not re.search(always, line)])
        self.stage.same("containers", running, [self.container(node) for node in self.all])

    def keeps_apart(self):
        gallery, ledger = self.secrets["gallery.env:GALLERY_S3_SECRET"], self.secrets["ledger.env:LEDGER_S3_SECRET"]
        self.stage.same("a first object", "200", self.as_app("ledger", ledger, "PUT", "/ledgers/2026", "debit"))
        version = json.loads(self.mc("ls", "--json", "--versions", "minio/ledgers/2026").stdout)["versionId"]
        for wanted, *request in [
            ("200", "gallery", gallery, "PUT", "/photos/cat", "meow"),
            ("200", "gallery", gallery, "GET", "/photos/cat"),
            ("200", "gallery", gallery, "GET", "/thumbs?list-type=2"),
            ("204", "gallery", gallery, "DELETE", "/photos/cat"),
            ("403", "gallery", gallery, "GET", "/ledgers/2026"),
            ("403", "gallery", gallery, "PUT", "/ledgers/2027", "credit"),
            ("403", "gallery", gallery, "GET", "/ledgers?list-type=2"),
            ("403", "gallery", gallery, "PUT", "/another"),
            ("403", "ledger", ledger, "GET", "/photos?list-type=2"),
            ("403", "ledger", gallery, "GET", "/ledgers/2026"),
            # It may hide an object, and not destroy what is kept of it.
            ("204", "ledger", ledger, "DELETE", "/ledgers/2026"),
            ("403", "ledger", ledger, "DELETE", f"/ledgers/2026?versionId={version}"),
            ("200", "ledger", ledger, "GET", f"/ledgers/2026?versionId={version}"),
        ]:
            self.stage.same(f"{request[0]}: {request[2]} {request[3]}", wanted, self.as_app(*request))

    def mends_drift(self):
        by_hand = {"ID": "by-hand", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 7}}
        wide = {"Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::photos/*"]}]}
        self.mc("admin", "user", "add", "minio", stdin="gallery\nanother-secret\n")
        self.mc("admin", "policy", "attach", "minio", "readwrite", "--user", "ledger")
        self.mc("admin", "policy", "create", "minio", "app-gallery", "/dev/stdin", stdin=json.dumps(wide))
        self.mc("version", "suspend", "minio/ledgers")
        self.mc("ilm", "rule", "import", "minio/ledgers", stdin=json.dumps({"Rules": [by_hand]}))
        self.mc("rb", "minio/thumbs")
        self.validated("bucket ledgers keeps old versions", "bucket thumbs",
                       "user gallery has its policy and no other", "user ledger has its policy and no other")
        tried = self.entry.step(SERVICE, "06_minio_04_tests", check=False).stdout
        self.stage.same("tests that fail", [
            "gallery writes and reads its own", "gallery is kept out of everything else",
            "ledger is kept out of everything else"], re.findall(r"^not ok \d+ - (.*)", tried, re.MULTILINE))
        self.script("apply.sh", "--from=06_minio_03_buckets")
        self.validated()
        rules = json.loads(self.mc("ilm", "rule", "export", "minio/ledgers").stdout)["Rules"]
        self.stage.same("rules of the bucket", ["by-hand", "kbgen-old-versions"], [rule["ID"] for rule in rules])
        # Shut out on purpose: nobody lets them in again by accident.
        self.mc("admin", "user", "disable", "minio", "gallery")
        self.refused("user gallery is disabled", self.script("apply.sh", "--from=06_minio_03_buckets", check=False))
        self.mc("admin", "user", "enable", "minio", "gallery")

    # ------------------------------------------------------------ losses

    def fails_visibly(self):
        self.stop(self.third)
        self.validated(
            f"{UNIT} is enabled and active", "the container runs the pinned image, supervised by systemd alone",
            "it was started with all endpoints, in the order of all nodes", STALE, "this node is alive", "the console answers",
            "the deployment that runs is the one on the drive",
            "every node can write, with the quorum that was computed", "every node can read, with the quorum that was computed",
            "the alias of mc leads to the entry point", "this node sees all nodes online",
            "this node sees all drives, none being rebuilt", "every node reaches every drive",
            "sets and parity are those of the model",
            "all nodes run the version of the image", "all nodes have the same environment", "the clocks of all nodes agree",
            # There is no client on that node meanwhile.
            "bucket kbgen-check, for checks", "bucket ledgers", "bucket ledgers keeps old versions", "bucket photos",
            "bucket thumbs", "user gallery has its policy and no other", "user ledger has its policy and no other")
        self.refused("not healthy as .* sees it", self.script("failover_drill.sh", "--yes", check=False))
        self.refused("does not answer|not healthy as", self.script("06_minio_05_diagnostics.sh", check=False))
        self.refused("all nodes and drives are needed", self.member(self.second, "may-stop", check=False))
        self.start(self.third)

    def asks_everybody(self):
        """Two nodes do not reach each other. To the third, by MinIO's own health, all is well."""
        self.second.run(["ip", "route", "add", "blackhole", self.third.ip])
        blind = f"{self.second.name} does not reach http://{self.third.ip}:{PORT}/data"
        self.stage.poll(180, lambda: blind in self.member(self.entry, "healthy", check=False).stderr, "somebody says so")
        told = json.loads(self.mc("admin", "info", "--json", "minio").stdout)["info"]["servers"]
        self.stage.same("what the third is told", {"online ok"},
                        {f"{server['state']} {drive['state']}" for server in told for drive in server["drives"]})
        self.refused("all nodes and drives are needed", self.member(self.entry, "may-stop", check=False))
        self.second.run(["ip", "route", "del", "blackhole", self.third.ip])
        self.stage.poll(180, self.healthy, "they reach each other")

    def loses_a_node(self):
        self.stage.same("status without --yes", 2, self.script("failover_drill.sh", check=False).returncode)
        self.refused("is the entry point of all clients",
                     self.script("failover_drill.sh", "--yes", f"--node={ENTRY}", check=False))
        for arguments in (["--crash"], [f"--node={NODES[1]}"]):
            drill = self.script("failover_drill.sh", "--yes", *arguments)
            found = re.search(r"longest time without a written object: ([\d.]+) s, without one read: ([\d.]+) s.*"
                              r"acknowledged: (\d+), not what was written: 0 at the entry point, 0 at", drill.stdout, re.DOTALL)
            if not found or int(found[3]) < 30:
                raise Failed(f"the drill reports:\n{drill.stdout}{drill.stderr}")
            healed = re.search(r"holds its share of all objects, (\d+) s", drill.stderr)[1]
            self.stage.say(f"{arguments[0]}: no write for {found[1]} s, no read for {found[2]} s; {found[3]} objects, none lost; "
                           f"all shares there {healed} s after")
        self.stage.same("objects that the drill leaves", "", self.mc("ls", "--recursive", "minio/kbgen-check/drill/").stdout)
        self.stage.same("nodes that are well", len(NODES),
                        self.script("06_minio_05_diagnostics.sh").stdout.count("all nodes and drives serve"))

    def loses_power(self):
        """All at once, in the middle of writing; and on again."""
        self.mc("pipe", "minio/kbgen-check/kept", stdin="kept\n" * 100000)
        for node in self.all:
            node.power_off()
        began = time.monotonic()
        for node in self.all:
            node.boot()
        self.stage.poll(300, self.healthy, "all nodes serve")
        self.stage.say(f"all nodes serve {time.monotonic() - began:.0f} s after the power is back")
        self.stage.same("object", "kept\n" * 100000, self.mc("cat", "minio/kbgen-check/kept").stdout)

    # ------------------------------------------------------------ drives

    def start_refused(self, node, pattern):
        """The unit does not start, the guard says why, and the drive is left as it is."""
        before = self.drive(node)
        started = node.run(["systemctl", "start", UNIT], check=False)
        node.run(["systemctl", "stop", UNIT])
        if started.returncode == 0:
            raise Failed(f"{node.name} starts where it must not: {pattern}")
        self.refused(pattern, self.member(node, "guard", check=False))
        self.stage.same("the drive that was refused", before, self.drive(node))

    def knows_its_drive(self):
        node = self.third
        self.stop(node)
        right = node.read(FORMAT)
        born = json.loads(right)
        one, two, three = born["xl"]["sets"][0]

        def with_sets(*sets):
            return json.dumps({**born, "xl": {**born["xl"], "sets": sets}})

        for pattern, text in [
            (r"belongs to 1 sets of 4 drives in all, the model has 1 set of 3", with_sets([one, two, three, OTHER])),
            (r"belongs to 2 sets of 6 drives", with_sets([one, two, three], [OTHER] * 3)),
            (r"belongs to 1 sets of 2 drives", with_sets([one, three])),
            (r"is number 1 of its set, the model makes depot-blob3 number 3", with_sets([three, one, two])),
            (rf"this drive is {OTHER}, but this node's was {born['id']}", json.dumps({**born, "id": OTHER})),
            (r"this drive is .*, but this node's was", with_sets([one, OTHER, three])),
            (r"written by a server on its own \(xl-single 3\)", json.dumps({**born, "format": "xl-single"})),
            (r"written by a server on its own \(fs null\)", json.dumps({"version": "1", "format": "fs", "fs": {"version": "2"}})),
            (r"has a format that is not known here: xl 4", json.dumps({**born, "xl": {**born["xl"], "version": "4"}})),
            (r"cannot be read", "{"),
        ]:
            node.write(FORMAT, text)
            self.start_refused(node, pattern)
        node.write(FORMAT, right)

        # The volume is gone, and with it what protects the system's disk. (What fstab has, systemd mounts.)
        node.run(["umount", DRIVE])
        node.write("/etc/fstab", "")
        node.run(["systemctl", "daemon-reload"])
        self.start_refused(node, "is not mounted")
        node.run(["mkdir", "-p", "/somewhere"])
        node.run(["mount", "--bind", "/somewhere", DRIVE])
        self.start_refused(node, "is a part of the system's disk")
        # Another volume: somebody's files, which MinIO would take for buckets; a blank one.
        mine = self.attach(node)
        node.write(f"{DRIVE}/photos/cat", "meow")
        self.start_refused(node, "is there, but no .minio.sys/format.json: these are somebody's files")
        node.run(["rm", "-r", f"{DRIVE}/photos"])
        self.start_refused(node, "the drive of this node is blank, and it was not")
        self.swap(node, mine)
        self.start(node)

    def knows_the_others(self):
        """What no node can see alone: drives of two deployments, too few drives of one."""
        check = "06_minio_01_check_topology.sh"
        self.stop(*self.all)
        right = self.second.read(FORMAT)
        self.second.write(FORMAT, json.dumps({**json.loads(right), "id": OTHER}))
        self.refused("volumes are mixed up", self.script(check, check=False))
        self.second.write(FORMAT, right)
        self.script(check)
        mine = [(node, self.attach(node)) for node in (self.second, self.third)]
        self.refused(f"only {ENTRY} hold drives of .* too few to find it again", self.script(check, check=False))
        self.refused("the drive of this node is blank, and it was not", self.script("apply.sh", check=False))
        for node, image in mine:
            self.swap(node, image)
        self.script("apply.sh")

    def replaces_a_drive(self):
        node, object_ = self.third, "object {}\n" * 50000
        for number in range(20):
            self.mc("pipe", f"minio/kbgen-check/replaced/{number}", stdin=object_.replace("{}", str(number)))
        self.stop(node)
        born = json.loads(node.read(FORMAT))
        self.attach(node)
        self.refused("new-drive --yes", self.script("apply.sh", check=False))
        self.stage.same("status without --yes", 2, self.member(node, "new-drive", check=False).returncode)
        self.member(node, "new-drive", "--yes")
        self.script("apply.sh")
        began = time.monotonic()
        self.member(node, "heal", timeout=300)
        self.stage.poll(180, self.healthy, "the drive is rebuilt")
        self.stage.say(f"the drive was rebuilt {time.monotonic() - began:.0f} s after the node was")
        self.stage.same("what the drive is", born, json.loads(node.read(FORMAT)))
        shares = node.run(["find", f"{DRIVE}/kbgen-check/replaced", "-name", "xl.meta"]).stdout.split()
        self.stage.same("shares on it", 20, len(shares))
        # So every object survives the loss of another node.
        self.stop(self.second)
        for number in range(20):
            self.stage.same(f"object {number}", object_.replace("{}", str(number)),
                            self.mc("cat", f"minio/kbgen-check/replaced/{number}").stdout)
        self.start(self.second)
        self.mc("rm", "--recursive", "--force", "minio/kbgen-check/replaced/")

    # ------------------------------------------------------------ changes

    def restarts(self):
        before = {node.name: self.container(node) for node in self.all}
        said = self.script("restart.sh", "--one-by-one").stderr
        self.stage.same("containers that are the old ones", [],
                        [node.name for node in self.all if self.container(node) == before[node.name]])
        self.stage.same("who was last", f"{ENTRY}, where all clients enter", re.findall(r"restart: (.*)", said)[-1])

        # Another configuration: nothing is restarted by itself, and one node alone would wait for ever.
        for node in self.all:
            file = self.stage.tree / "servers" / node.name / FOLDER / "etc/minio/minio.env"
            file.write_text(file.read_text().replace("AUTH_TYPE=jwt", "AUTH_TYPE=public"))
        metrics = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}",
                   f"http://{self.entry.ip}:{PORT}/minio/v2/metrics/cluster"]
        self.script("apply.sh")
        if f"modules/{FOLDER}/restart.sh --together" not in self.logs():
            raise Failed("nobody says that a restart is owed")
        self.validated(STALE)
        self.stage.same("metrics before", "403", self.entry.run(metrics).stdout)
        self.third.run(["systemctl", "restart", UNIT])
        self.stage.poll(180, lambda: "mismatching configuration" in self.third.run(["journalctl", f"--unit={UNIT}"]).stdout,
                        "one node alone waits for the others")
        said = self.script("restart.sh", "--together").stderr
        self.stage.say(re.findall(r"restart: (all nodes serve.*)", said)[0])
        self.stage.same("metrics after", "200", self.entry.run(metrics).stdout)
        self.validated()

    def backs_up(self):
        yes, store = "--yes=borealis/blobs", self.stage.host("depot-web1")
        self.fleet.hosts.append(store)
        store.ship()
        self.put("photos/kept", "one")
        self.put("photos/deep/er", "two")
        self.script("backup.sh")
        first = self.script("backup.sh", "--list").stdout.split()[-1]
        self.put("photos/kept", "changed")
        self.put("photos/later", "three")
        time.sleep(1)  # backups bear the second of their beginning
        self.script("backup.sh")
        self.refused("usage: ", self.script("restore.sh", "--from=latest", check=False))
        self.refused("--over-living-data", self.script("restore.sh", yes, f"--from={first}", check=False))
        self.stage.same("after a refusal", "changed", self.got("photos/kept"))
        self.script("restore.sh", yes, f"--from={first}", "--over-living-data")
        self.stage.same("objects after it", {"kept": "one", "deep/er": "two"},
                        {name: self.got(f"photos/{name}") for name in self.names("photos")})
        self.script("restore.sh", yes, "--from=latest", "--over-living-data")
        self.stage.same("objects of the newest", {"kept": "changed", "deep/er": "two", "later": "three"},
                        {name: self.got(f"photos/{name}") for name in self.names("photos")})
        self.mc("rm", "--recursive", "--force", "minio/photos/")

    def put(self, place, text):
        self.mc("pipe", "--quiet", f"minio/{place}", stdin=text)

    def got(self, place):
        return self.mc("cat", f"minio/{place}").stdout

    def names(self, bucket):
        listed = self.mc("ls", "--recursive", "--json", f"minio/{bucket}").stdout.splitlines()
        return [json.loads(line)["key"] for line in listed]

    def leaves(self):
        node, yes = self.third, "--yes=borealis/blobs"
        self.refused("if that is meant", node.step(SERVICE, "cleanup", check=False))
        before = self.drive(node)
        node.step(SERVICE, "cleanup", yes)
        self.stage.same("drive after it", before, self.drive(node))
        self.stage.same("what is left in /etc/minio", [], [file.name for file in node.path("/etc/minio").iterdir()])
        self.script("apply.sh")
        node.step(SERVICE, "cleanup", yes, f"--delete-data={node.name}")
        self.stage.same("drive that was to be emptied", ["lost+found"], [file.name for file in node.path(DRIVE).iterdir()])
        self.script("apply.sh")
        self.member(node, "heal", timeout=300)
        self.validated()

    def says_no_secret(self):
        self.command_lines.end()
        said = self.logs() + "".join(node.run(["journalctl", "--no-pager", "--output=cat"]).stdout for node in self.all)
        self.stage.same("secrets in logs", [], [name for name, value in self.secrets.items() if value in said])


if "KBGEN_STAGE" not in os.environ:
    folder = build()
    if folder is None:
        sys.exit(SKIPPED)
    os.environ["KBGEN_MINIO"] = str(folder)
sys.exit(main(test, topology="templates/06-minio/example.yaml", systemd=True,
              programs={"curl": "curl", "jq": "jq", "mkfs.ext4": "e2fsprogs", "findmnt": "util-linux", "zstd": "zstd"}))
