"""What every validator is made of: a choice of artifacts, the programs it needs, a verdict."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tree import Artifact, Tree

HERE = Path(__file__).resolve().parent
# Debian keeps daemons in sbin, which is not in everybody's PATH.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
TOKEN = re.compile(rb"@@([A-Za-z0-9][A-Za-z0-9._-]*):([A-Za-z_][A-Za-z0-9_]*)@@")


@dataclass(frozen=True)
class Failure:
    path: str
    message: str


class Missing(Exception):
    """A validator cannot judge here. `package`: what Debian calls the thing that is missing."""

    def __init__(self, reason: str, package: str = ""):
        super().__init__(reason)
        self.package = package


class Validator:
    name = ""
    programs: dict[str, str] = {}  # program -> its Debian package
    root = False  # needs namespaces, mounts or other users
    notes: list[str]  # what the verdict does not cover; printed

    def __init__(self):
        self.notes = []

    def accepts(self, artifact: Artifact) -> bool:
        raise NotImplementedError

    def key(self, artifact: Artifact) -> str:
        """Artifacts of one key get one verdict."""
        return artifact.digest

    def failures(self, tree: Tree, artifacts: list[Artifact]) -> Iterable[Failure]:
        raise NotImplementedError

    def require(self) -> None:
        for program, package in self.programs.items():
            if not find(program):
                raise Missing(f"{program} is not installed", package)
        if self.root and os.geteuid() != 0:
            raise Missing("needs root, for namespaces of its own")
        if self.root and run("unshare", "--net", "--mount", "true").returncode != 0:
            raise Missing("this machine lets nobody make namespaces")


def find(program: str) -> str | None:
    return shutil.which(program, path=PATH)


def run(*command, timeout=120, **options) -> subprocess.CompletedProcess:
    """Output as text, never an exception for a bad status. A hang is a failure as well."""
    options.setdefault("env", {**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"})
    try:
        options.setdefault("input", "")
        return subprocess.run([str(c) for c in command], text=True, errors="replace", timeout=timeout,
                              capture_output=True, **options)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no end after {timeout} s")


def said(result: subprocess.CompletedProcess, last=12) -> str:
    """What a program said, for a message: both streams, the end of them."""
    lines = (result.stdout + result.stderr).strip().splitlines()
    return "\n".join(lines[-last:]) or f"status {result.returncode}"


def scratch() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="kbgen-native-", ignore_cleanup_errors=True)


def sandbox(folder: Path, addresses: Iterable[str], *command, **options):
    """Runs a command with the addresses as its own, no network, and an /etc that it may change."""
    return run(HERE / "sandbox.sh", folder, ",".join(sorted(addresses)), *command, **options)


def write_credentials(tree: Tree, folder: Path) -> dict[str, str]:
    """Dummy values for every token in the tree. Gives {"file:KEY": value}."""
    tokens = sorted({m.groups() for a in tree.artifacts for m in TOKEN.finditer(a.bytes)})
    values = {}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file, key in ((f.decode(), k.decode()) for f, k in tokens):
        value = f"dummy{len(values):03d}Zq7R4vXw81kPd"
        values[f"{file}:{key}"] = value
        path = folder / file
        with open(path, "a", opener=lambda p, f: os.open(p, f, 0o600)) as out:
            out.write(f"{key}={value}\n")
    return values


def lay_out(tree: Tree, artifact: Artifact, root: Path) -> Path:
    """Copies what lands on the artifact's server to `root`, as shipping does. Gives $here."""
    server = tree.root / "servers" / artifact.server
    shutil.copytree(server, root, dirs_exist_ok=True, symlinks=True)
    lib = tree.root / "lib"
    if not lib.is_dir():
        lib = HERE.parents[1] / "templates" / "_lib" / "host"
    shutil.copytree(lib, root / "lib", dirs_exist_ok=True)
    return root / artifact.path.split("/")[2]


def filled(folder: Path, here: Path, credentials: Path, host_path: str) -> str:
    """The text of $here<host_path> with its tokens filled by the function that does it on servers."""
    target = folder / "filled"
    target.unlink(missing_ok=True)
    result = run("bash", "-c", '. "$here/../lib/host.sh"; fill_file 0600 root:root "$2" "$here$1"',
                 "fill", host_path, target,
                 env={**os.environ, "PATH": PATH, "here": str(here), "KBGEN_CREDENTIALS": str(credentials)})
    if result.returncode != 0:
        raise RuntimeError(f"lib/host.sh could not fill {host_path}: {said(result)}")
    return target.read_text()


@cache
def debian_program(package: str, path: str) -> str:
    """A program of a Debian package that may not be installed, because installing it would change
    this machine: then it is unpacked beside the tests' other files."""
    if os.path.exists("/" + path):
        return "/" + path
    folder = cache_folder() / package
    if not (folder / path).exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetched = run("apt-get", "download", package, cwd=folder)
        archives = sorted(folder.glob("*.deb"))
        if not archives or run("dpkg-deb", "-x", archives[-1], folder).returncode != 0:
            raise Missing(f"{path} is not installed, nor can it be fetched: {said(fetched, 1)}", package)
    return str(folder / path)


@cache
def python_tools(*requirements: str) -> Path:
    """A virtual environment with exactly these packages. Gives its bin folder."""
    folder = cache_folder() / ("venv-" + re.sub(r"[^a-z0-9.]+", "-", "-".join(requirements)))
    if (folder / "complete").exists():
        return folder / "bin"
    made = run("python3", "-m", "venv", folder)
    if made.returncode != 0:
        raise Missing(f"no virtual environment: {said(made, 1)}", "python3-venv")
    got = run(folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *requirements,
              timeout=300)
    if got.returncode != 0:
        raise Missing(f"PyPI did not give {' '.join(requirements)}: {said(got, 1)}")
    (folder / "complete").touch()
    return folder / "bin"


def cache_folder() -> Path:
    named = os.environ.get("KBGEN_NATIVE_CACHE")
    return Path(named) if named else Path(tempfile.gettempdir()) / f"kbgen-native-{os.geteuid()}"


def each(artifacts: list[Artifact], judge) -> Iterator[Failure]:
    """For validators that judge one artifact at a time: `judge` gives a message, or nothing."""
    for artifact in artifacts:
        try:
            message = judge(artifact)
        except RuntimeError as error:
            message = str(error)
        if message:
            yield Failure(artifact.path, message)
