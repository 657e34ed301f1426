"""The base of a server: sshd, kernel parameters and modules, fail2ban, audit, apt."""

import re
import shutil
from pathlib import Path

from validator import Validator, each, run, said, sandbox, scratch

# sshd -T writes some values in another way than one may write them in the file.
SSHD_SYNONYMS = {"prohibit-password": "without-password"}


class Sshd(Validator):
    name = "sshd"
    programs = {"sshd": "openssh-server", "ssh-keygen": "openssh-client"}

    def accepts(self, artifact):
        return "/sshd_config" in artifact.host_path

    def failures(self, tree, artifacts):
        with scratch() as folder:
            key = Path(folder, "key")
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
            # sshd tests nothing without this folder, and only its service makes it.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

            def judge(artifact):
                test = run("sshd", "-t", "-f", artifact.file, "-h", key)
                if test.returncode != 0 or test.stderr:
                    return said(test)
                shown = run("sshd", "-T", "-f", artifact.file, "-h", key)
                effective = {tuple(line.lower().split(None, 1)) for line in shown.stdout.splitlines()}
                for line in artifact.text.splitlines():
                    if not line.strip() or line.startswith("#"):
                        continue
                    keyword, value = line.lower().split(None, 1)
                    if (keyword, SSHD_SYNONYMS.get(value, value)) not in effective:
                        return f"`{line}` is not in effect: {[v for v in effective if v[0] == keyword]}"

            yield from each(artifacts, judge)


class Sysctl(Validator):
    name = "sysctl"
    programs = {"sysctl": "procps"}

    def accepts(self, artifact):
        return artifact.host_path.startswith("/etc/sysctl.d/")

    def failures(self, tree, artifacts):
        def judge(artifact):
            result = run("sysctl", "--dry-run", f"--load={artifact.file}")
            read = dict(line.split(" = ", 1) for line in result.stdout.splitlines())
            lines = [line for line in artifact.text.splitlines() if line.strip() and line[0] not in "#;"]
            written = dict(line.split(" = ", 1) for line in lines if " = " in line)
            if result.returncode != 0 or result.stderr:
                return said(result)
            return "" if read == written and len(lines) == len(written) else f"read as {read}"

        return each(artifacts, judge)


class KernelModules(Validator):
    """systemd-modules-load would load them; all that it reads is a name a line."""

    name = "modules-load"

    def accepts(self, artifact):
        return artifact.host_path.startswith("/etc/modules-load.d/")

    def failures(self, tree, artifacts):
        def judge(artifact):
            for number, line in enumerate(artifact.text.splitlines(), 1):
                if line and line[0] not in "#;" and not re.fullmatch(r"[a-z0-9_-]+", line):
                    return f"line {number}: {line!r} is no name of a module"

        return each(artifacts, judge)


class Fail2ban(Validator):
    name = "fail2ban"
    programs = {"fail2ban-client": "fail2ban"}

    def accepts(self, artifact):
        return artifact.host_path.startswith("/etc/fail2ban/")

    def failures(self, tree, artifacts):
        def judge(artifact):
            with scratch() as folder:
                settings = Path(folder, "fail2ban")
                shutil.copytree("/etc/fail2ban", settings)
                target = settings / artifact.host_path.removeprefix("/etc/fail2ban/")
                target.write_bytes(artifact.bytes)
                client = ("fail2ban-client", "-c", settings, "-s", f"{folder}/socket", "-p", f"{folder}/pid")
                test = run(*client, "--test")
                # Debian's fail2ban.conf has no allowipv6, and the client says so whatever it reads.
                complaints = [line for line in (test.stdout + test.stderr).splitlines()
                              if re.search(r"\b(ERROR|WARNING)\b", line) and "'allowipv6'" not in line]
                if test.returncode != 0 or complaints:
                    return "\n".join(complaints) or said(test)
                return self.not_in_effect(artifact.text, run(*client, "--dp").stdout)

        return each(artifacts, judge)

    @staticmethod
    def not_in_effect(text, dump):
        """Each jail's numbers must be among what the client would send to the server."""
        sent = set(re.findall(r"^\['set', '(\w+)', '(\w+)', '?([^']*?)'?\]$", dump, re.MULTILINE))
        jail = ""
        for line in text.splitlines():
            if section := re.fullmatch(r"\[(\w+)\]", line):
                jail = section[1]
            option = re.fullmatch(r"(maxretry|findtime|bantime) *= *(\S+)", line)
            if option and jail != "DEFAULT" and (jail, option[1], option[2]) not in sent:
                return f"{jail}: `{line}` is not in effect"
        return ""


class Audit(Validator):
    """The kernel has one set of rules, this machine's. In a user namespace auditctl reads a rule and
    is then refused by the kernel, which is all that is wanted."""

    name = "audit"
    programs = {"auditctl": "auditd", "unshare": "util-linux"}
    refusals = ("The audit system is disabled", "Operation not permitted", "must be root", "Connection refused")

    def accepts(self, artifact):
        return artifact.host_path.startswith("/etc/audit/rules.d/")

    def failures(self, tree, artifacts):
        def judge(artifact):
            for number, line in enumerate(artifact.text.splitlines(), 1):
                if not line or line.startswith("#"):
                    continue
                result = run("unshare", "--user", "--map-root-user", "--net", "auditctl", *line.split())
                complaints = [text for text in (result.stdout + result.stderr).splitlines()
                              if not any(refusal in text for refusal in self.refusals)]
                if complaints:
                    return f"line {number}: {'; '.join(complaints)}"

        return each(artifacts, judge)


class Apt(Validator):
    """apt passes over what it does not understand. So it is given an archive that has the pinned
    version and a newer one, and asked which it would install."""

    name = "apt-preferences"
    programs = {"apt-get": "apt", "apt-cache": "apt"}

    def accepts(self, artifact):
        return artifact.host_path.startswith("/etc/apt/preferences.d/")

    def failures(self, tree, artifacts):
        def judge(artifact):
            pins = re.findall(r"^Package: (\S+)\nPin: version (\S+)\nPin-Priority: (\d+)$", artifact.text,
                              re.MULTILINE)
            if len(pins) != len(re.findall(r"^Package", artifact.text, re.MULTILINE)) or not pins:
                return "a stanza is not Package, Pin: version, Pin-Priority"
            for package, version, _ in pins:
                pinned = version.replace("*", "0ubuntu9")
                result = self.candidate(artifact, package, [pinned, f"1:99-{pinned}"])
                if result.stderr or f"Candidate: {pinned}\n" not in result.stdout:
                    return f"{package} {version} is not what apt would install: {said(result)}"

        return each(artifacts, judge)

    @staticmethod
    def candidate(artifact, package, versions):
        with scratch() as folder:
            archive = Path(folder, "archive")
            archive.mkdir()
            stanzas = [f"Package: {package}\nVersion: {v}\nArchitecture: all\nMaintainer: nobody\n"
                       f"Filename: ./{package}.deb\nSize: 1\nMD5sum: {'0' * 32}\nDescription: none\n"
                       for v in versions]
            (archive / "Packages").write_text("\n".join(stanzas))
            source = Path(folder, "sources.list")
            source.write_text(f"deb [trusted=yes] file:{archive} ./\n")
            for name in ("state/lists/partial", "cache/archives/partial"):
                Path(folder, name).mkdir(parents=True)
            Path(folder, "status").touch()
            options = [part for option in (
                f"Dir::Etc::sourcelist={source}", "Dir::Etc::sourceparts=/dev/null",
                f"Dir::Etc::preferences={artifact.file}", "Dir::Etc::preferencesparts=/dev/null",
                f"Dir::State={folder}/state", f"Dir::State::status={folder}/status",
                f"Dir::Cache={folder}/cache", "APT::Sandbox::User=root") for part in ("-o", option)]
            updated = run("apt-get", *options, "update")
            return updated if updated.returncode != 0 else run("apt-cache", *options, "policy", package)


class PeerNames(Validator):
    """The C library resolves with the block as its /etc/hosts: each peer has its address and no other."""

    name = "peer-names"
    programs = {"getent": "libc-bin"}
    root = True

    def accepts(self, artifact):
        return artifact.host_path == "/etc/kbgen/hosts"

    def key(self, artifact):
        return artifact.path  # whose peers they are is the server's

    def failures(self, tree, artifacts):
        return each(artifacts, lambda artifact: self.judge(tree, artifact))

    @staticmethod
    def judge(tree, artifact):
        estate = tree.estate
        peers = {}
        for name, model in estate.services.items():
            asks = (estate.manifests[model["module"]].get("host") or {}).get("peer_names")
            if asks and artifact.server in [s.name for s in estate.members[name]]:
                peers |= {s.name: s.ip for s in estate.members[name]}
        named = {name for line in artifact.text.splitlines() if not line.startswith("#") for name in line.split()[1:]}
        if strangers := sorted(named - peers.keys()):
            return f"{strangers[0]} is no peer of {artifact.server}"
        with scratch() as folder:
            for name, ip in peers.items():
                result = sandbox(Path(folder), [ip], "bash", "-c", RESOLVE, "resolve", artifact.file, name)
                found = {line.split()[0] for line in result.stdout.splitlines()}
                if found != {ip}:
                    return f"{name} resolves to {', '.join(sorted(found)) or 'nothing'}, and not to {ip}"
        return ""


RESOLVE = r"""
cat "$1" >/etc/hosts
printf 'hosts: files\n' >/etc/nsswitch.conf
getent ahostsv4 "$2"
"""
