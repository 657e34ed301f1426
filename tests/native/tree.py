"""A rendered tree and what MANIFEST.json says of its files."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from estate import Estate

MANIFEST = "MANIFEST.json"


@dataclass(frozen=True)
class Artifact:
    path: str  # in the tree
    file: Path
    mode: str = "0644"
    sha256: str = ""  # as the manifest has it; empty in samples without one
    server: str = ""
    service: str = ""
    module: str = ""
    host_path: str = ""  # where it lands; empty: it stays in the tree
    host_mode: str = ""
    owner: str = ""

    @cached_property
    def bytes(self) -> bytes:
        return self.file.read_bytes()

    @cached_property
    def text(self) -> str:
        return self.bytes.decode("utf-8", errors="surrogateescape")

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.bytes).hexdigest()

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def folder(self) -> str:
        """What the service's scripts call $here, in the tree: servers/<server>/<service>."""
        return "/".join(self.path.split("/")[:3])


@dataclass
class Tree:
    root: Path
    topology: Path
    modules: list[Path]
    artifacts: list[Artifact] = field(default_factory=list)

    @cached_property
    def estate(self) -> Estate:
        return Estate.read(self.topology, self.modules)

    def find(self, path: str) -> Artifact | None:
        return next((a for a in self.artifacts if a.path == path), None)


def read_tree(root: Path, topology: Path, modules: list[Path]) -> Tree:
    manifest = root / MANIFEST
    artifacts = _listed(root, manifest) if manifest.is_file() else _walked(root)
    return Tree(root, topology, modules, artifacts)


def _listed(root: Path, manifest: Path) -> list[Artifact]:
    fields = Artifact.__dataclass_fields__.keys() - {"file"}
    artifacts = [
        Artifact(file=root / row["path"], **{k: v for k, v in row.items() if k in fields})
        for row in json.loads(manifest.read_bytes())["files"]
    ]
    # The manifest cannot list itself; it is JSON all the same.
    return [*artifacts, Artifact(path=MANIFEST, file=manifest)]


def _walked(root: Path) -> list[Artifact]:
    """Samples: the same layout without a manifest, servers/<server>/<service>/<path on the host>."""
    artifacts = []
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root)
        if not file.is_file() or path.name == "REFUSED":
            continue
        on_server = len(path.parts) > 3 and path.parts[0] == "servers"
        artifacts.append(Artifact(
            path=str(path),
            file=file,
            mode="0755" if file.stat().st_mode & 0o100 else "0644",
            server=path.parts[1] if on_server else "",
            service=path.parts[2].split("-", 1)[-1] if on_server else "",
            host_path="/" + "/".join(path.parts[3:]) if on_server else "",
        ))
    return artifacts
