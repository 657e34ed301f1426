#!/usr/bin/env python3
"""Looks for secrets where none may be.

As a module: `Watch` records the command line and the environment of every process that lives while a
command runs; `scan` looks for values in files, folders, archives and what was recorded. As a program:

    canary.py VALUES PATH...     exits 1 when a line of VALUES stands in one of the files or folders

Values are compared as bytes, as they are and in the forms in which they leak unseen: base64,
hexadecimal, percent-encoded, JSON.
"""
import base64
import bz2
import gzip
import json
import lzma
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse


def forms(value):
    """Every spelling of a value (bytes) that counts as the value."""
    found = {value, value.hex().encode(), value.hex().upper().encode(),
             urllib.parse.quote_from_bytes(value).encode(),
             json.dumps(value.decode("latin-1"))[1:-1].encode()}
    # Somewhere in a longer text in base64: three alignments, without the ends that neighbours share.
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + value).rstrip(b"=")
        begin = (shift * 8 + 5) // 6
        found.add(text[begin:len(text) - 1])
    return {form for form in found if len(form) >= 8}


def opened(path):
    """The bytes of a file, unpacked as far as this knows how."""
    data = pathlib.Path(path).read_bytes()
    if data[:4] == b"\x28\xb5\x2f\xfd":
        if shutil.which("zstd") is None:
            raise RuntimeError(f"{path}: no zstd to look into it with")
        return data + subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
    for magic, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress),
                          (b"\xfd7zXZ", lzma.decompress)):
        if data.startswith(magic):
            return data + unpack(data)
    return data


def files_below(path):
    path = pathlib.Path(path)
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        for name in names + folders:
            yield pathlib.Path(folder) / name


def scan(values, paths=(), blobs=()):
    """Where values (bytes) stand: in files and folders, their names, and blobs ((name, bytes))."""
    wanted = [(form, index) for index, value in enumerate(values) for form in forms(value)]
    leaks = []

    def look(where, data):
        leaks.extend(f"value {index + 1} in {where}"
                     for index in sorted({i for form, i in wanted if form in data}))

    for root in paths:
        for path in files_below(root):
            look(f"the name {path}", os.fsencode(path))
            if path.is_symlink():
                look(f"the link {path}", os.fsencode(os.readlink(path)))
            elif path.is_file():
                look(str(path), opened(path))
    for name, data in blobs:
        look(name, data)
    return leaks


class Watch:
    """Records command lines and environments of all processes but this one and its elders, as often
    as it can. A process that ends at once may be missed, so tests let their commands run often."""

    def __init__(self):
        self.seen = {}
        self.rounds = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._left_out = set()
        pid = os.getpid()
        while pid > 1:
            self._left_out.add(pid)
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="latin-1")
            pid = int(stat[stat.rindex(")") + 2:].split()[1])

    def _run(self):
        # What lived before the command is read once: a round must be short enough to meet the others.
        elders = None
        while not self._stop.is_set():
            alive = {entry for entry in os.listdir("/proc") if entry.isdigit()}
            young = alive if elders is None else alive - elders
            elders = alive if elders is None else elders & alive
            for entry in young:
                if int(entry) in self._left_out:
                    continue
                for what in ("cmdline", "environ"):
                    try:
                        with open(f"/proc/{entry}/{what}", "rb") as file:
                            data = file.read()
                    except OSError:  # it has ended, or is not ours to look into
                        continue
                    if data:
                        self.seen.setdefault((what, data), entry)
            self.rounds += 1

    def __enter__(self):
        self._thread.start()
        while self.rounds == 0:
            time.sleep(0.001)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def blobs(self):
        return [(f"{what} of process {pid}", data) for (what, data), pid in self.seen.items()]


def watched(command, **options):
    """Runs a command under watch: (CompletedProcess with bytes, blobs to scan)."""
    with Watch() as watch:
        ran = subprocess.run(command, capture_output=True, check=False, **options)
        # One whole round after the end, so that what it left running is seen.
        rounds = watch.rounds
        while watch.rounds < rounds + 2:
            time.sleep(0.001)
    name = " ".join(map(str, command))
    return ran, watch.blobs() + [(f"stdout of {name}", ran.stdout), (f"stderr of {name}", ran.stderr)]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    values = [line for line in pathlib.Path(sys.argv[1]).read_bytes().split(b"\n") if line]
    if not values:
        sys.exit(f"{sys.argv[1]} names no value: nothing could be found")
    leaks = scan(values, sys.argv[2:])
    print("\n".join(leaks) or f"none of {len(values)} values is there")
    sys.exit(1 if leaks else 0)


if __name__ == "__main__":
    main()
