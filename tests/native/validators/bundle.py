"""The tree as a whole: it is what its manifest says, and every file has a reader here."""

import os

from tree import MANIFEST
from validator import Failure, Validator

# Files that no program reads, or whose reader is another validator's companion.
READ_BY_COMPANION = {
    "userlist.txt": "pgbouncer starts with it",
    "pgpass": "psql logs in with it",
    "validate.pgpass": "the same form as pgpass",
    "user-passwords": "07_maria_03_databases reads it, and that step runs here",
    "role-passwords": "03_pg_05_databases reads it, and that step runs here",
    "PLAN.tsv": "run.sh reads it, and tests/plan_test.py compares it with PLAN.json",
    "role-secrets": "06_minio_03_buckets reads it, and tests/live runs that step",
}


class Manifest(Validator):
    name = "manifest"

    def accepts(self, artifact):
        return artifact.sha256 != ""

    def key(self, artifact):
        return artifact.path  # the same bytes at two places are two entries

    def failures(self, tree, artifacts):
        for artifact in artifacts:
            if not artifact.file.is_file():
                yield Failure(artifact.path, "is listed and not there")
            elif artifact.digest != artifact.sha256:
                yield Failure(artifact.path, f"has digest {artifact.digest}, listed is {artifact.sha256}")
            elif bool(artifact.file.stat().st_mode & 0o100) != (artifact.mode == "0755"):
                yield Failure(artifact.path, f"is not of mode {artifact.mode}")
        listed = {a.path for a in tree.artifacts}
        for folder, _, files in os.walk(tree.root):
            for path in (os.path.relpath(os.path.join(folder, f), tree.root) for f in files):
                if path not in listed and path != "REFUSED":
                    yield Failure(path, f"is there and not in {MANIFEST}")


class Readers(Validator):
    """A file of a new kind must not slip through because nobody claims it."""

    name = "readers"

    def accepts(self, artifact):
        return True

    def key(self, artifact):
        return artifact.name

    def failures(self, tree, artifacts):
        from validators import all_validators  # they know each other only here
        claims = [v for v in all_validators() if v.name not in ("manifest", "readers", "reachability")]
        for artifact in artifacts:
            if artifact.name not in READ_BY_COMPANION and not any(v.accepts(artifact) for v in claims):
                yield Failure(artifact.path, "no validator reads files of this kind")
