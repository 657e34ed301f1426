"""What Docker reads: the Dockerfile, environment files, the daemon's configuration."""

import json
import re

from validator import PATH, Validator, each, python_tools, run, said, sandbox, scratch

INSTRUCTIONS = {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
                "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
DOCKERFILE_PARSER = "dockerfile-parse==2.0.1"
PARSE = """
import json, sys
from dockerfile_parse import DockerfileParser
print(json.dumps(DockerfileParser(path=sys.argv[1]).structure))
"""


class Dockerfile(Validator):
    """BuildKit's own parser needs a daemon; this one and the shell that will run the bodies do not."""

    name = "dockerfile"
    programs = {"bash": "bash"}

    def accepts(self, artifact):
        return artifact.name == "Dockerfile"

    def failures(self, tree, artifacts):
        if not artifacts:
            return []
        python = python_tools(DOCKERFILE_PARSER) / "python3"

        def judge(artifact):
            result = run(python, "-c", PARSE, artifact.file)
            if result.returncode != 0:
                return said(result)
            return next(filter(None, map(self.wrong, self.in_order(json.loads(result.stdout)))), "")

        return each(artifacts, judge)

    @staticmethod
    def in_order(steps):
        steps = [s for s in steps if s["instruction"] != "COMMENT"]
        first = next((s for s in steps if s["instruction"] != "ARG"), None)
        if first is None or first["instruction"] != "FROM":
            return [{"instruction": "", "value": "does not begin with FROM", "startline": 0}]
        return steps

    @staticmethod
    def wrong(step):
        name, value, at = step["instruction"], step["value"], f"line {step['startline'] + 1}: "
        if name not in INSTRUCTIONS:
            return f"{at}{name or value}: no instruction"
        if name == "FROM":
            image = value.split()[0]
            tag = image.rsplit("/", 1)[-1].partition(":")[2]
            if "@sha256:" not in image and tag in ("", "latest"):
                return f"{at}{image} is not pinned"
        if name in ("ENTRYPOINT", "CMD") and value.startswith("["):
            json.loads(value)
        if name == "RUN":
            if re.search(r"(curl|wget)\b[^|;]*\|\s*(sudo\s+)?(ba)?sh\b", value):
                return f"{at}runs what it downloads, unseen"
            result = run("bash", "-n", "-c", value)
            if result.returncode != 0:
                return at + said(result)
        return ""


class DockerEnvironment(Validator):
    """docker reads --env-file itself, before it speaks to the daemon; there is none here."""

    name = "docker-env"
    programs = {"docker": "docker.io"}

    def accepts(self, artifact):
        return artifact.host_path.endswith(".env")

    def failures(self, tree, artifacts):
        def judge(artifact):
            with scratch() as folder:
                result = run("docker", "--host", f"unix://{folder}/no-daemon", "create", "--env-file",
                             artifact.file, "image", env={"PATH": PATH, "HOME": folder})
            return "" if "connect to the Docker daemon" in result.stderr else said(result)

        return each(artifacts, judge)


class DockerDaemon(Validator):
    name = "dockerd"
    programs = {"dockerd": "docker.io"}
    root = True

    def accepts(self, artifact):
        return artifact.name == "daemon.json"

    def failures(self, tree, artifacts):
        # --validate came with Docker 23; before it, a start is the only way to have a file read.
        validates = "--validate" in run("dockerd", "--help").stdout

        def judge(artifact):
            if validates:
                result = run("dockerd", "--validate", "--config-file", artifact.file)
                return "" if result.returncode == 0 else said(result)
            with scratch() as folder:
                result = sandbox(folder, [], "bash", "-c", START_DOCKERD, "start", folder, artifact.file)
            return "" if result.returncode == 0 else said(result)

        return each(artifacts, judge)


# Without a bridge and rules of its own, because the sandbox has no network to put them into.
START_DOCKERD = r"""
cd "$1"
dockerd --config-file "$2" --data-root /run/data --exec-root /run/exec --pidfile /run/dockerd.pid \
  --host unix:///run/dockerd.sock --bridge none --iptables=false >/run/said 2>&1 &
for _ in $(seq 200); do
  if grep -q 'API listen on' /run/said; then exit 0; fi
  if ! kill -0 "$!" 2>/dev/null; then break; fi
  sleep 0.1
done
tail -n 8 /run/said >&2
exit 1
"""
