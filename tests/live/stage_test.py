#!/usr/bin/env python3
"""The stage itself: do its servers have what live tests rely on?"""

import signal
import subprocess
import sys

from stage import Failed, main

PORT = 8123
WEB = ["python3", "-m", "http.server", str(PORT)]


def test(stage):
    one, two = stage.host("depot-edge1"), stage.host("depot-edge2")

    # Roots of their own, filled by lib/host.sh.
    one.install("front")
    password = stage.secret("front.env", "FRONT_STATS")
    stage.same("line of the env file", f"HAPROXY_STATS_PASSWORD={password}",
               one.read("/etc/haproxy/haproxy.env").splitlines()[-1])
    stage.same("mode", "600 0:0\n", one.run(["stat", "-c", "%a %u:%g", "/etc/haproxy/haproxy.env"]).stdout)
    stage.same("file on the other server", False, two.path("/etc/haproxy/haproxy.env").exists())
    stage.same("host name", "depot-edge2\n", two.run(["hostname"]).stdout)

    # The same port on each address, each with its own files, as a user without rights.
    servers = []
    for host in (one, two):
        host.write("/srv/web/name", host.name)
        servers.append(host.start(WEB, user="65534", cwd="/srv/web", name="web"))
    for host in (one, two):
        stage.poll(10, lambda: fetch(host.ip) == host.name, f"{host.name} serves")
    stage.same("seen from a server", "depot-edge2", one.run(curl(two.ip)).stdout)
    stage.same("user", "65534\n", one.run(["ps", "-o", "uid=", "-C", "python3"]).stdout.lstrip())

    # A cable, a hang, a kill, a crash.
    two.cut()
    stage.same("a server that is cut off", "", one.run(curl(two.ip), check=False).stdout)
    two.mend()
    stage.poll(10, lambda: fetch(two.ip) == two.name, "the cable is back")
    servers[1].send(signal.SIGSTOP)
    stage.same("a process that hangs", "", one.run(curl(two.ip), check=False).stdout)
    servers[1].send(signal.SIGCONT)
    stage.poll(10, lambda: fetch(two.ip) == two.name, "it goes on")
    stage.same("status of what was killed", -signal.SIGKILL, servers[1].kill(signal.SIGKILL))
    again = servers[1].restart()
    stage.poll(10, lambda: fetch(two.ip) == two.name, "it is started again")
    two.crash()
    stage.same("processes after a crash", (False, True), (again.alive(), servers[0].alive()))
    stage.same("files after a crash", "depot-edge2", two.read("/srv/web/name"))

    # A load balancer leaves out who does not accept.
    stage.balancer("balancer", "10.20.0.30", {PORT: ["depot-edge1", "depot-edge2"]})
    stage.poll(10, lambda: {fetch("10.20.0.30") for _ in range(4)} == {"depot-edge1"}, "one target is left")

    # A test that waits for what does not come fails, and says for what.
    try:
        stage.poll(0.2, lambda: fetch(two.ip) == two.name, "the dead answer")
    except Failed as failed:
        stage.same("reason", True, "the dead answer" in str(failed))
    else:
        raise Failed("a poll without an answer succeeded")


def curl(ip):
    return ["curl", "--silent", "--max-time", "1", f"http://{ip}:{PORT}/name"]


def fetch(ip):
    return subprocess.run(curl(ip), capture_output=True, text=True).stdout


sys.exit(main(test, topology="templates/03-haproxy/example.yaml",
              programs={"haproxy": "haproxy", "curl": "curl", "setpriv": "util-linux"}))
