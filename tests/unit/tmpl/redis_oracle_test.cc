#include "unit/tmpl/oracle.h"

// Reads with Redis itself. A server is asked by CONFIG GET for directives that take any text; a
// Sentinel, which writes its file anew when it starts, is started twice, and a master that is none
// takes down the names and passwords that it sends.
namespace kb::tmpl::test {
namespace {

constexpr std::string_view kRespond = R"(
import os, socket, subprocess, tempfile, threading, time
def receive(stream):
    line = stream.readline()
    if line[:1] == b'$':
        return stream.read(int(line[1:]) + 2)[:-2]
    if line[:1] == b'*':
        return [receive(stream) for _ in range(int(line[1:]))]
    return None
def send(to, *words):
    to.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
)";

// Nine documents a server, each under a directive of its own.
Reader Arguments() {
  return PythonBatch(std::string(kRespond) + R"(
NAMES = ['masterauth', 'masteruser', 'cluster-announce-ip', 'slave-announce-ip', 'syslog-ident',
         'server_cpulist', 'bio_cpulist', 'aof_rewrite_cpulist', 'bgsave_cpulist']
def ask(texts, d):
    with open(d + '/conf', 'w', newline='') as f:
        f.write('port 0\nunixsocket %s/s\nsave ""\n' % d)
        f.write(''.join(t.replace('masterauth', n, 1) for t, n in zip(texts, NAMES)))
    server = subprocess.Popen(['redis-server', d + '/conf'], cwd=d, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        for attempt in range(2000):
            if server.poll() is not None:
                return None
            try:
                to = socket.socket(socket.AF_UNIX)
                to.connect(d + '/s')
                break
            except OSError:
                time.sleep(0.005)
        answers, stream = [], to.makefile('rb')
        for name in NAMES[:len(texts)]:
            send(to, b'CONFIG', b'GET', name.encode())
            answers.append(receive(stream)[1].decode())
        return answers
    finally:
        server.kill()
        server.wait()
def read_all(texts):
    answers = []
    for i in range(0, len(texts), len(NAMES)):
        with tempfile.TemporaryDirectory() as d:
            some = texts[i:i + len(NAMES)]
            answers += ask(some, d) or [None] * len(some)
    return answers
)");
}

Reader SentinelPasswords() {
  return PythonBatch(std::string(kRespond) + R"(
def read_all(texts):
    seen = {}
    def serve(client):
        stream = client.makefile('rb')
        try:
            while True:
                words = receive(stream)
                if words and words[0] == b'AUTH':
                    seen[words[1].decode()] = words[2].decode()
                client.sendall(b'-ERR no\r\n')
        except (OSError, TypeError, ValueError):
            pass
    def listen():
        while True:
            threading.Thread(target=serve, args=(master.accept()[0],), daemon=True).start()
    master = socket.create_server(('127.0.0.1', 0), backlog=1024)
    threading.Thread(target=listen, daemon=True).start()
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/conf', 'w', newline='') as f:
            f.write('port 0\nunixsocket %s/s\ndir %s\n' % (d, d))
            for i, text in enumerate(texts):
                f.write('sentinel monitor m%d 127.0.0.1 %d 1\n' % (i, master.getsockname()[1]))
                f.write('sentinel auth-user m%d u%d\n' % (i, i) + text.replace(' m ', ' m%d ' % i))
        for second in (False, True):
            sentinel = subprocess.Popen(['redis-server', d + '/conf', '--sentinel'], cwd=d,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                for attempt in range(400):
                    if len(seen) == len(texts) or sentinel.poll() is not None:
                        break
                    time.sleep(0.05)
            finally:
                sentinel.kill()
                sentinel.wait()
            if not second:
                time.sleep(0.1)
                seen.clear()
    return [seen.get('u%d' % i) for i in range(len(texts))]
)");
}

bool HasRedis() { return kb::test::HasProgram("redis-server"); }

TEST(RedisOracle, GivesEachArgumentBack) {
  if (!HasRedis()) GTEST_SKIP() << "redis-server is not installed";
  const Place places[] = {
      {"masterauth \"<%= v %>\"\n", "", "", "it's \"so\" \\ \n # \x01", "\" x"},
      {"# <%= v %>\nmasterauth \"x \\\"<%= v %>\"\n", "x \"", "", "it's \"so\" \\ \n", ""},
      {"masterauth '<%= v %>'\n", "", "", "it's \"so\" \\n # x", "' x"},
      {"masterauth x'\\'<%= v %>y'\n", "x'", "y", "it's \"so\" \\n", "'"},
  };
  for (const Place& place : places) {
    ExpectReadBack("redis", place, kb::test::HostileValues(), Arguments());
  }
  ExpectReadBack("redis", {"masterauth <%= v %>\n", "", "", "x", ""}, HostileAtoms(), Arguments(),
                 AtomType());
}

TEST(RedisOracle, GivesEachArgumentOfSentinelBackThoughItIsWrittenAnew) {
  if (!HasRedis()) GTEST_SKIP() << "redis-server is not installed";
  const Place place = {"sentinel auth-pass m \"<%= v %>\"\n", "", "", "a\\b#$;%", "a b"};
  ExpectReadBack("redis", place, kb::test::HostileValues(), SentinelPasswords());
}

}  // namespace
}  // namespace kb::tmpl::test
