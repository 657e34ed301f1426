#!/usr/bin/env python3
"""Bundles by the whole program: what is made, that it is always the same, and that whoever touches one
is found out, by `kbgen bundle verify` and by the bundle's own verify.sh, for the right reason."""

import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

KBGEN = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
SOURCE = pathlib.Path(__file__).resolve().parent.parent
GOLDENS = sorted(path.parent for path in (SOURCE / "golden").glob("*/topology.yaml"))
NEEDED = ["ssh-keygen", "zstd", "dpkg-deb", "git", "sha256sum"]
NAMESPACE = "kbgen-bundle"


def run(*words, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([str(word) for word in words], capture_output=True, **more)


def said(done):
    return (done.stdout + done.stderr).decode(errors="replace")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def make_key(path, kind="ed25519"):
    done = run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "release", "-f", path)
    assert done.returncode == 0, said(done)
    return pathlib.Path(f"{path}.pub").read_text()


def sign(key, data, namespace=NAMESPACE):
    done = run("ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", key, input=data, stdin=None)
    assert done.returncode == 0, said(done)
    return done.stdout


class Case(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="kbgen-bundle."))
        self.addCleanup(shutil.rmtree, self.work)

    def kbgen(self, *words, **more):
        more.setdefault("cwd", self.work)  # where there is no model
        return run(KBGEN, *words, **more)

    def bundle(self, tree, to, *words, **more):
        done = self.kbgen("bundle", "-o", tree, "--to", to, *words, **more)
        self.assertEqual(done.returncode, 0, said(done))
        return pathlib.Path(to)

    def copy(self, golden="three-node-postgres", name="tree"):
        return pathlib.Path(shutil.copytree(SOURCE / "golden" / golden / "out", self.work / name))


# ---------------------------------------------------------------- an archive, taken apart


class Member:
    """One entry: a header of tarfile and its bytes."""

    def __init__(self, info, data=b""):
        self.info, self.data = info, data


def read_members(archive):
    raw = run("zstd", "-dcq", archive).stdout
    members = []
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for info in tar:
            taken = tar.extractfile(info)
            members.append(Member(info, taken.read() if taken else b""))
    return members


def write_tar(members, form=tarfile.USTAR_FORMAT):
    out = bytearray()
    for member in members:
        info = member.info
        info.size = len(member.data) if info.type == tarfile.REGTYPE else 0
        out += info.tobuf(getattr(member, "form", form), "ascii", "strict")
        out += member.data if info.size else b""
        out += getattr(member, "padding", b"\0") * (-info.size % 512)
    return bytes(out + b"\0" * 1024)


def compress(raw):
    return run("zstd", "-3", "-cq", input=raw, stdin=None).stdout


class Tampering(Case):
    """Each tampering is made twice: by somebody without the key, whom the signature stops, and by
    somebody who has it, so that the archive itself must be refused."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="kbgen-bundle."))
        cls.key = cls.shared / "key"
        cls.other = cls.shared / "other"
        public = make_key(cls.key)
        make_key(cls.other)
        cls.signers = cls.shared / "signers"
        cls.signers.write_text(f"release@site {public}")
        cls.good = cls.shared / "good.tar.zst"
        done = run(KBGEN, "bundle", "-o", SOURCE / "golden/three-node-postgres/out", "--to", cls.good,
                   "--sign", cls.key, "--serial", "100", cwd=cls.shared)
        assert done.returncode == 0, said(done)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared)

    def setUp(self):
        super().setUp()
        self.members = read_members(self.good)
        self.top = self.members[0].info.name.split("/")[0]
        self.bundle_file = self.work / "b.tar.zst"

    def member(self, path):
        return next(m for m in self.members if m.info.name == f"{self.top}/{path}")

    def save(self, packed, key=None, namespace=NAMESPACE):
        self.bundle_file.write_bytes(packed)
        pathlib.Path(f"{self.bundle_file}.sig").write_bytes(sign(key or self.key, packed, namespace))

    def verify(self, *words):
        return self.kbgen("bundle", "verify", self.bundle_file, "--signers", self.signers, *words)

    def script(self, subject, *words):
        return run("sh", SOURCE / "generator/bundle/verify.sh", *words, subject, self.signers)

    def unpack(self):
        folder = self.work / "unpacked"
        folder.mkdir()
        run("tar", "-xf", self.bundle_file, "-C", folder)
        return folder / self.top

    def refused(self, done, reason):
        self.assertEqual(done.returncode, 1, said(done))
        self.assertRegex(said(done), reason)

    def seal_again(self, key=None, namespace=NAMESPACE):
        """SHA256SUMS of what is there now, signed."""
        lines = []
        for m in self.members:
            path = m.info.name.split("/", 1)[1]
            if not path.startswith("SHA256SUMS"):
                lines.append(f"{m.info.mode:04o} {sha256(m.data)}  {path}\n")
        self.member("SHA256SUMS").data = "".join(lines).encode()
        self.sign_sums(key, namespace)

    def sign_sums(self, key=None, namespace=NAMESPACE):
        sums = self.member("SHA256SUMS").data
        self.member("SHA256SUMS.sig").data = sign(key or self.key, sums, namespace)

    def new_file(self, name, data=b"x\n", kind=tarfile.REGTYPE, link=""):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.linkname = kind, 0o644, link
        return Member(info, data if kind == tarfile.REGTYPE else b"")

    def insert(self, member):
        names = [m.info.name for m in self.members]
        self.members.insert(sum(name < member.info.name for name in names), member)

    def test_the_untouched_one_passes(self):
        self.save(self.good.read_bytes())
        done = self.verify()
        self.assertEqual(done.returncode, 0, said(done))
        self.assertIn("signed by release@site", said(done))
        self.assertEqual(self.script(self.bundle_file).returncode, 0)
        done = self.script(self.unpack())
        self.assertEqual(done.returncode, 0, said(done))

    def test_another_packer_of_the_same_files_passes_too(self):
        # So that what is refused below is refused for what was changed, not for who packed it.
        self.save(compress(write_tar(self.members)))
        done = self.verify()
        self.assertEqual(done.returncode, 0, said(done))

    # name: (what is done, what kbgen says, what verify.sh says of the unpacked folder or None)
    def tamperings(self):
        victim = next(m.info.name.split("/", 1)[1] for m in self.members
                      if m.info.name.endswith("/validate.sh"))
        plain = "MANIFEST.json"

        def setter(path, **fields):
            def change():
                for name, value in fields.items():
                    setattr(self.member(path).info, name, value)
            return change

        def byte():
            m = self.member(victim)
            m.data = m.data[:-1] + bytes([m.data[-1] ^ 1])

        def order():
            self.members[3], self.members[4] = self.members[4], self.members[3]

        def name(text):
            def change():
                self.insert(self.new_file(text))
            return change

        def replace(kind, link=""):
            def change():
                at = self.members.index(self.member(plain))
                self.members[at] = self.new_file(f"{self.top}/{plain}", b"", kind, link)
            return change

        def folder():
            self.insert(self.new_file(f"{self.top}/a", b"", tarfile.DIRTYPE))

        def pax():
            m = self.member(plain)
            m.form = tarfile.PAX_FORMAT
            m.info.pax_headers = {"comment": "hidden"}

        def long_name():
            m = self.new_file(f"{self.top}/{'n' * 120}")
            m.form = tarfile.GNU_FORMAT
            self.insert(m)

        def missing():
            self.members.remove(self.member(victim))

        def twice():
            at = self.members.index(self.member(victim))
            self.members.insert(at, self.members[at])

        def hides():
            self.member(victim).padding = b"!"

        return {
            "a byte": (byte, "has other bytes", "other bytes"),
            "the order": (order, "is out of order", None),
            "a name with ..": (name(f"{self.top}/../x"), "is no name for a file", None),
            "an absolute name": (name("/etc/x"), "is no name for a file", None),
            "a name with a backslash": (name(f"{self.top}/a\\b"), "is no name for a file", "does not belong"),
            "a second top folder": (name("zz/x"), "outside of the bundle's folder", None),
            "a symbolic link": (replace(tarfile.SYMTYPE, "BUNDLE.json"), "is a symbolic link",
                                "is no ordinary file"),
            "a hard link": (replace(tarfile.LNKTYPE, f"{self.top}/BUNDLE.json"), "is a hard link",
                            "other bytes"),
            "a device": (replace(tarfile.CHRTYPE), "is a device",
                         "is no ordinary file" if os.geteuid() == 0 else "is missing"),
            "a fifo": (replace(tarfile.FIFOTYPE), "is a FIFO", "is no ordinary file"),
            "an entry of a folder": (folder, "is an entry of a folder", None),
            "a mode that no bundle has": (setter(victim, mode=0o777), "has the mode 0777", None),
            "a mode for others": (setter(plain, mode=0o666), "has the mode 0666", None),
            "set-user-id": (setter(victim, mode=0o4755), "has the mode 4755", None),
            "a file that became a script": (setter(plain, mode=0o755),
                                            "has the mode 0755 instead of 0644", "has another mode"),
            "a script that became a file": (setter(victim, mode=0o644),
                                            "has the mode 0644 instead of 0755", "has another mode"),
            "an owner": (setter(victim, uid=1000), "has an owner", None),
            "a group": (setter(victim, gid=1000), "has an owner", None),
            "the name of an owner": (setter(victim, uname="daemon"), "has an owner", None),
            "a time": (setter(victim, mtime=1), "has a time", None),
            "pax extras": (pax, "extended attributes", None),
            "a GNU header": (long_name, "another kind", "does not belong"),
            "an extra file": (name(f"{self.top}/zz"), "does not belong to the bundle", "does not belong"),
            "a missing file": (missing, "is missing", "is missing"),
            "a file twice": (twice, "is there twice", None),
            "bytes behind a file": (hides, "something hides behind", None),
        }

    def test_every_tampering_is_refused_for_its_reason(self):
        for what in self.tamperings():
            with self.subTest(what):
                self.setUp()
                change, reason, after = self.tamperings()[what]
                change()
                packed = compress(write_tar(self.members))
                # Without the key: the signature of the untouched archive.
                self.bundle_file.write_bytes(packed)
                shutil.copy(f"{self.good}.sig", f"{self.bundle_file}.sig")
                self.refused(self.verify(), "signature is not of these bytes")
                self.refused(self.script(self.bundle_file), "incorrect signature")
                # With it.
                self.save(packed)
                self.refused(self.verify(), reason)
                if after:
                    self.refused(self.script(self.unpack()), after)

    def test_every_tampering_of_the_frame_is_refused(self):
        packed = self.good.read_bytes()
        raw = write_tar(self.members)
        for what, data, reason in [
            ("trailing bytes", packed + b"x", "something follows the archive"),
            ("a second frame", packed + compress(b"x"), "something follows the archive"),
            ("an empty frame first", compress(b"") + packed, "has no end|something follows"),
            ("a file behind the end", compress(raw + b"x" * 512), "follows the end of the archive"),
            ("zeros behind the end", compress(raw + b"\0" * 512), "follows the end of the archive"),
            ("one block at the end", compress(raw[:-512]), "has no end"),
            ("cut", packed[:-20], "ends too early|no zstd"),
            ("no archive", b"PK\3\4" + packed, "no zstd archive"),
            ("a damaged header", compress(raw.replace(b"ustar", b"mstar", 1)), "is damaged"),
        ]:
            with self.subTest(what):
                self.save(data)
                self.refused(self.verify(), reason)
                shutil.copy(f"{self.good}.sig", f"{self.bundle_file}.sig")
                self.refused(self.verify(), "signature is not of these bytes")
                self.refused(self.script(self.bundle_file), "incorrect signature")

    def test_signatures_of_others_are_refused(self):
        packed = self.good.read_bytes()
        with self.subTest("wrong key"):
            self.save(packed, key=self.other)
            self.refused(self.verify(), "by a key that is not in")
            self.refused(self.script(self.bundle_file), "by a key that is not in")
        with self.subTest("wrong namespace"):
            self.save(packed, namespace="file")
            self.refused(self.verify(), "another namespace")
            self.refused(self.script(self.bundle_file), "namespace")
        with self.subTest("no signature"):
            os.unlink(f"{self.bundle_file}.sig")
            self.refused(self.verify(), "there is no signature")
            self.refused(self.script(self.bundle_file), "there is no signature")
        with self.subTest("no signature at all"):
            pathlib.Path(f"{self.bundle_file}.sig").write_bytes(b"hello\n")
            self.refused(self.verify(), "this is no signature")
            self.refused(self.script(self.bundle_file), "is no signature")

    def test_the_inner_signature_counts_as_much(self):
        def by_other():
            self.sign_sums(key=self.other)

        def elsewhere():
            self.sign_sums(namespace="file")

        def removed():
            self.members.remove(self.member("SHA256SUMS.sig"))

        def unsigned_edit():
            self.member("SHA256SUMS").data += b"0644 " + b"0" * 64 + b"  zzz\n"

        def bad_line():
            self.member("SHA256SUMS").data += b"0644 " + b"0" * 64 + b"  ../zzz\n"
            self.sign_sums()

        def other_tree():
            m = self.member("BUNDLE.json")
            m.data = m.data.replace(b'"tree": "', b'"tree": "0')
            self.seal_again()

        for change, reason, after in [
            (by_other, "SHA256SUMS: it was signed by a key that is not in", "by a key that is not in"),
            (elsewhere, "another namespace", "namespace"),
            (removed, "SHA256SUMS.sig` is missing", "SHA256SUMS.sig is missing"),
            (unsigned_edit, "SHA256SUMS: the signature is not of these bytes", "incorrect signature"),
            (bad_line, "not a line of a bundle", "is no name for a file"),
            (other_tree, "BUNDLE.json is of another tree", "BUNDLE.json is of another tree"),
        ]:
            with self.subTest(change.__name__):
                self.setUp()
                change()
                self.save(compress(write_tar(self.members)))
                self.refused(self.verify(), reason)
                self.refused(self.script(self.unpack()), after)

    def test_an_older_bundle_and_one_of_another_topology_are_refused(self):
        self.save(self.good.read_bytes())
        folder = self.unpack()
        tree = json.loads(self.member("BUNDLE.json").data)["tree"]
        name = json.loads(self.member("BUNDLE.json").data)["topology"]
        for memory, reason in [
            (f"{name} 101 {tree}\n", "older"),
            (f"elsewhere 1 {tree}\n", "not of `?elsewhere"),
            (f"{name} 100 {'0' * 64}\n", "accepted for another tree"),
            (f"{name} 100 {tree}\n", None),
            (f"{name} 99 {'0' * 64}\n", None),
            (None, None),
        ]:
            for verifier in (lambda *w: self.verify(*w), lambda *w: self.script(folder, *w)):
                with self.subTest(memory=memory):
                    state = self.work / "state"
                    state.unlink(missing_ok=True)
                    if memory:
                        state.write_text(memory)
                    done = verifier("--newer-than", state)
                    if reason:
                        self.refused(done, reason)
                        self.assertEqual(state.read_text(), memory)
                    else:
                        self.assertEqual(done.returncode, 0, said(done))
                        self.assertEqual(state.read_text(), f"{name} 100 {tree}\n")
        self.refused(self.verify("--topology", "elsewhere"), "not of `elsewhere`")
        self.refused(self.script(folder, "--topology", "elsewhere"), "not of elsewhere")


# ---------------------------------------------------------------- what is made


class Making(Case):
    def test_the_same_input_gives_the_same_bytes_and_signature(self):
        key = self.work / "key"
        for kind in ("ed25519", "rsa"):
            make_key(self.work / kind, kind)
            key = self.work / kind
            for name in ("a", "b"):
                folder = self.work / f"{kind}-{name}"
                folder.mkdir()
                tree = self.copy(name=f"{kind}-{name}-tree")
                for path in tree.rglob("*"):
                    os.utime(path, (len(name), 12345), follow_symlinks=False)
                self.bundle(tree, folder / "x.tar.zst", "--serial", "5", "--sign", key,
                            env={**os.environ, "TZ": "Asia/Tokyo" if name == "a" else "UTC",
                                 "HOSTNAME": name, "LC_ALL": "C"})
            for file in ("x.tar.zst", "x.tar.zst.sig", "x.tar.zst.verify.sh"):
                a, b = (self.work / f"{kind}-{name}" / file for name in "ab")
                self.assertEqual(a.read_bytes(), b.read_bytes(), file)
        self.assertNotIn(str(self.work).encode(), run("zstd", "-dcq", a.parent / "x.tar.zst").stdout)

    def test_keys_that_never_sign_the_same_way_are_refused(self):
        make_key(self.work / "key", "ecdsa")
        done = self.kbgen("bundle", "-o", self.copy(), "--to", "x", "--serial", 1, "--sign", "key")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(said(done), "ECDSA: it draws a random number for each signature")
        self.assertFalse((self.work / "x").exists())

    def test_a_tree_that_is_not_its_manifest_is_refused_with_all_differences(self):
        tree = self.copy()
        scripts = [path for path in sorted(tree.rglob("*.sh")) if path.stat().st_mode & 0o100]
        scripts[0].write_text("changed\n")
        scripts[1].chmod(0o644)
        scripts[2].unlink()
        (tree / "extra").write_text("x")
        (tree / "link").symlink_to("extra")
        done = self.kbgen("bundle", "-o", tree, "--to", "x", "--serial", 1)
        self.assertEqual(done.returncode, 1, said(done))
        for path, why in [(scripts[0], "its bytes are others"), (scripts[1], "its mode is 0644, not 0755"),
                          (scripts[2], "it is not there"), (tree / "extra", "does not list it"),
                          (tree / "link", "does not list it")]:
            self.assertIn(f"`{path.relative_to(tree)}` is not what the manifest lists: ", said(done))
            self.assertIn(why, said(done))
        self.assertEqual(said(done).count("error[KB6101]"), 5)
        self.assertFalse((self.work / "x").exists())

    def test_the_serial_is_the_time_of_the_commit_of_a_clean_tree(self):
        tree = self.copy()
        to = self.work / "x.tar.zst"
        done = self.kbgen("bundle", "-o", tree, "--to", to)
        self.assertRegex(said(done), "say --serial: the tree is in no repository")
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", self.work]
        env = {**os.environ, "GIT_COMMITTER_DATE": "1700000000 +0900", "GIT_AUTHOR_DATE": "1600000000 +0000"}
        for words in (["init", "-q"], ["add", "tree"], ["commit", "-qm", "x"]):
            done = run(*git, *words, env=env)
            self.assertEqual(done.returncode, 0, said(done))
        self.bundle(tree, to)
        members = {m.info.name.split("/", 1)[1]: m.data for m in read_members(to)}
        self.assertEqual(json.loads(members["BUNDLE.json"])["serial"], 1700000000)
        inputs = json.loads(members["provenance.json"])["predicate"]["buildDefinition"]["resolvedDependencies"]
        self.assertEqual(inputs[-1]["annotations"], {"dirty": False})
        self.assertRegex(inputs[-1]["digest"]["gitCommit"], "^[0-9a-f]{40}$")
        # The bundle itself lies in the repository now, and changes nothing.
        again = self.bundle(tree, self.work / "y.tar.zst")
        self.assertEqual(again.read_bytes(), to.read_bytes())
        script = next(tree.rglob("*.sh"))
        script.write_text(script.read_text())
        (self.work / "notes").write_text("x")
        run(*git, "add", "notes")
        done = self.kbgen("bundle", "-o", tree, "--to", to)
        self.assertRegex(said(done), "say --serial: the repository has changes")

    def test_the_origin_is_told_and_must_be_true(self):
        model = pathlib.Path(shutil.copytree(SOURCE / "golden/one-server", self.work / "m"))
        words = ["bundle", "-m", "m/topology.yaml", "-o", "m/out", "--to", "x.tar.zst", "--serial", "3"]
        done = self.kbgen(*words)
        self.assertEqual(done.returncode, 0, said(done))
        members = {m.info.name.split("/", 1)[1]: m.data for m in read_members(self.work / "x.tar.zst")}
        statement = json.loads(members["provenance.json"])
        self.assertEqual(statement["_type"], "https://in-toto.io/Statement/v1")
        self.assertEqual(statement["predicateType"], "https://slsa.dev/provenance/v1")
        self.assertEqual(statement["subject"][0], {"name": "MANIFEST.json",
                                                   "digest": {"sha256": sha256(members["MANIFEST.json"])}})
        build = statement["predicate"]["buildDefinition"]
        for one in build["resolvedDependencies"]:
            if one["name"] != "repository":
                self.assertEqual(one["digest"]["sha256"], sha256((model / one["name"]).read_bytes()))
        self.assertIn("topology.yaml", [one["name"] for one in build["resolvedDependencies"]])
        builder = statement["predicate"]["runDetails"]["builder"]
        self.assertEqual(builder["builderDependencies"][0]["digest"]["sha256"], sha256(KBGEN.read_bytes()))
        topology = model / "topology.yaml"
        topology.write_text(topology.read_text().replace("name: ", "name: x", 1))
        done = self.kbgen(*words)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(said(done), "is not what m/topology.yaml gives|error")

    def test_the_bill_of_materials_is_what_cyclonedx_wants(self):
        to = self.bundle(self.copy(), self.work / "x.tar.zst", "--serial", "5")
        members = {m.info.name.split("/", 1)[1]: m for m in read_members(to)}
        bill = json.loads(members["sbom.cdx.json"].data)
        check_bill(self, bill)
        kinds = {one["type"] for one in bill["components"]}
        self.assertEqual(kinds, {"container", "library", "file"})
        listed = {one["name"]: one["hashes"][0]["content"] for one in bill["components"]
                  if one["type"] == "file"}
        scripts = {path: sha256(m.data) for path, m in members.items()
                   if m.info.mode == 0o755 and path != "verify.sh"}
        self.assertEqual(listed, scripts)
        images = {line.split("\t")[0] for line in members["images.tsv"].data.decode().splitlines()[1:]}
        versions = {(one["name"] + ":" + one["version"]) for one in bill["components"]
                    if one["type"] == "container"}
        self.assertEqual(images, versions)


# The parts of bom-1.5.schema.json that a bill of this kind touches.
BILL = {
    "type": "object", "required": ["bomFormat", "specVersion", "version"],
    "additionalProperties": False,
    "properties": {
        "bomFormat": {"enum": ["CycloneDX"]}, "specVersion": {"const": "1.5"},
        "version": {"type": "integer", "minimum": 1},
        "metadata": {"type": "object", "additionalProperties": False, "properties": {
            "tools": {"type": "object", "properties": {
                "components": {"type": "array", "items": {"$ref": "#/definitions/component"}}}},
            "component": {"$ref": "#/definitions/component"}}},
        "components": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/definitions/component"}},
    },
    "definitions": {
        "component": {
            "type": "object", "required": ["type", "name"], "additionalProperties": False,
            "properties": {
                "type": {"enum": ["application", "framework", "library", "container", "platform",
                                  "operating-system", "device", "device-driver", "firmware", "file",
                                  "machine-learning-model", "data"]},
                "bom-ref": {"type": "string", "minLength": 1}, "name": {"type": "string"},
                "version": {"type": "string"},
                "purl": {"type": "string", "pattern": "^pkg:[a-z]+/[^ ]+$"},
                "hashes": {"type": "array", "items": {
                    "type": "object", "required": ["alg", "content"], "additionalProperties": False,
                    "properties": {"alg": {"enum": ["SHA-256"]},
                                   "content": {"type": "string", "pattern": "^[a-f0-9]{64}$"}}}},
                "properties": {"type": "array", "items": {
                    "type": "object", "additionalProperties": False,
                    "properties": {"name": {"type": "string"}, "value": {"type": "string"}}}},
            }}},
}


def check_bill(case, bill):
    try:
        import jsonschema
    except ImportError:
        case.assertEqual((bill["bomFormat"], bill["specVersion"], bill["version"]), ("CycloneDX", "1.5", 1))
    else:
        jsonschema.validate(bill, BILL)
    references = [one["bom-ref"] for one in bill["components"]]
    case.assertEqual(len(references), len(set(references)), "a bom-ref is there twice")


# ---------------------------------------------------------------- the closed world


def seed(tree, path, text, after=None, mode=0o644):
    """Puts text into a file (behind a line that holds `after`, else at its end) or makes one, and into
    the manifest, as if it had been rendered. Gives the number of its first line."""
    file = tree / path
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = []
    else:
        lines = file.read_text().splitlines(keepends=True)
        mode = file.stat().st_mode & 0o777
    at = len(lines)
    if after:
        at = next(i for i, line in enumerate(lines) if after in line) + 1
    lines[at:at] = [text]
    file.write_text("".join(lines))
    file.chmod(mode)
    manifest = tree / "MANIFEST.json"
    listed = json.loads(manifest.read_text())
    listed["files"] = [one for one in listed["files"] if one["path"] != path]
    listed["files"].append({"path": path, "sha256": sha256(file.read_bytes()), "mode": f"{mode:04o}"})
    manifest.write_text(json.dumps(listed))
    return at + 1


SCRIPT = "new.sh"
HEAD = "#!/usr/bin/env bash\n"

# What is put where, and what has to be named. `+n`: the line counted from the first one.
OMISSIONS = [
    ("a pull", SCRIPT, HEAD + "docker pull busybox:1.36\n", "image `busybox:1.36`", 1),
    ("a pull by digest", SCRIPT, HEAD + f"docker pull a/b@sha256:{'0' * 64}\n", "image `a/b@sha256:", 1),
    ("a pull of a variable", SCRIPT, HEAD + "tool=busybox:1.36\nfor i in 1; do docker pull --quiet \"$tool\"; done\n",
     "image `busybox:1.36`", 1),
    ("a run", SCRIPT, HEAD + "docker run --rm -v /a:/b \\\n  --network host alpine:3.20 true\n", "image `alpine:3.20`", 2),
    ("a run in a substitution", SCRIPT, HEAD + 'x="$(docker run --rm alpine true)"\n', "image `alpine`", 1),
    ("another engine", SCRIPT, HEAD + "podman pull quay.example/x:1\n", "image `quay.example/x:1`", 1),
    ("containerd", SCRIPT, HEAD + "ctr images pull reg.example.com/x:1\n", "image `reg.example.com/x:1`", 1),
    ("skopeo", SCRIPT, HEAD + "skopeo copy docker://reg.example.com/x:1 dir:x\n", "image `reg.example.com/x:1`", 1),
    ("a login", SCRIPT, HEAD + "docker login reg.example.com\n", "download `registry reg.example.com`", 1),
    ("a base image", "images/new/Dockerfile", "FROM debian:12\n", "image `debian:12`", 0),
    ("a base image by argument", "images/new/Dockerfile", "ARG BASE=debian:12\nFROM ${BASE} AS x\nFROM x\n",
     "image `debian:12`", 1),
    ("a stage from outside", "images/new/Dockerfile", "FROM scratch\nCOPY --from=tools:1 /a /a\n", "image `tools:1`", 1),
    ("a mount from outside", "images/new/Dockerfile", "FROM scratch\nRUN --mount=type=bind,from=tools:1,target=/x true\n",
     "image `tools:1`", 1),
    ("a frontend", "images/new/Dockerfile", "# syntax=docker/dockerfile:1\nFROM scratch\n",
     "image `docker/dockerfile:1`", 0),
    ("an added URL", "images/new/Dockerfile", "FROM scratch\nADD https://example.org/x.tgz /x\n",
     "download `https://example.org/x.tgz`", 1),
    ("apt in a recipe", "images/new/Dockerfile", "FROM scratch\nRUN set -eux; \\\n    apt-get install -y nano\n",
     "package `nano`", 2),
    ("a pod", "k8s/x/pod.yaml", "spec:\n  containers:\n    - name: x\n      image: nginx:1.27\n", "image `nginx:1.27`", 3),
    ("a compose file", "new/compose.yml", 'services:\n  x:\n    image: "reg.example.com/a/b:1"\n',
     "image `reg.example.com/a/b:1`", 2),
    ("a unit", "new.service", "[Service]\nExecStart=/usr/bin/docker run --rm --name x \\\n    busybox:1.36 true\n",
     "image `busybox:1.36`", 2),
    ("apt-get", SCRIPT, HEAD + "apt-get -o A=b install -y -- nano\n", "package `nano`", 1),
    ("apt with an array", SCRIPT, HEAD + "wanted=(nano\n  tmux)\nfor p in \"${wanted[@]}\"; do missing+=(\"$p\"); done\n"
     'apt=(apt-get --yes)\n"${apt[@]}" install "${missing[@]}"\n', "package `tmux`", 2),
    ("an upgrade", SCRIPT, HEAD + "apt-get --yes dist-upgrade\n", "package source `upgrades`", 1),
    ("another system's packages", SCRIPT, HEAD + "sudo dnf install -y nano\n", "package `nano`", 1),
    ("a source", "etc/apt/sources.list.d/x.list", "deb http://deb.example.org/x stable main\n", "package source `deb http", 0),
    ("a source in new form", "x.sources", "Types: deb\nURIs: https://deb.example.org/x\n", "package source `URIs: https", 1),
    ("a source by script", SCRIPT, HEAD + 'echo "deb [signed-by=/k] https://deb.example.org/ x y" >/etc/apt/x.list\n',
     "package source `echo", 1),
    ("a PPA", SCRIPT, HEAD + "add-apt-repository -y ppa:a/b\n", "package source `ppa:a/b`", 1),
    ("a key server", SCRIPT, HEAD + "gpg --keyserver keys.example.org --recv-keys 0xAB\n", "download `keys of a key server`", 1),
    ("curl", SCRIPT, HEAD + "curl -fsSL https://get.example.com | sh\n", "download `https://get.example.com`", 1),
    ("curl without a scheme", SCRIPT, HEAD + "curl -o x downloads.example.org/x.tgz\n", "download `downloads.example.org/x.tgz`", 1),
    ("a URL in a variable", SCRIPT, HEAD + "base=https://example.org\ncurl \"$base/x\"\n", "download `https://example.org`", 1),
    ("a public address", SCRIPT, HEAD + "curl http://203.0.113.7/x\n", "download `http://203.0.113.7/x`", 1),
    ("wget in a quoted script", SCRIPT, HEAD + "remote x sh -c 'cd /tmp && wget files.example.org/x'\n",
     "download `files.example.org/x`", 1),
    ("a here document", SCRIPT, HEAD + "bash -s <<'END'\ncurl https://example.org/x\nEND\n", "download `https://example.org/x`", 2),
    ("a socket of bash", SCRIPT, HEAD + "exec 3<>/dev/tcp/files.example.org/80\n", "download `files.example.org`", 1),
    ("a copy by ssh", SCRIPT, HEAD + "rsync -a mirror.example.org::x/ /x/\n", "download `mirror.example.org::x/`", 1),
    ("git", SCRIPT, HEAD + "git -C /x clone --depth 1 https://example.org/a.git\n", "repository `https://example.org/a.git`", 1),
    ("git by ssh", SCRIPT, HEAD + "git clone git@example.org:a/b\n", "repository `git@example.org:a/b`", 1),
    ("a submodule", SCRIPT, HEAD + "git submodule update --init\n", "repository `submodules`", 1),
    ("pip", SCRIPT, HEAD + "pip3 install --quiet requests==2.0\n", "library `pip: requests==2.0`", 1),
    ("pip as a module", SCRIPT, HEAD + "python3 -m pip install requests\n", "library `pip: requests`", 1),
    ("pip with a list", SCRIPT, HEAD + "pip install --requirement=r.txt\n", "library `pip: its list`", 1),
    ("npm", SCRIPT, HEAD + "npm ci\n", "library `npm: its list`", 1),
    ("npx", SCRIPT, HEAD + "npx -y left-pad\n", "library `npx: left-pad`", 1),
    ("go", SCRIPT, HEAD + "go install example.org/x@latest\n", "library `go: example.org/x@latest`", 1),
    ("gem", SCRIPT, HEAD + "gem install rake\n", "library `gem: rake`", 1),
    ("cargo", SCRIPT, HEAD + "cargo install ripgrep\n", "library `cargo: ripgrep`", 1),
    ("snap", SCRIPT, HEAD + "snap install lxd\n", "download `snap: lxd`", 1),
    ("helm", SCRIPT, HEAD + "helm upgrade --install x stable/x\n", "download `chart stable/x`", 1),
    ("a chart repository", SCRIPT, HEAD + "helm repo add x https://charts.example.org\n", "download `https://charts.example.org`", 1),
    ("a manifest of Kubernetes", SCRIPT, HEAD + "kubectl apply -f https://example.org/x.yaml\n", "download `https://example.org/x.yaml`", 1),
    ("an image as an option", SCRIPT, HEAD + "kubectl run x --image=nginx:1.27\n", "image `nginx:1.27`", 1),
    ("a mirror of registries", "new/daemon.json", '{"registry-mirrors": ["https://mirror.example.org"]}\n',
     "download `https://mirror.example.org`", 0),
    ("a plugin of a configuration", "new.conf", "plugin_url = https://plugins.example.org/x.jar\n",
     "download `https://plugins.example.org/x.jar`", 0),
    ("Python", "new.py", 'import urllib.request\nurllib.request.urlopen("https://example.org/x")\n',
     "download `https://example.org/x`", 1),
]

# What must be left alone: it fetches nothing, or from inside.
HARMLESS = [
    (SCRIPT, HEAD + "# See https://example.org/manual; docker pull x:1 is not run here.\n"),
    (SCRIPT, HEAD + "true # curl https://example.org\n"),
    (SCRIPT, HEAD + 'curl "http://$address:8008/health"\n'),
    (SCRIPT, HEAD + "curl http://127.0.0.1:8008/ http://localhost/ http://[::1]/\n"),
    (SCRIPT, HEAD + "if command -v curl wget git docker; then log 'docker pull failed for it'; fi\n"),
    (SCRIPT, HEAD + "docker ps; docker inspect x; docker image inspect a:1; docker load -i x.tar; docker rm x\n"),
    (SCRIPT, HEAD + "apt-get update; apt-get --yes remove nano; dpkg -i ./x.deb; apt-get install ./x.deb\n"),
    (SCRIPT, HEAD + "git -C /etc status; git log; pip list; pip install --no-index ./x.whl; npm --version\n"),
    ("new.service", "[Unit]\nDocumentation=https://example.org/manual\nDocumentation=man:x(8)\n"),
    ("README.md", "Read https://example.org and `docker pull x:1`.\n"),
    ("new.conf", "# https://example.org\n; ntp.example.org\nuser = daemon:daemon\nlisten = 0.0.0.0:80\n"),
    ("new.xml", '<a xmlns="http://example.org/ns"/>\n'),
]


class ClosedWorld(Case):
    def audit(self, tree, *words):
        return self.kbgen("bundle", "-o", tree, "--to", "x", "--serial", 1, "--air-gapped", *words)

    def needs(self, tree):
        to = self.bundle(tree, self.work / "needs.tar.zst", "--serial", "1")
        members = {m.info.name.split("/", 1)[1]: m.data for m in read_members(to)}
        return json.loads(members["BUNDLE.json"])["needs"]

    def test_every_omission_is_caught_at_its_line(self):
        self.assertGreaterEqual(len(OMISSIONS), 25)
        clean = self.copy("one-server", "clean")
        for what, path, text, named, offset in OMISSIONS:
            with self.subTest(what):
                tree = pathlib.Path(shutil.copytree(clean, self.work / "seeded"))
                line = seed(tree, path, text) + offset
                done = self.audit(tree)
                shutil.rmtree(tree)
                self.assertEqual(done.returncode, 1, said(done))
                pattern = (rf"error\[KB6102\]: the {re.escape(named)}[^\n]*"
                           rf" is needed here, and the bundle does not carry it\n +--> \S*{re.escape(path)}:{line}:")
                self.assertRegex(said(done), pattern)
                self.assertIn("= help: ", said(done))

    def test_an_omission_in_a_script_that_is_there_is_caught(self):
        tree = self.copy()
        path = next(str(p.relative_to(tree)) for p in sorted(tree.rglob("*install*.sh")))
        line = seed(tree, path, "curl https://example.org/x\n", after="need_root")
        self.assertRegex(said(self.audit(tree)), rf"https://example.org/x` is needed(.|\n)*?{path}:{line}:")

    def test_what_fetches_nothing_is_left_alone(self):
        clean = self.copy("one-server", "clean")
        before = self.needs(clean)
        for path, text in HARMLESS:
            with self.subTest(text):
                tree = pathlib.Path(shutil.copytree(clean, self.work / "seeded"))
                seed(tree, path, text)
                self.assertEqual(self.needs(tree), before)
                shutil.rmtree(tree)

    def test_trees_need_what_their_models_pin_and_nothing_else(self):
        estates = [(SOURCE / "golden" / golden.name / "out", golden / "versions.yaml") for golden in GOLDENS]
        estates.append((SOURCE / "out", SOURCE / "model/versions.yaml"))
        for tree, versions in estates:
            with self.subTest(str(tree.relative_to(SOURCE))):
                pinned = versions.read_text() if versions.exists() else ""
                if not tree.exists() or (tree.is_dir() and not (tree / "MANIFEST.json").exists()):
                    continue
                needs = self.needs(tree)
                for need in needs:
                    what = need["what"]
                    if need["kind"] == "image":
                        self.assertIn(what, pinned)
                    elif need["kind"] == "library":
                        self.assertEqual(need["recipe"], "images/patroni")
                        self.assertIn(what.split("==")[1], pinned)
                    elif need["kind"] == "package":
                        self.assertRegex(what, r"^[a-z0-9][a-z0-9+.-]+$|\$\{PG_MAJOR\}")
                    elif need["kind"] == "server":
                        self.assertRegex(what, r"^[0-9.]+$")  # resolvers
                        self.assertRegex(need["first"], "resolved.conf|timesyncd")
                    else:
                        self.assertEqual((need["kind"], what), ("provider", "hcloud"))
                self.assertIn("docker.io", [need["what"] for need in needs])

    def test_every_script_that_pulls_says_where_it_would_find_the_image(self):
        to = self.bundle(SOURCE / "out", self.work / "x.tar.zst", "--serial", "1")
        rows = [line.split("\t") for line in next(
            m.data.decode() for m in read_members(to) if m.info.name.endswith("/images.tsv")).splitlines()]
        self.assertEqual(rows[0], ["image", "folder", "services", "carried", "digest"])
        folders = [row[1] for row in rows[1:]]
        self.assertNotIn("-", folders)
        self.assertEqual(len(folders), len(set(folders)))


# ---------------------------------------------------------------- what is carried

DOCKER = """#!/usr/bin/env python3
# Stands for the engine: has the images of $IMAGES, and saves each a little differently every time.
import io, json, os, sys, tarfile, time
images = dict(line.split("=") for line in os.environ["IMAGES"].split())
ref = sys.argv[-1]
if ref not in images:
    sys.exit("Error response from daemon: No such image: " + ref)
if sys.argv[1:3] == ["image", "inspect"]:
    print("sha256:" + images[ref])
    sys.exit()
assert sys.argv[1] == "save"
files = {"blobs/sha256/" + images[ref]: b"layer of " + ref.encode(),
         "manifest.json": None, "oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
turn = os.environ["TURN"] == "1"
parts = [("Config", "x"), ("RepoTags", [ref])]
files["manifest.json"] = json.dumps([dict(reversed(parts) if turn else parts)]).encode()
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
    for name in sorted(files, reverse=turn):
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.uid, info.mode = len(files[name]), time.time() + turn, 7, 0o600 + turn
        tar.addfile(info, io.BytesIO(files[name]))
"""


class Carrying(Case):
    def engine(self, images, turn="0"):
        folder = self.work / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "docker").write_text(DOCKER)
        (folder / "docker").chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TURN": turn,
                "IMAGES": " ".join(f"{name}={digest}" for name, digest in images.items())}

    def images_of(self, tree):
        to = self.bundle(tree, self.work / "plain.tar.zst", "--serial", "1")
        rows = next(m.data.decode() for m in read_members(to) if m.info.name.endswith("/images.tsv"))
        return {row.split("\t")[0]: row.split("\t")[1] for row in rows.splitlines()[1:]}

    def test_images_are_carried_in_the_same_bytes_where_the_steps_look_for_them(self):
        tree = self.copy()
        images = {ref: sha256(ref.encode()) for ref in self.images_of(tree)}
        self.assertGreater(len(images), 1)
        made = [self.bundle(tree, self.work / f"{turn}.tar.zst", "--serial", "1", "--images",
                            env=self.engine(images, turn)) for turn in "01"]
        self.assertEqual(made[0].read_bytes(), made[1].read_bytes())
        members = {m.info.name.split("/", 1)[1]: m.data for m in read_members(made[0])}
        scripts = "".join(m.decode(errors="replace") for path, m in members.items() if path.endswith(".sh"))
        for ref, folder in self.images_of(tree).items():
            path = f"images/{folder}/image.tar"
            self.assertIn(path, members)
            self.assertRegex(scripts, rf"/images/{folder}(/image.tar)?\n")
            with tarfile.open(fileobj=io.BytesIO(members[path])) as tar:
                names = tar.getnames()
                self.assertEqual(names, sorted(names))
                self.assertEqual({(i.mtime, i.uid, i.gid, i.mode) for i in tar}, {(0, 0, 0, 0o644)})
                blob = tar.extractfile("blobs/sha256/" + images[ref]).read()
                self.assertEqual(blob, b"layer of " + ref.encode())
        needs = json.loads(members["BUNDLE.json"])["needs"]
        self.assertNotIn("image", {need["kind"] for need in needs})
        # A carried image is not built, so that nothing its recipe fetches is needed.
        self.assertNotIn("library", {need["kind"] for need in needs})

    def test_images_that_the_engine_lacks_are_all_named(self):
        tree = self.copy()
        refs = list(self.images_of(tree))
        done = self.kbgen("bundle", "-o", tree, "--to", "x", "--serial", 1, "--images",
                          env=self.engine({refs[0]: "a"}))
        self.assertEqual(done.returncode, 3)
        for ref in refs[1:]:
            self.assertIn(ref, said(done))
        self.assertNotIn(refs[0], said(done))
        self.assertEqual([p for p in self.work.iterdir() if p.name.startswith(".x")], [])

    def deb(self, folder, name, version="1.0", depends=""):
        root = self.work / "deb" / name
        (root / "DEBIAN").mkdir(parents=True, exist_ok=True)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"
        (root / "DEBIAN/control").write_text(control + (f"Depends: {depends}\n" if depends else ""))
        folder.mkdir(parents=True, exist_ok=True)
        done = run("dpkg-deb", "-b", "--root-owner-group", root, folder / f"{name}_{version}_all.deb")
        self.assertEqual(done.returncode, 0, said(done))

    def needed(self, tree):
        to = self.bundle(tree, self.work / "plain.tar.zst", "--serial", "1")
        rows = next(m.data.decode() for m in read_members(to) if m.info.name.endswith("/packages.tsv"))
        return [row.split("\t") for row in rows.splitlines()[1:]]

    def fill(self, tree, by_system=True):
        debs = self.work / "debs"
        for name, wanted, system, *_ in self.needed(tree):
            version = "1.0" if wanted == "-" else wanted.replace("*", "1")
            self.deb(debs / system if by_system else debs, name, version)
        return debs

    def test_packages_are_carried_and_every_one_that_steps_install_must_be_there(self):
        tree = self.copy("one-server")
        debs = self.fill(tree)
        words = ["--serial", "1", "--packages", debs]
        to = self.bundle(tree, self.work / "x.tar.zst", *words)
        members = {m.info.name.split("/", 1)[1]: m.data for m in read_members(to)}
        index = next(data.decode() for path, data in members.items() if path.endswith("/Packages"))
        self.assertEqual(index.count("\nFilename: ./"), len(self.needed(tree)))
        done = self.kbgen("bundle", "-o", tree, "--to", "x", *words, "--air-gapped")
        left = set(re.findall(r"KB6102\]: the (\w+)", said(done)))
        self.assertLessEqual(left, {"image"}, said(done))
        gone = sorted(debs.rglob("*.deb"))[:2]
        for path in gone:
            path.unlink()
        done = self.kbgen("bundle", "-o", tree, "--to", "x", *words)
        self.assertEqual(done.returncode, 3, said(done))
        for path in gone:
            self.assertIn(path.name.split("_")[0] + " ", said(done))
        (debs / "notes.txt").write_text("x")
        done = self.kbgen("bundle", "-o", tree, "--to", "x", *words)
        self.assertRegex(said(done), "notes.txt` is no package")

    def test_a_version_that_the_model_does_not_want_is_no_package(self):
        tree = self.copy("one-server")
        debs = self.fill(tree)
        old = next(debs.rglob("docker.io_*.deb"))
        self.deb(old.parent, "docker.io", "1.0")
        old.unlink()
        done = self.kbgen("bundle", "-o", tree, "--to", "x", "--serial", 1, "--packages", debs)
        self.assertRegex(said(done), r"docker\.io \S+ for \S+ \(there is 1\.0\)")

    @unittest.skipUnless(pathlib.Path("/usr/bin/apt-get").exists(), "apt is what reads it")
    def test_apt_installs_from_what_was_carried(self):
        model = pathlib.Path(shutil.copytree(SOURCE / "golden/one-server", self.work / "m"))
        root = self.work / "root"
        topology = model / "topology.yaml"
        text = topology.read_text()
        root_of = re.search(r"root: *(\S+?)[,}\s]", text)
        self.assertIsNotNone(root_of, "the topology says where it is installed")
        topology.write_text(text.replace(root_of.group(1), str(root), 1))
        done = self.kbgen("render", "-m", "m/topology.yaml", "-o", "tree")
        self.assertEqual(done.returncode, 0, said(done))
        tree = self.work / "tree"
        for by_system in (True, False):
            with self.subTest(by_system=by_system):
                shutil.rmtree(self.work / "debs", ignore_errors=True)
                shutil.rmtree(root, ignore_errors=True)
                debs = self.fill(tree, by_system)
                self.deb(next(debs.rglob("*.deb")).parent, "kbgen-probe", "2.0", "kbgen-probe-needs")
                self.deb(next(debs.rglob("*.deb")).parent, "kbgen-probe-needs", "3.0")
                to = self.bundle(tree, self.work / "x.tar.zst", "--serial", "1", "--packages", debs)
                root.mkdir()
                run("tar", "-xf", to, "-C", root, "--strip-components=1", "--wildcards", "*/packages/*")
                script = next(tree.glob("servers/*/02-*/*packages*.sh")).read_text()
                part = script[script.index("# Where a bundle brought"):]
                part = part[:part.index("\nfi\n") + 4]
                system = self.needed(tree)[0][2]
                name, version = system.rsplit("-", 1)
                release = self.work / "os-release"
                release.write_text(f"ID={name}\nVERSION_ID={version}\n")
                state = self.work / "state"
                for folder in ("status.d", "cache/archives/partial"):
                    (state / folder).mkdir(parents=True, exist_ok=True)
                (state / "status").write_text("")
                probe = self.work / "probe.sh"
                probe.write_text(
                    "set -Eeuo pipefail\n" + host_function("os_name") + part +
                    f'apt+=(-o Dir::State::status={state}/status -o Dir::Cache={state}/cache -o Debug::NoLocking=1)\n'
                    '"${apt[@]}" --download-only install -- kbgen-probe\n')
                done = run("bash", probe, env={**os.environ, "KBGEN_OS_RELEASE": str(release)})
                self.assertEqual(done.returncode, 0, said(done))
                self.assertIn("kbgen-probe-needs", said(done))
                self.assertIn("download only mode", said(done))
                self.assertNotIn("http", said(done))


def host_function(name):
    text = (SOURCE / "templates/_lib/host/host.sh").read_text()
    begin = text.index(f"\n{name}() {{") + 1
    return text[begin:text.index("\n}\n", begin) + 3]


class Script(unittest.TestCase):
    def test_verify_sh_is_sh(self):
        path = SOURCE / "generator/bundle/verify.sh"
        self.assertEqual(run("sh", "-n", path).returncode, 0)
        if shutil.which("shellcheck"):
            done = run("shellcheck", "-s", "sh", path)
            self.assertEqual(done.returncode, 0, said(done))


if __name__ == "__main__":
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        print("skipped: no " + ", ".join(missing))
        sys.exit(77)
    unittest.main()
