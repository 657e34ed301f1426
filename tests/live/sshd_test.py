#!/usr/bin/env python3
"""New settings of sshd: in effect at once, kept when they are confirmed, taken back by a timer when they are not, also
after a boot. Debian's own sshd, under systemd."""

import sys

from stage import Failed, main

NAME, SERVICE = "app-01", "base-os"
FILE = "/etc/ssh/sshd_config.d/00-acme.conf"
CONFIRMED = "/etc/kbgen/sshd.conf"
TIMER = "kbgen-ssh-rollback.timer"
TRIES = "MaxAuthTries {}\n"


class Server:
    def __init__(self, stage):
        self.stage, self.host = stage, stage.host(NAME)
        self.receipts = f"{stage.install_root}/state/receipts/02-base-os"
        self.host.run(["ssh-keygen", "-A"])
        self.start()
        self.tries = self.rendered()

    def start(self):
        self.host.run(["systemctl", "start", "ssh.service"])

    def files(self, name):
        return list(self.stage.tree.glob(f"servers/{NAME}/02-base-os/{name}"))

    def edit(self, name, old, new):
        """As if the model had changed and had been rendered again."""
        for file in self.files(name):
            if old not in file.read_text():
                raise Failed(f"{file} has no {old!r}")
            file.write_text(file.read_text().replace(old, new))

    def rendered(self):
        line = next(line for line in self.files(FILE[1:])[0].read_text().splitlines() if line.startswith("MaxAuthTries"))
        return int(line.split()[1])

    def change(self):
        """Gives what is asked for now."""
        before = self.rendered()
        self.edit(FILE[1:], TRIES.format(before), TRIES.format(before + 1))
        return before + 1

    def patience(self, seconds):
        for file in self.files("etc/systemd/system/" + TIMER):
            lines = [f"OnActiveSec={seconds}s" if line.startswith("OnActiveSec=") else line
                     for line in file.read_text().splitlines()]
            file.write_text("\n".join(lines) + "\n")

    def step(self, name, *arguments, refused=""):
        result = self.host.step(SERVICE, name, *arguments, check=not refused)
        if refused and (result.returncode == 0 or refused not in result.stderr):
            raise Failed(f"{name}: status {result.returncode}, not refused with {refused!r}: {result.stderr}")
        return result

    def in_effect(self):
        shown = self.host.run(["sshd", "-T"]).stdout
        return int(next(line.split()[1] for line in shown.splitlines() if line.startswith("maxauthtries ")))

    def armed(self):
        return [self.host.run(["systemctl", question, TIMER], check=False).stdout.strip()
                for question in ("is-enabled", "is-active")]

    def loaded_since(self):
        """When sshd has read its files."""
        return self.host.run(["journalctl", "--unit=ssh.service", "--output=cat", "--no-pager",
                              "--grep=Reloaded|Started"], check=False).stdout.count("\n")


def test(stage):
    server = Server(stage)
    for trial in (is_kept_when_confirmed, changes_nothing_twice, is_taken_back, is_taken_back_after_a_boot, refuses_nonsense,
                  goes_back_by_hand):
        stage.say(trial.__name__.replace("_", " "))
        trial(stage, server)


def is_kept_when_confirmed(stage, server):
    server.step("02_os_06_ssh_confirm", refused="02_os_06_ssh.sh did not run")
    server.step("02_os_06_ssh")
    stage.same("in effect", server.tries, server.in_effect())
    stage.same("the timer", ["enabled", "active"], server.armed())
    server.step("02_os_06_ssh_confirm")
    stage.same("the timer after it", ["disabled", "inactive"], server.armed())
    stage.same("what was confirmed", server.host.read(FILE), server.host.read(CONFIRMED))


def changes_nothing_twice(stage, server):
    before = server.loaded_since()
    server.step("02_os_06_ssh")
    server.step("02_os_06_ssh_confirm")
    stage.same("the timer", ["disabled", "inactive"], server.armed())
    stage.same("how often sshd was told", before, server.loaded_since())


def leave_receipts(server):
    for name in ("02_os_06_ssh", "02_os_06_ssh_confirm", "02_os_07_dns"):
        server.host.write(f"{server.receipts}/{name}", "input 0\n")


def is_back(stage, server, seconds):
    stage.poll(seconds, lambda: server.in_effect() == server.tries and server.armed() == ["disabled", "inactive"],
               "the former settings are back")
    stage.same("receipts that are left", ["02_os_07_dns"],
               sorted(file.name for file in server.host.path(server.receipts).iterdir()))


def is_taken_back(stage, server):
    server.patience(4)
    wanted = server.change()
    leave_receipts(server)
    server.step("02_os_06_ssh")
    stage.same("in effect", wanted, server.in_effect())
    is_back(stage, server, 20)
    server.step("02_os_06_ssh_confirm", refused="they were taken back")


def is_taken_back_after_a_boot(stage, server):
    server.patience(120)
    wanted = server.rendered()
    leave_receipts(server)
    server.step("02_os_06_ssh")
    stage.same("in effect", wanted, server.in_effect())
    # Of the units that are installed, the timer's is the one that counts after the boot.
    timer = f"/etc/systemd/system/{TIMER}"
    server.host.write(timer, server.host.read(timer).replace("OnActiveSec=120s", "OnActiveSec=5s"))
    server.host.power_off()
    server.host.boot()
    server.start()
    is_back(stage, server, 30)


def refuses_nonsense(stage, server):
    before = server.host.read(FILE)
    number = server.rendered()
    server.edit(FILE[1:], TRIES.format(number), "MaxAuthTries many\n")
    server.step("02_os_06_ssh", refused="KBGEN_FAIL")
    stage.same("the file", before, server.host.read(FILE))
    stage.same("the timer", ["disabled", "inactive"], server.armed())
    server.edit(FILE[1:], "MaxAuthTries many\n", TRIES.format(number))


def goes_back_by_hand(stage, server):
    wanted = server.rendered()
    server.step("02_os_06_ssh")
    server.step("02_os_06_ssh_confirm")
    stage.same("in effect", wanted, server.in_effect())
    server.step("ssh_rollback", "--previous")
    stage.same("in effect after it", server.tries, server.in_effect())
    server.step("ssh_rollback", "--previous")
    stage.same("and forth", wanted, server.in_effect())


sys.exit(main(test, topology="templates/02-base-os/example.yaml", systemd=True, programs={"sshd": "openssh-server"}))
