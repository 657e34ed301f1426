"""systemd: units are verified, drop-ins of its daemons are read by these daemons."""

import os
import re
import shutil
from pathlib import Path

from validator import Validator, each, debian_program, run, said, sandbox, scratch

# A unit may start what its own steps install; what it may name so is written down here.
INSTALLED_BY_STEPS = {"/usr/bin/docker", "/usr/sbin/nft", "/usr/bin/socat", "/usr/bin/pg-member"}
SUFFIXES = (".service", ".timer", ".socket", ".mount", ".path", ".target")


class Units(Validator):
    name = "systemd"
    programs = {"systemd-analyze": "systemd"}

    def accepts(self, artifact):
        return artifact.host_path.startswith("/etc/systemd/system/") and artifact.name.endswith(SUFFIXES)

    def failures(self, tree, artifacts):
        with scratch() as folder:
            root = self.root_folder(Path(folder))

            def judge(artifact):
                unit = root / "etc/systemd/system" / artifact.name
                unit.write_bytes(artifact.bytes)
                # What the same server is given besides, its units may start.
                beside = {a.host_path for a in tree.artifacts if a.server == artifact.server and a.mode == "0755"}
                self.add_programs(root, artifact.text, beside)
                result = run("systemd-analyze", "verify", f"--root={root}", "--man=no",
                             "--recursive-errors=yes", f"/etc/systemd/system/{artifact.name}")
                unit.unlink()
                return "" if result.returncode == 0 and not result.stderr else said(result).replace(str(root), "")

            yield from each(artifacts, judge)

    @staticmethod
    def root_folder(root):
        """This machine's own units, so that every Requires= and After= leads somewhere."""
        for folder in ("etc/systemd/system", "usr/bin", "usr/sbin"):
            (root / folder).mkdir(parents=True)
        shutil.copytree("/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
        (root / "lib").symlink_to("usr/lib")
        (root / "bin").symlink_to("usr/bin")
        (root / "sbin").symlink_to("usr/sbin")
        # systemd's own units name programs that need not be installed here.
        for unit in (root / "usr/lib/systemd/system").glob("*.service"):
            if unit.is_file():
                Units.add_programs(root, unit.read_text(), everything=True)
        docker = root / "usr/lib/systemd/system/docker.service"
        docker.write_text("[Service]\nExecStart=/usr/bin/docker\n")
        Units.add_programs(root, docker.read_text())
        (root / "usr/lib/systemd/system/docker.socket").unlink(missing_ok=True)
        return root

    @staticmethod
    def add_programs(root, text, beside=(), everything=False):
        for path in re.findall(r"^Exec\w+=[-@:+!|]*(/\S+)", text, re.MULTILINE):
            if everything or path in INSTALLED_BY_STEPS or path in beside or os.access(path, os.X_OK):
                program = root / path.lstrip("/")
                program.parent.mkdir(parents=True, exist_ok=True)
                if not program.exists() and not program.is_symlink():
                    program.write_text("#!/bin/sh\n")
                    program.chmod(0o755)


class Drop_ins(Validator):
    """There is no checker for these files. The daemon says at its start what it does not understand."""

    name = "systemd-drop-ins"
    root = True
    daemons = {
        "journald": ("systemd", "lib/systemd/systemd-journald"),
        "resolved": ("systemd-resolved", "lib/systemd/systemd-resolved"),
        "timesyncd": ("systemd-timesyncd", "lib/systemd/systemd-timesyncd"),
    }

    def daemon_of(self, artifact):
        found = re.match(r"/etc/systemd/(\w+)\.conf\.d/[^/]+\.conf$", artifact.host_path)
        return found and found[1]

    def accepts(self, artifact):
        return self.daemon_of(artifact) is not None

    def failures(self, tree, artifacts):
        def judge(artifact):
            daemon = self.daemon_of(artifact)
            if daemon not in self.daemons:
                return f"systemd-{daemon} is not known to this validator"
            program = debian_program(*self.daemons[daemon])
            with scratch() as folder:
                result = sandbox(folder, [], "bash", "-c", READ_DROP_IN, "read", artifact.file,
                                 artifact.host_path, program)
            lines = (result.stdout + result.stderr).splitlines()
            complaints = [line for line in lines if artifact.host_path in line]
            if complaints:
                return "\n".join(complaints)
            # Without the debug messages of a daemon that came up, silence would mean nothing.
            return "" if "STARTED" in lines else said(result)

        return each(artifacts, judge)


READ_DROP_IN = r"""
install -D -m 0644 "$1" "$2"
# resolved and timesyncd want their users, which come with their packages.
for user in systemd-resolve systemd-timesync systemd-network; do
  if ! getent passwd "$user" >/dev/null; then echo "$user:x:64999:64999::/:/bin/false" >>/etc/passwd; fi
done
mkdir -p /run/systemd /run/log /run/dbus
export SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=debug
timeout -k 1 1.5 "$3" </dev/null >/run/said 2>&1
# It was still running when its time was over, or had got past its configuration.
status=$?
cat /run/said
if [ "$status" = 124 ] || grep -qE 'running as PID|running as pid|bus-api-resolve' /run/said; then echo STARTED; fi
"""
