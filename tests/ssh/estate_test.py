#!/usr/bin/env python3
"""The estate itself: is it what tests of runners rely on?"""

import sys

from estate import CONFIG, ROOT, SERVICE, TREE, Failed, main


def ssh(estate, name, command, check=True):
    return estate.run(["ssh", "-F", CONFIG, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
                       f"root@{estate.ip(name)}", command], check=check)


def test(estate):
    for name in estate.names:
        estate.same("the server that answers", f"{name}\n", ssh(estate, name, "hostname").stdout)
    estate.same("status of the rendered tree", 0, estate.run(["test", "-f", f"{TREE}/PLAN.json"]).returncode)
    estate.same("the program", 0, estate.kbgen("--version").returncode)

    # The modules do what tests order, and write it down.
    secret = estate.install.path(f"{ROOT}/credentials/book.env").read_text()
    for name in estate.names:
        folder = estate.host(name).path(f"{ROOT}/credentials")
        folder.mkdir(parents=True, mode=0o700)
        (folder / "book.env").write_text(secret)
        (folder / "book.env").chmod(0o600)
    estate.order("node-02", f"{SERVICE}.write", "fail no reason")
    failed = estate.run(["modules/50-book/apply.sh"], check=False)
    estate.same("status of a step that was told to fail", 1, failed.returncode)
    if "FAILED: no reason" not in failed.stderr:
        raise Failed(f"the reason is not shown:\n{failed.stderr}")
    estate.order("node-02", f"{SERVICE}.write")
    estate.run(["modules/50-book/apply.sh", "--from=write"])
    estate.same("runs", [2, 2, 1], [estate.runs(name, f"{SERVICE}.write") for name in estate.names])

    # A server that has nothing but bash, coreutils and tar.
    estate.strip("node-01")
    estate.same("status of sed", 127, ssh(estate, "node-01", "sed --version", check=False).returncode)
    estate.same("coreutils, tar", 0, ssh(estate, "node-01", "sha256sum --version && tar --version").returncode)

    # What SSH must refuse, it refuses.
    estate.kill_sshd("node-02")
    estate.same("status without an sshd", 255, ssh(estate, "node-02", "true", check=False).returncode)
    estate.new_host_key("node-02")
    estate.start_sshd("node-02")
    estate.same("status with another host key", 255, ssh(estate, "node-02", "true", check=False).returncode)


sys.exit(main(test))
