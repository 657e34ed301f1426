#!/usr/bin/env python3
"""Marked secrets never appear: not in what kbgen renders or says, not in any command line or environment.
And the scanner that says so finds what is planted."""
import base64
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import canary

HERE = pathlib.Path(__file__).resolve().parent
MARKED = b"Canary7Marked0Value1Nobody2Prints"


def scanner_finds(work):
    """Every kind of place and spelling, planted one at a time."""
    plain = work / "plain"
    plain.mkdir()
    (plain / "innocent").write_bytes(b"nothing to see here, not even canary7marked0value1\n" * 50)
    assert not canary.scan([MARKED], [plain])
    url = base64.b64encode(b"user:" + MARKED + b"@host")
    plants = {
        "text": b"password=" + MARKED + b"\n",
        "base64": b"Authorization: Basic " + url,
        "base64-of-itself": base64.b64encode(MARKED),
        "hex": MARKED.hex().encode(),
        "binary": b"\0\xff" + MARKED + b"\0",
    }
    for name, data in plants.items():
        path = plain / name
        path.write_bytes(data)
        assert canary.scan([MARKED], [plain]) == [f"value 1 in {path}"], name
        path.unlink()
    (plain / MARKED.decode()).mkdir()
    assert len(canary.scan([MARKED], [plain])) == 1, "the name of a folder"
    (plain / MARKED.decode()).rmdir()
    (plain / "link").symlink_to(MARKED.decode())
    assert len(canary.scan([MARKED], [plain])) == 1, "where a link leads"
    (plain / "link").unlink()
    leak = work / "leak.env"
    leak.write_bytes(MARKED)
    for mode in ("gz", "xz", "bz2"):
        with tarfile.open(plain / f"bundle.tar.{mode}", f"w:{mode}") as archive:
            archive.add(leak, "leak.env")
        assert len(canary.scan([MARKED], [plain])) == 1, mode
        (plain / f"bundle.tar.{mode}").unlink()
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-q", leak, "-o", plain / "bundle.zst"], check=True)
        assert len(canary.scan([MARKED], [plain])) == 1, "zstd"
        (plain / "bundle.zst").unlink()
    assert canary.scan([b"another value 0123", MARKED], blobs=[("stdout", MARKED)]) == ["value 2 in stdout"]

    # Processes: an argument, the environment of a grandchild, what was printed.
    text = MARKED.decode()
    for command, where in ((["sh", "-c", f"sleep 2; : {text}"], "cmdline"),
                           (["sh", "-c", f"sh -c 'X={text} sleep 2'"], "environ"),
                           (["sh", "-c", f"printf {text[:9]}; printf {text[9:]}"], "stdout")):
        _, blobs = canary.watched(command)
        assert any(leak.startswith(f"value 1 in {where}") for leak in canary.scan([MARKED], blobs=blobs)), where
    _, blobs = canary.watched(["sh", "-c", "sleep 0.1"])
    assert not canary.scan([MARKED], blobs=blobs)
    program = subprocess.run([sys.executable, HERE / "canary.py", leak, plain], check=False, capture_output=True)
    assert program.returncode == 0, program.stdout
    shutil.copy(leak, plain)
    program = subprocess.run([sys.executable, HERE / "canary.py", leak, plain], check=False, capture_output=True)
    assert program.returncode == 1 and MARKED not in program.stdout


def values_in(folder):
    values = set()
    for path in folder.iterdir():
        for line in path.read_bytes().splitlines():
            if b"=" in line:
                values.add(line.split(b"=", 1)[1])
    return {value for value in values if value}


def kbgen_leaks_nothing(kbgen, work):
    shutil.copytree(HERE.parent / "model", work / "model")
    shutil.copytree(HERE.parent / "inventory", work / "inventory")
    folder = work / "credentials"
    folder.mkdir(mode=0o700)
    marked = {}
    for number, (file, key) in enumerate(re.findall(r"{file: ([\w.-]+), key: (\w+)",
                                                    (work / "model/credentials.yaml").read_text())):
        # Every second one is there before; the others are made.
        if number % 2:
            marked.setdefault(file, []).append(f"{key}=Canary{number:03}Canary{number:03}Canary{number:03}abcde")
    for file, lines in marked.items():
        (folder / file).write_text("# Canary000Comment000Canary000\n" + "\n".join(lines) + "\n")
        (folder / file).chmod(0o600)
    values, blobs = {b"Canary000Comment000Canary000"}, []

    def run(*command, status=0):
        ran, seen = canary.watched([kbgen, *command], cwd=work)
        assert ran.returncode == status, (command, ran.returncode, ran.stdout + ran.stderr)
        blobs.extend(seen)
        values.update(values_in(folder))

    where = ("--credentials", str(folder))
    values.update(values_in(folder))
    run("secrets", "init", "--verbose", *where)
    run("secrets", "init", "--format", "json", *where)
    run("secrets", "check", *where)
    run("render", "--verbose")
    run("render", "--check")
    for step in ((), ("--undo",), (), ("--finish",)):
        run("secrets", "rotate", "redis_password", "n8n_postgres", *step, *where)
    # Findings of every kind, about values.
    broken = (folder / "redis.env").read_text()
    for text in (broken.replace("PASSWORD=", "PASSWORD=\t"), broken + broken, broken + "export CanaryExport0123456789\n",
                 broken + "CanaryKey0123456789abcdef=\n", broken.replace("PASSWORD=", "PASSWORD='")):
        (folder / "redis.env").write_text(text)
        values.update({b"CanaryExport0123456789", b"CanaryKey0123456789abcdef"})
        for form in ("text", "json"):
            ran, seen = canary.watched([kbgen, "secrets", "check", "--format", form, *where], cwd=work)
            assert ran.stdout + ran.stderr, "nothing is found"
            blobs.extend(seen)
    (folder / "redis.env").write_text(broken)
    (folder / "redis.env").chmod(0o600)
    assert len(values) > 30
    assert any(name.startswith("cmdline") and b"rotate" in data for name, data in blobs), \
        "kbgen was never seen: the watch proves nothing"
    leaks = canary.scan(sorted(values), [work / "out", work / "model"], blobs)
    assert not leaks, leaks
    # The proof that this would have been seen: one value in the tree.
    planted = work / "out/lib/planted"
    planted.write_bytes(b"x=" + sorted(values)[3])
    assert canary.scan(sorted(values), [work / "out"], blobs) == [f"value 4 in {planted}"]
    return len(values)


def no_core(kbgen, work):
    """Nobody of the same user may look into the process, and it leaves no core."""
    if shutil.which("strace") is None:
        print("skipped: no strace to see it with")
        return
    trace = work / "trace"
    subprocess.run(["strace", "-o", trace, "-e", "trace=prctl,prlimit64", kbgen, "secrets", "check", "--credentials",
                    work / "credentials"], cwd=work, check=False, capture_output=True)
    text = trace.read_text()
    assert re.search(r"RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}, NULL\) += 0", text), text
    assert re.search(r"prctl\(PR_SET_DUMPABLE, (0|SUID_DUMP_DISABLE)\) += 0", text), text


def main():
    kbgen = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        scanner_finds(work)
        count = kbgen_leaks_nothing(kbgen, work)
        no_core(kbgen, work)
    print(f"ok: {count} values, seen nowhere")


if __name__ == "__main__":
    main()
