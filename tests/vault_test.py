#!/usr/bin/env python3
"""`kbgen secrets --provider vault` against a KV store of version 2 on loopback that insists on the wire
format, and against a real OpenBao or Vault when one is in PATH (KBGEN_VAULT names another program)."""
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import canary

HERE = pathlib.Path(__file__).resolve().parent
TOKEN = "hvs.CAESIJcanarytokenofvault0123456789"


class Kv:
    """One mount `secret`. `versions` maps a path to its versions; None is a deleted one."""

    def __init__(self):
        self.versions = {}
        self.sealed = False
        self.before_write = None  # what somebody else does between a read and a write
        self.requests = []

    def answer(self, method, path, headers, body):
        self.requests.append((method, path, dict(headers), body))
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers.get("X-Vault-Token") != TOKEN:
            return 403, {"errors": ["permission denied"]}
        found = re.fullmatch(r"/v1/secret/data/([a-z0-9_-]+/[a-z0-9_-]+/[a-z0-9_-]+)", path)
        if not found:
            return 404, {"errors": [f'no handler for route "{path[4:]}". route entry not found.']}
        name = found[1]
        if method == "POST" and self.before_write:
            act, self.before_write = self.before_write, None
            act(name)
        versions = self.versions.get(name, [])
        if method == "GET":
            if not versions:
                return 404, {"errors": []}
            metadata = {"version": len(versions), "destroyed": False, "custom_metadata": None,
                        "created_time": "2026-03-01T00:00:00Z", "deletion_time": ""}
            if versions[-1] is None:
                metadata["deletion_time"] = "2026-03-02T00:00:00Z"
                return 404, {"data": {"data": None, "metadata": metadata}}
            return 200, {"request_id": "x", "data": {"data": versions[-1], "metadata": metadata}}
        if headers.get("Content-Type") != "application/json":
            return 415, {"errors": ["not JSON"]}
        sent = json.loads(body)
        if set(sent) != {"options", "data"} or set(sent["options"]) != {"cas"}:
            return 400, {"errors": ["neither more nor less than options.cas and data"]}
        if sent["options"]["cas"] != len(versions):
            return 400, {"errors": ["check-and-set parameter did not match the current version"]}
        self.versions.setdefault(name, []).append(sent["data"])
        return 200, {"data": {"version": len(versions) + 1}}


def serve(kv):
    class Handler(http.server.BaseHTTPRequestHandler):
        def _do(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = kv.answer(self.command, self.path, self.headers, body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _do

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


class Operator:
    """Runs kbgen as somebody with an environment of his own; every run is watched for leaks."""

    def __init__(self, kbgen, folder, address, token=TOKEN):
        self.kbgen, self.folder = kbgen, folder
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "VAULT_ADDR": address}
        if token:
            self.env["VAULT_TOKEN"] = token
        self.blobs = []

    def run(self, status, *arguments, says=(), provider=True, env=None):
        command = [self.kbgen, "secrets", *arguments, "--credentials", str(self.folder)]
        if provider:
            command += ["--provider", "vault"]
        ran, blobs = canary.watched(command, env={**self.env, **(env or {})}, cwd=HERE.parent)
        # The token is in kbgen's environment because its caller put it there; nowhere else.
        self.blobs += [(name, data) for name, data in blobs
                       if not (name.startswith("environ") and b"VAULT_ADDR" in data)]
        said = (ran.stdout + ran.stderr).decode()
        assert ran.returncode == status, f"{arguments} exits {ran.returncode}, not {status}:\n{said}"
        for text in says:
            assert text in said, f"{arguments} does not say {text!r}:\n{said}"
        return said

    def value(self, file, key):
        found = re.search(rf"^{key}=(.*)$", (self.folder / file).read_text(), re.M)
        return found[1] if found else None

    def state(self):
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}


def wire_format(kbgen, work):
    kv = Kv()
    server, address = serve(kv)
    op = Operator(kbgen, work / "credentials", address)
    path = "keybuzz/global/redis"

    # What is missing is made in the store and copied into the env files.
    said = op.run(0, "init", says=["REDIS_PASSWORD"])
    assert said.count(" created\n") > 20, said
    assert set(kv.versions) >= {path, "keybuzz/global/postgres", "keybuzz/global/minio"}
    for brick, versions in kv.versions.items():
        file = brick.rsplit("/", 1)[1] + ".env"
        assert len(versions) == 1
        for key, value in versions[0].items():
            assert op.value(file, key) == value
    reads = [r for r in kv.requests if r[0] == "GET"]
    assert all(r[2]["X-Vault-Request"] == "true" for r in reads)
    op.run(0, "check", says=["all there"])
    versions = json.dumps(kv.versions)
    before = op.state()
    op.run(0, "init", says=[" kept"])
    assert json.dumps(kv.versions) == versions and op.state() == before, "a second init writes"

    # Lost on one side: it comes from the other. What others keep in the brick stays, whatever it is.
    kv.versions[path].append({**kv.versions[path][0], "note": "by hand", "port": 6379, "list": [1.5, None]})
    (work / "credentials/redis.env").unlink()
    op.run(1, "check", says=["KB6001"])
    op.run(0, "init", says=[" fetched"])
    assert op.state() == before
    del kv.versions[path][-1]["REDIS_PASSWORD"]
    op.run(1, "check", says=["KB6001", "secret/keybuzz/global/redis"])
    op.run(0, "init", says=[" stored"])
    last = kv.versions[path][-1]
    assert last["REDIS_PASSWORD"] == op.value("redis.env", "REDIS_PASSWORD")
    assert last["note"] == "by hand" and last["port"] == 6379 and last["list"] == [1.5, None]

    # Two values for one thing: nothing is written on either side.
    kv.versions[path].append({**last, "REDIS_PASSWORD": "Z" * 32})
    (work / "credentials/minio.env").unlink()
    count, before = len(kv.requests), op.state()
    op.run(1, "init", says=["KB6010", "redis.env:"])
    assert op.state() == before and all(r[0] == "GET" for r in kv.requests[count:])
    op.run(1, "check", says=["KB6010"])
    kv.versions[path].pop()
    op.run(0, "init")

    # A value that would be more than a line of the file.
    kv.versions[path].append({**last, "REDIS_PASSWORD": "a\nPATH=/tmp"})
    text = op.value("redis.env", "REDIS_PASSWORD")
    (work / "credentials/redis.env").unlink()
    op.run(1, "init", says=["KB6005"])
    assert not (work / "credentials/redis.env").exists()
    kv.versions[path].pop()
    op.run(0, "init")
    assert op.value("redis.env", "REDIS_PASSWORD") == text

    # Somebody else writes between our read and our write: theirs stays, ours is not written anywhere.
    def interfere(name):
        kv.versions[name].append({**kv.versions[name][-1], "REDIS_PASSWORD": "Y" * 32})

    kv.before_write = interfere
    before = op.state()
    op.run(3, "rotate", "redis_password", says=["somebody else wrote there", "check-and-set"])
    assert kv.versions[path][-1]["REDIS_PASSWORD"] == "Y" * 32
    assert op.value("redis.env", "REDIS_PASSWORD") == text
    # A run that died there goes on with what the store has, which may be in use.
    op.run(0, "rotate", "redis_password", says=["--finish redis_password --provider vault"])
    assert op.value("redis.env", "REDIS_PASSWORD") == "Y" * 32
    op.run(0, "rotate", "--undo", "redis_password")
    assert op.state() == before
    assert kv.versions[path][-1]["REDIS_PASSWORD"] == text
    op.run(0, "check")
    op.run(0, "rotate", "redis_password")
    new = op.value("redis.env", "REDIS_PASSWORD")
    assert new not in (text, "Y" * 32) and kv.versions[path][-1]["REDIS_PASSWORD"] == new
    op.run(0, "rotate", "--finish", "redis_password")
    op.run(0, "check")

    # What Vault says when it does not want to.
    kv.versions[path].append(None)
    op.run(3, "init", says=["was deleted (version", "undelete"])
    kv.versions[path].pop()
    op.run(3, "init", env={"VAULT_TOKEN": "another"}, says=["HTTP 403", "permission denied"])
    op.run(3, "init", "--vault-path", "kv/keybuzz", says=["HTTP 404", "no handler for route"])
    op.run(3, "init", "--vault-path", "kv", says=["MOUNT/FOLDER"])
    kv.sealed = True
    op.run(3, "check", says=["HTTP 503", "sealed"])
    kv.sealed = False
    op.run(3, "check", env={"VAULT_ADDR": "http://10.0.0.150:8200"}, says=["in clear"])
    op.run(3, "check", env={"VAULT_ADDR": "https://127.0.0.1:1"}, says=["127.0.0.1"])
    server.shutdown()
    server.server_close()
    op.run(3, "check", says=["/v1/secret/data/keybuzz/global/"])

    # The token from where `vault login` leaves it, unless others can read it.
    server, address = serve(kv)
    token = work / ".vault-token"
    token.write_text(TOKEN + "\n")
    for mode, status, says in ((0o600, 0, "all there"), (0o644, 3, "chmod 0600")):
        token.chmod(mode)
        reader = Operator(kbgen, work / "credentials", address, token=None)
        reader.run(status, "check", says=[says])
    # Whatever ~/.curlrc says: a trace would have the token and every value.
    (work / ".curlrc").write_text(f'trace-ascii = "{work}/trace"\ninsecure\n')
    op = Operator(kbgen, work / "credentials", address)
    op.run(0, "check")
    assert not (work / "trace").exists()
    server.shutdown()
    return op, kv


def tls_is_checked(kbgen, work):
    """A certificate that nobody vouches for is refused; one that VAULT_CACERT does is not."""
    import ssl
    key, cert = work / "key.pem", work / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=vault", "-addext",
                    "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    server, address = serve(Kv())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    op = Operator(kbgen, work / "tls", address.replace("http:", "https:"))
    op.run(3, "init", says=["certificate"])
    op.run(3, "init", env={"VAULT_SKIP_VERIFY": "true"}, says=["certificate"])
    assert not list((work / "tls").glob("*.env"))
    op.run(0, "init", env={"VAULT_CACERT": str(cert)})
    server.shutdown()


def no_leak(op, kv):
    """The token and every value that was ever in the store, in whatever was seen of any process."""
    values = {TOKEN.encode()}
    for versions in kv.versions.values():
        for version in versions:
            values |= {v.encode() for v in version.values() if isinstance(v, str) and len(v) >= 16}
    assert len(values) > 20
    leaks = canary.scan(sorted(values), blobs=op.blobs)
    assert not leaks, leaks
    assert any(name.startswith("cmdline") and b"curl" in data for name, data in op.blobs), \
        "curl was never seen: the watch proves nothing"


def real_server(kbgen, work):
    program = os.environ.get("KBGEN_VAULT") or shutil.which("bao") or shutil.which("vault")
    if not program:
        print("skipped: neither bao nor vault is in PATH; only the wire format was tested")
        return
    env = {"PATH": os.environ["PATH"], "HOME": str(work)}
    with open(work / "server.log", "wb") as log:
        server = subprocess.Popen([program, "server", "-dev", f"-dev-root-token-id={TOKEN}",
                                   "-dev-listen-address=127.0.0.1:18200", "-dev-no-store-token"],
                                  env=env, stdout=log, stderr=log)
    try:
        address = "http://127.0.0.1:18200"
        for _ in range(150):
            try:
                urllib.request.urlopen(address + "/v1/sys/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        op = Operator(kbgen, work / "real", address)
        op.run(0, "init", says=[" created"])
        op.run(0, "check", says=["all there"])
        before = op.state()
        op.run(0, "init", says=[" kept"])
        (work / "real/redis.env").unlink()
        op.run(0, "init", says=[" fetched"])
        assert op.state() == before
        op.run(0, "rotate", "redis_password")
        op.run(0, "check", says=["KB6011"])
        op.run(0, "rotate", "--undo", "redis_password")
        assert op.state() == before
        op.run(3, "check", env={"VAULT_TOKEN": "another"}, says=["HTTP 403"])
        op.run(3, "check", "--vault-path", "kv/keybuzz", says=["HTTP 40"])
        print(f"ok: the same with {program}")
    finally:
        server.terminate()
        server.wait()


def main():
    kbgen = os.path.abspath(sys.argv[1])
    if shutil.which("curl") is None:
        print("skipped: no curl")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        op, kv = wire_format(kbgen, work)
        no_leak(op, kv)
        tls_is_checked(kbgen, work)
        real_server(kbgen, work)
    print(f"ok: {len(kv.requests)} requests")


if __name__ == "__main__":
    main()
