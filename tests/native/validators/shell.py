"""Shell scripts: bash reads them, shellcheck judges them."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

from validator import Failure, Validator, each, run, said

BATCH = 24


def is_script(artifact):
    return artifact.name.endswith(".sh") or artifact.bytes.startswith((b"#!/usr/bin/env bash", b"#!/bin/bash", b"#!/bin/sh"))


class Bash(Validator):
    name = "bash"
    programs = {"bash": "bash"}

    def accepts(self, artifact):
        return is_script(artifact)

    def failures(self, tree, artifacts):
        def judge(artifact):
            result = run("bash", "-n", artifact.file)
            return "" if result.returncode == 0 and not result.stderr else said(result)

        return each(artifacts, judge)


class ShellCheck(Validator):
    name = "shellcheck"
    programs = {"shellcheck": "shellcheck"}

    def accepts(self, artifact):
        return is_script(artifact)

    def failures(self, tree, artifacts):
        batches = [artifacts[i:i + BATCH] for i in range(0, len(artifacts), BATCH)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for found in pool.map(lambda batch: self.findings(tree, batch), batches):
                yield from found

    def findings(self, tree, batch):
        result = run("shellcheck", "--external-sources", "--severity=style", "--format=json1",
                     f"--source-path={tree.root / 'lib'}", "--", *(a.file for a in batch))
        if result.returncode not in (0, 1):
            return [Failure(batch[0].path, f"shellcheck itself failed: {said(result)}")]
        paths = {str(a.file): a.path for a in batch}
        # A finding in lib/ is lib's own: it is an artifact too.
        return [Failure(f"{paths[c['file']]}:{c['line']}", f"SC{c['code']} {c['level']}: {c['message']}")
                for c in json.loads(result.stdout)["comments"] if c["file"] in paths]
