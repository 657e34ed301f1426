"""reach.py RULES <QUESTIONS: which TCP connections a rule set lets through, by trying them.

Runs in a network namespace of its own, which becomes the server: its private and its public address
on two links, the rules, a listener on every port. A second namespace is everybody else. Prints a line
for every connection that is open and should not be, or the other way round.
"""

import ctypes
import errno
import json
import os
import resource
import select
import socket
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
GATEWAYS = {"private": "169.254.1.1", "public": "169.254.2.1"}
# What is dropped never answers. Both ends are in this kernel, where an answer takes microseconds; the
# wait is for a machine that is busy with other things.
PATIENCE_OPEN_S = 15.0
PATIENCE_CLOSED_S = 0.5


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def batch(lines):
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


def start_world():
    """A child in a second namespace that obeys over a socket pair. Gives (pid, our end)."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    ours.close()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        os._exit(1)
    stream = theirs.makefile("rw")
    print("ready", file=stream, flush=True)
    questions = json.loads(stream.readline())
    try:
        configure_world(questions)
        wrong = try_all(questions)
    except (OSError, subprocess.CalledProcessError) as error:
        wrong = [f"the trial itself failed: {error}"]
    print(json.dumps(wrong), file=stream, flush=True)
    os._exit(0)


def configure_server(questions, rules, world):
    ip("link", "set", "lo", "up")
    for link, address in (("private", questions["ip"]), ("public", questions["public_ip"])):
        ip("link", "add", link, "type", "veth", "peer", "name", link, "netns", str(world))
        ip("link", "set", link, "up")
        ip("address", "add", address + "/32", "dev", link)
        # As at a provider: no neighbours, everything goes by a gateway.
        ip("route", "add", GATEWAYS[link], "dev", link)
    ip("route", "add", questions["private"], "via", GATEWAYS["private"])
    ip("route", "add", "default", "via", GATEWAYS["public"])
    subprocess.run(["nft", "-f", rules], check=True)


def configure_world(questions):
    lines = ["link set lo up"]
    for link, own in (("private", questions["ip"]), ("public", questions["public_ip"])):
        lines.append(f"link set {link} up")
        lines.append(f"address add {GATEWAYS[link]}/32 dev {link}")
        lines.append(f"route add {own} dev {link}")
    for source in sorted({t[1] for t in questions["tries"]}):
        lines.append(f"address add {source}/32 dev lo")
    batch(lines)


def listen(questions):
    """The kernel completes connections by itself; nobody has to accept them."""
    ports = sorted({t[2] for t in questions["tries"]})
    return [socket.create_server(("0.0.0.0", port), backlog=4096) for port in ports]


def try_all(questions):
    pending, wrong, opened = {}, [], 0
    wanted = sum(1 for t in questions["tries"] if t[3])
    poll = select.poll()
    for link, source, port, open_wanted in questions["tries"]:
        connection = socket.socket()
        connection.setblocking(False)
        # The link follows from the target. The answer to a forged source comes by the other one.
        connection.bind((source, 0))
        target = questions["ip" if link == "private" else "public_ip"]
        status = connection.connect_ex((target, port))
        if status not in (0, errno.EINPROGRESS):
            wrong.append(f"{source} on {link} could not try port {port}: {os.strerror(status)}")
            continue
        pending[connection.fileno()] = (connection, link, source, port, open_wanted)
        poll.register(connection, select.POLLOUT)
    deadline = time.monotonic() + PATIENCE_OPEN_S
    closing = None
    while pending:
        now = time.monotonic()
        if closing is None and (opened == wanted or now > deadline):
            closing = now + PATIENCE_CLOSED_S
        if closing is not None and now > closing:
            break
        for number, _ in poll.poll(50):
            connection, link, source, port, open_wanted = pending.pop(number)
            poll.unregister(number)
            status = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            connection.close()
            opened += bool(open_wanted)
            if status != 0:
                wrong.append(f"{source} on {link}: port {port} answers with: {os.strerror(status)}")
            elif not open_wanted:
                wrong.append(f"{source} on {link}: port {port} is open and must not be")
    for connection, link, source, port, open_wanted in pending.values():
        if open_wanted:
            wrong.append(f"{source} on {link}: port {port} is closed and must be open")
    return wrong


def main():
    rules, questions = sys.argv[1], json.load(sys.stdin)
    enough = len(questions["tries"]) + 512
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, max(most, enough)))
    pid, world = start_world()
    stream = world.makefile("rw")
    stream.readline()
    configure_server(questions, rules, pid)
    listeners = listen(questions)
    print(json.dumps(questions), file=stream, flush=True)
    for line in sorted(json.loads(stream.readline())):
        print(line)
    os.waitpid(pid, 0)
    for listener in listeners:
        listener.close()


main()
