"""The install host of a stage: what stands in out/modules/ runs there, and reaches the servers by an ssh of the stage."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from stage import PATH, Failed

HERE = Path(__file__).resolve().parent


class Fleet:
    """Runs fleet scripts over `hosts` as an operator does."""

    def __init__(self, stage, hosts):
        self.stage, self.hosts = stage, hosts
        programs = stage.scratch / "bin"
        programs.mkdir(exist_ok=True)
        shutil.copy(HERE / "ssh", programs / "ssh")
        self.table = stage.scratch / "hosts.json"
        self.environment = {**os.environ, "PATH": f"{programs}:{PATH}", "KBGEN_STAGE_HOSTS": str(self.table),
                            "KBGEN_STAGE_PATH": PATH, "LC_ALL": "C.UTF-8"}
        # Credentials travel in another way than the rest, which a script ships itself.
        for host in hosts:
            host.ship()

    def run(self, folder, script, *arguments, check=True, timeout=900):
        """`modules/<folder>/<script>`; gives a CompletedProcess. A server that is off is not there."""
        self.table.write_text(json.dumps({host.ip: host.init for host in self.hosts if host.up()}))
        command = [str(self.stage.tree / "modules" / folder / script), *map(str, arguments)]
        result = subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, errors="replace", timeout=timeout)
        if check and result.returncode != 0:
            raise Failed(f"{folder}/{script} {' '.join(map(str, arguments))}: status {result.returncode}\n"
                         f"{result.stdout}{result.stderr}")
        return result
