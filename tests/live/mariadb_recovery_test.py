#!/usr/bin/env python3
"""MariaDB and Galera after a full stop: the rendered scripts find the member whose data reaches furthest, begin the cluster from
it and from no other, and refuse what would lose data. Also a loss of power, a lost member, a copy that did not end."""

import sys

from fleet import Fleet
from mariadb_stage import DATA, PROGRAMS, TOPOLOGY, UNIT, Ledger
from stage import main


def test(stage):
    ledger = Ledger(stage)
    ledger.install()
    for trial in (nothing_is_recovered_while_a_member_is_primary, the_one_that_left_last, nobody_left_last, a_lost_member,
                  a_loss_of_power, a_copy_that_did_not_end, a_member_made_anew, cleanup):
        stage.say(trial.__name__.replace("_", " "))
        trial(stage, ledger)


def nothing_is_recovered_while_a_member_is_primary(stage, ledger):
    first, second, third = ledger.members
    ledger.write(first, 1)
    ledger.member(second, "stop")
    ledger.member(third, "stop")
    for arguments in ([], ["--yes"], ["--yes", "--without=depot-sql1"]):
        ledger.script("recover.sh", *arguments, refused="depot-sql1 is Primary")
    stage.same("the bootstrap step", True, "there is a cluster" in ledger.script("07_maria_02_bootstrap.sh").stderr)
    for host, word in ((second, "new"), (second, f"{ledger.cluster(first)}:1")):
        refused = ledger.member(host, "bootstrap", word, check=False)
        stage.same(f"bootstrap {word} beside it", (1, True), (refused.returncode, "depot-sql1 runs" in refused.stderr))
    ledger.write(first, 2)
    for host in (second, third):
        ledger.member(host, "start", "120")
    ledger.all_have("1,2")


def the_one_that_left_last(stage, ledger):
    """One after the other is stopped while the rest goes on, the last one is killed."""
    first, second, third = ledger.members
    cluster = ledger.cluster(first)
    ledger.member(third, "stop")
    ledger.write(first, 3)
    ledger.member(first, "stop")
    ledger.write(second, 4)
    ledger.kill(second)
    ledger.member(second, "stop")
    # It names what it would do, and does nothing.
    ledger.script("07_maria_02_bootstrap.sh", refused="no member is Primary, but these are not empty")
    said = ledger.script("recover.sh").stderr
    stage.same("what recover.sh would do", True, "would begin from depot-sql2" in said)
    stage.same("conditions after asking", ["stopped"] * 3, [ledger.state(host)[0] for host in ledger.members])
    changes = [int(ledger.state(host)[2]) for host in ledger.members]
    stage.same("order of their last changes", True, changes[2] < changes[0] < changes[1])
    ledger.script("recover.sh", "--yes", "--without=depot-sql9", refused="is no member")
    # A permission for other data than this is not used, and does not stay.
    first.write("/run/mariadb-bootstrap", f"{cluster}:{changes[1]}\n")
    first.run(["systemctl", "start", UNIT], check=False)
    stage.poll(30, lambda: "may begin a cluster from" in ledger.journal(first), "the permission is refused")
    ledger.member(first, "stop")
    stage.same("permission", False, first.path("/run/mariadb-bootstrap").exists())

    ledger.script("recover.sh", "--yes")
    ledger.healthy()
    ledger.all_have("1,2,3,4")
    stage.same("cluster", [cluster] * 3, [ledger.cluster(host) for host in ledger.members])
    began = {h.name: "--wsrep-new-cluster" in h.read("/run/mariadb-docker/start.env") for h in ledger.members}
    stage.same("who began", {"depot-sql1": False, "depot-sql2": True, "depot-sql3": False}, began)
    # Only once: the next start of the same unit is an ordinary one.
    ledger.member(second, "restart")
    stage.same("cluster after a restart of who began", cluster, ledger.cluster(second))


def nobody_left_last(stage, ledger):
    """Two die at the same moment: neither knows where its data ends, and Galera marks none as safe."""
    first, second, third = ledger.members
    ledger.member(first, "stop")
    ledger.write(second, 5)
    for host in (second, third):
        ledger.kill(host)
    for host in (second, third):
        host.run(["systemctl", "stop", UNIT], timeout=120)
    flags = [host.run(["grep", "-c", "safe_to_bootstrap: 1", f"{DATA}/grastate.dat"], check=False).stdout for host in ledger.members]
    stage.same("members that Galera thinks safe", ["0\n"] * 3, flags)
    said = ledger.script("recover.sh", "--yes").stderr
    stage.same("among equals the first in order", True, "beginning from depot-sql2" in said)
    ledger.healthy()
    ledger.all_have("1,2,3,4,5")


def a_lost_member(stage, ledger):
    """The last one to leave burns down, with a change that only it has, and comes back when the others have gone on."""
    first, second, third = ledger.members
    cluster = ledger.cluster(first)
    ledger.member(second, "stop")
    ledger.write(first, 6)
    ledger.member(third, "stop")
    ledger.write(first, 7)
    first.power_off()
    ledger.script("recover.sh", "--yes", refused="depot-sql1 cannot be asked")
    said = ledger.script("recover.sh", "--yes", "--without=depot-sql1").stderr
    stage.same("who of the others", True, "beginning from depot-sql3" in said)
    # As many changes as the lost one has, and others: by their numbers alone it would be taken for an equal.
    ledger.write(third, 8)
    first.boot()
    ledger.fleet = Fleet(stage, [*ledger.members, *ledger.proxies])
    ledger.healthy()
    ledger.all_have("1,2,3,4,5,6,8")
    stage.same("the history goes on under the old name", False, ledger.cluster(first) == cluster)
    stage.same("the lost one copied everything", True, "rsync SST completed on joiner" in ledger.journal(first))


def a_loss_of_power(stage, ledger):
    """Of all at once. They find each other again by themselves, and nobody may help them meanwhile."""
    cluster = ledger.cluster(ledger.members[0])
    for number, host in enumerate(ledger.members, 9):
        ledger.write(host, number)
    for host in ledger.members:
        host.power_off()
    for host in ledger.members:
        host.boot()
    ledger.fleet = Fleet(stage, [*ledger.members, *ledger.proxies])
    ledger.healthy(240)
    ledger.all_have("1,2,3,4,5,6,8,9,10,11")
    stage.same("cluster", [cluster] * 3, [ledger.cluster(host) for host in ledger.members])


def a_copy_that_did_not_end(stage, ledger):
    first, second, third = ledger.members
    third.run(["systemctl", "stop", UNIT])
    refused = ledger.member(third, "wipe", "depot-sql1", check=False)
    stage.same("wiping under another's name", 1, refused.returncode)
    ledger.member(third, "wipe", "depot-sql3")
    stage.same("condition of an empty member", "empty", ledger.state(third)[0])
    third.run(["systemctl", "start", UNIT])
    stage.poll(60, lambda: third.path(f"{DATA}/sst_in_progress").exists(), "the copy begins")
    ledger.kill(third)
    third.run(["systemctl", "stop", UNIT], timeout=120)
    stage.same("condition of a copy that did not end", "incomplete", ledger.state(third)[0])
    ledger.member(second, "stop")
    ledger.member(first, "stop")
    said = ledger.script("recover.sh", "--yes").stderr
    stage.same("who is taken", True, "beginning from depot-sql1" in said)
    ledger.healthy()
    ledger.all_have("1,2,3,4,5,6,8,9,10,11")


def a_member_made_anew(stage, ledger):
    first, second, third = ledger.members
    ledger.script("reinit.sh", "depot-sql9", refused="^usage:")
    cursor = ledger.cursor(second)
    ledger.script("reinit.sh", "depot-sql2")
    ledger.healthy()
    stage.same("it copied everything", True, "rsync SST completed on joiner" in ledger.journal(second, cursor))
    ledger.member(third, "stop")
    ledger.script("reinit.sh", "depot-sql1", refused="without it there is no majority of 2")
    ledger.member(second, "stop")
    ledger.script("reinit.sh", "depot-sql1", refused="may hold the only copy")
    # The others may be made anew from the last one.
    ledger.script("reinit.sh", "depot-sql3")
    ledger.member(second, "start", "120")
    ledger.healthy()
    ledger.all_have("1,2,3,4,5,6,8,9,10,11")


def cleanup(stage, ledger):
    third = ledger.members[2]
    for arguments in ([], ["--yes=borealis/other"], ["--yes=borealis/ledger", "--delete-data=depot-sql2"]):
        stage.same(f"cleanup {arguments}", 1, third.step("ledger", "cleanup", *arguments, check=False).returncode)
    stage.same("it still runs", "primary", ledger.state(third)[0])
    third.step("ledger", "cleanup", "--yes=borealis/ledger")
    stage.same("its data", True, third.path(f"{DATA}/mysql").is_dir())
    stage.same("its unit", False, third.path(f"/etc/systemd/system/{UNIT}").exists())
    ledger.script("apply.sh")
    ledger.healthy()
    third.step("ledger", "cleanup", "--yes=borealis/ledger", "--delete-data=depot-sql3")
    stage.same("its data", "", third.run(["ls", DATA]).stdout)
    ledger.script("apply.sh")
    ledger.healthy()
    ledger.all_have("1,2,3,4,5,6,8,9,10,11")


sys.exit(main(test, topology=TOPOLOGY, programs=PROGRAMS, systemd=True))
