#!/usr/bin/env python3
"""A signed bundle over real SSH: installed by kbgen, continued by run.sh, and the other way round. What was tampered with
is refused before anybody connects. The servers have bash, coreutils, tar and sshd only."""

import sys

from estate import INSTALL, ROOT, TREE, Failed, main

BUNDLE, KEY, SIGNERS = "/srv/ledger.tar.zst", "/root/release", "/srv/signers"
STEPS = ["book.prepare", "book.write", "ground.lay"]


def must(estate, argv, status, *said):
    done = estate.run(argv, check=False, timeout=300)
    text = done.stdout + done.stderr
    if done.returncode != status or any(part not in text for part in said):
        raise Failed(f"{argv}: status {done.returncode}, not {status} with {said}\n{text}")
    return text


def kbgen(estate, command, status, *said):
    return must(estate, ["kbgen", command, "--bundle", BUNDLE, "--signers", SIGNERS], status, *said)


def folder(estate):
    found = estate.run(["bash", "-c", "echo /srv/ledger-*/"]).stdout.split()
    estate.same("folders that were unpacked", 1, len(found))
    return found[0].rstrip("/")


def begin(estate, text):
    """A new tree as a bundle, with nothing of an earlier one lying about."""
    estate.render(text)
    estate.run(["bash", "-c", f"rm -rf {BUNDLE}* /srv/ledger-*"])
    must(estate, ["kbgen", "bundle", "-o", TREE, "--to", BUNDLE, "--sign", KEY, "--serial", "1"], 0)


def counts(estate):
    return {step: [estate.runs(name, step) for name in estate.names] for step in STEPS}


def test(estate):
    for name in estate.names:
        estate.strip(name)
    estate.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release", "-f", KEY])
    public = estate.install.read(KEY + ".pub")
    estate.install.write(SIGNERS, f'release namespaces="kbgen-bundle" {public}')

    estate.say("kbgen begins, run.sh goes on")
    begin(estate, "first")
    estate.order("node-02", "book.write", "fail no room")
    kbgen(estate, "apply", 1, "FAILED: no room")
    before = counts(estate)
    estate.order("node-02", "book.write")
    must(estate, [folder(estate) + "/run.sh", "apply"], 0)
    after = {"book.prepare": [1, 1, 1], "book.write": [1, 2, 1], "ground.lay": [1, 1, 1]}
    estate.same("runs", after, counts(estate))
    estate.same("what ran before it", [1, 1, 0], before["book.write"])
    kbgen(estate, "apply", 0, "Nothing to do")
    must(estate, [folder(estate) + "/run.sh", "apply"], 0)
    estate.same("runs when all was done", after, counts(estate))

    estate.say("run.sh begins, kbgen goes on")
    begin(estate, "second")
    # run.sh has no key to verify with: verify.sh did, in the hands of whoever unpacked.
    must(estate, ["bash", "-c", f"sh {BUNDLE}.verify.sh {BUNDLE} {SIGNERS} && mkdir /srv/ledger-x && "
                  f"zstd -dc {BUNDLE} | tar -xf - -C /srv/ledger-x --strip-components=1"], 0)
    estate.order("node-03", "book.write", "fail no room")
    must(estate, ["/srv/ledger-x/run.sh", "apply"], 1, "no room")
    estate.order("node-03", "book.write")
    estate.run(["rm", "-rf", "/srv/ledger-x"])
    kbgen(estate, "apply", 0)
    estate.same("runs", {"book.prepare": [2, 2, 2], "book.write": [2, 3, 3], "ground.lay": [1, 1, 1]}, counts(estate))
    estate.same("the file", "# node-03\ntext = second\n", estate.host("node-03").read("/etc/book/ledger.conf"))
    estate.same("what the journal is", 0, estate.kbgen("status", "-o", TREE, check=False).returncode)

    estate.say("what a step on the install host did for a member that is begun anew, it does again")
    reports = estate.runs(INSTALL, "book.report")
    estate.host("node-01").run(["rm", f"{ROOT}/state/receipts/50-book/once"])
    kbgen(estate, "apply", 0)
    estate.same("reports", reports + 1, estate.runs(INSTALL, "book.report"))
    kbgen(estate, "apply", 0, "Nothing to do")

    estate.say("tampering")
    started = counts(estate)
    estate.run(["bash", "-c", f"printf x | dd of={BUNDLE} bs=1 seek=200 conv=notrunc status=none"])
    kbgen(estate, "apply", 3)
    begin(estate, "third")
    estate.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/other"])
    estate.install.write(SIGNERS, f'release namespaces="kbgen-bundle" {estate.install.read("/root/other.pub")}')
    kbgen(estate, "apply", 3)
    must(estate, ["kbgen", "apply", "--bundle", BUNDLE], 2, "--signers")
    estate.install.write(SIGNERS, f'release namespaces="kbgen-bundle" {public}')
    kbgen(estate, "plan", 0, "book/write")
    place = folder(estate)
    estate.run(["bash", "-c", f"echo '# more' >>{place}/servers/node-01/50-book/write.sh"])
    kbgen(estate, "apply", 3, "has other contents")
    must(estate, [place + "/run.sh", "apply"], 3)
    estate.same("runs of what was refused", started, counts(estate))


sys.exit(main(test, programs={"zstd": "zstd"}))
