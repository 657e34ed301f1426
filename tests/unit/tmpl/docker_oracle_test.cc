#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "unit/tmpl/oracle.h"

// Reads Dockerfiles with the builder of a Docker engine of its own, without network or containers,
// and env files with Docker's command line, which talks to a stand-in for the engine.
namespace kb::tmpl::test {
namespace {

// `read_all` gets the documents; V= of each becomes a name of its own.
constexpr std::string_view kNumbered = R"(
import glob, json, os, socket, subprocess, tempfile, threading, http.server, socketserver
def numbered(texts):
    return ''.join(t.replace('V=', 'V%d=' % i, 1) for i, t in enumerate(texts))
def by_number(entries, count):
    found = dict(e.split('=', 1) for e in entries)
    return [found.get('V%d' % i) for i in range(count)]
)";

// Every instruction looks at the variables of all before it, so long Dockerfiles take very long.
constexpr std::string_view kInPieces = R"(
def read_all(texts):
    return [v for i in range(0, len(texts), 60) for v in read_some(texts[i:i + 60])]
)";

Reader EnvFiles() {
  return PythonBatch(std::string(kNumbered) + R"(
class Engine(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def answer(self, code, body=b'{}'):
        self.send_response(code)
        self.send_header('Api-Version', '1.41')
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)
    def do_HEAD(self): self.answer(200)
    def do_GET(self): self.answer(200)
    def do_POST(self):
        if self.headers.get('Transfer-Encoding') == 'chunked':
            body = b''
            while (size := int(self.rfile.readline(), 16)):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.created = json.loads(body)
        self.answer(201, b'{"Id": "kb", "Warnings": []}')
    def log_message(self, *ignored): pass
    def address_string(self): return 'unix'
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    created = {'Env': []}
def read_all(texts):
    with tempfile.TemporaryDirectory() as d:
        open(d + '/env', 'w', newline='').write(numbered(texts))
        server = Server(d + '/s', Engine)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        subprocess.run(['docker', '-H', 'unix://' + d + '/s', 'create', '--env-file', d + '/env',
                        'image'], capture_output=True)
        server.shutdown()
        return by_number((server.created or {}).get('Env') or [], len(texts))
)");
}

// The hand-written values, the long ones and a few of the composed ones: the builder is slow.
std::vector<std::string> SomeValues() {
  std::vector<std::string> values = kb::test::HostileValues();
  values.resize(values.size() - 350);
  return values;
}

class DockerOracle : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0 || !kb::test::HasProgram("dockerd")) return;
    dir_ = std::make_unique<kb::test::TempDir>();
    const std::string script =
        "cd " + dir_->path() +
        " && setsid dockerd --data-root $PWD/root --exec-root $PWD/exec -H unix://$PWD/s --pidfile "
        "$PWD/pid "
        "--iptables=false --bridge=none --storage-driver=vfs </dev/null >log 2>&1 & "
        "for i in $(seq 100); do docker -H unix://" +
        dir_->path() + "/s version >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1";
    running_ = kb::test::Run({"bash", "-c", script}).status == 0;
    setenv("KBGEN_TEST_DOCKER", (dir_->path() + "/s").c_str(), 1);
    if (running_) running_ = Variables()({"ENV V=x\n"})[0] == "x";
  }
  static void TearDownTestSuite() {
    if (!dir_) return;
    kb::test::Run({"bash", "-c",
                   "cd " + dir_->path() +
                       " && p=$(cat pid) && kill $p && while kill -0 $p; do sleep "
                       "0.1; done"});
    dir_.reset();
  }

  // The image that the lines make, as `config`. Only some versions of the command line have a
  // builder in themselves.
  static Reader Build(const std::string& answer) {
    return PythonBatch(std::string(kNumbered) + R"(
def build(lines):
    engine = ['-H', 'unix://' + os.environ['KBGEN_TEST_DOCKER']]
    with tempfile.TemporaryDirectory() as d:
        open(d + '/Dockerfile', 'w', newline='').write('FROM scratch\n' + lines)
        for path in os.environ['PATH'].split(':'):
            docker = path + '/docker'
            if not os.access(docker, os.X_OK):
                continue
            built = subprocess.run([docker, *engine, 'build', '-q', '-t', 'kb', d],
                capture_output=True, env={'DOCKER_BUILDKIT': '1', 'HOME': d, 'PATH': '/usr/bin'})
            if built.returncode == 0:
                out = subprocess.run([docker, *engine, 'image', 'inspect', 'kb'],
                                     capture_output=True, check=True).stdout
                return json.loads(out)[0]['Config']
    return {}
)" + answer);
  }
  static Reader Variables() {
    return Build(
        "def read_some(texts):\n"
        "    return by_number(build(numbered(texts)).get('Env') or [], len(texts))\n" +
        std::string(kInPieces));
  }
  static Reader Labels() {
    return Build(
        "def read_some(texts):\n"
        "    labels = build(numbered(texts)).get('Labels') or {}\n"
        "    return [labels.get('V%d' % i) for i in range(len(texts))]\n" +
        std::string(kInPieces));
  }
  static Reader Commands() {
    return Build(
        "def read_all(texts):\n"
        "    made = [build(t).get('Cmd') or [] for t in texts]\n"
        "    return [c[1] if len(c) == 3 and c[2] == 'end' else None for c in made]\n");
  }

  static std::unique_ptr<kb::test::TempDir> dir_;
  static bool running_;
};

std::unique_ptr<kb::test::TempDir> DockerOracle::dir_;
bool DockerOracle::running_ = false;

TEST_F(DockerOracle, GivesEachVariableAndLabelBack) {
  if (!running_) GTEST_SKIP() << "no Docker engine with a builder can be started here";
  const Place variables[] = {
      {"ENV V=\"<%= v %>\"\n", "", "", "it's \"so\" $HOME \\", "$HOME"},
      {"ENV V=<%= v %> W=1\n", "", "", "it's \"so\" $HOME", "a b"},
      {"ENV W=1 \\\n  # <%= v %>\n  V=\"x <%= v %> y\"\n", "x ", " y", "it's", ""},
      {"ENV V='<%= v %>'\n", "", "", "\"so\" $HOME", "'"},
      {"ARG A=\"<%= v %>\"\nENV V=\"$A\"\n", "", "", "it's \"so\" $HOME", "\\"},
  };
  for (const Place& place : variables) {
    ExpectReadBack("dockerfile", place, SomeValues(), Variables());
  }
  ExpectReadBack("dockerfile", {"LABEL V=\"<%= v %>\"\n", "", "", "it's \"so\" $HOME", "\""},
                 SomeValues(), Labels());
}

// One image a value, so only those that have made trouble for somebody.
TEST_F(DockerOracle, GivesElementsOfAJsonFormBack) {
  if (!running_) GTEST_SKIP() << "no Docker engine with a builder can be started here";
  const std::vector<std::string> values = {"a b",  "\"",  "\\",    "$HOME", "${X}", "a\nb",
                                           "# x",  "'",   "\x01",  "]",     "",     "é",
                                           "\\\n", "x\\", "<<EOF", ","};
  ExpectReadBack("dockerfile",
                 {"CMD [\"begin\", <%= v %>, \"end\"]\n", "", "", "it's \"so\" $HOME", ""}, values,
                 Commands());
}

TEST_F(DockerOracle, WritesEveryElementOfAJsonFormAsJson) {
  const Reader json = PythonReader(R"(
import json
def read(text):
    keyword, rest = text.rstrip('\n').split(' ', 1)
    assert keyword == 'RUN' and '\n' not in rest
    words = json.loads(rest)
    assert len(words) == 3 and words[0] == 'x' and words[2] == 'y'
    return words[1]
)");
  for (const Place& place :
       {Place{"RUN [\"x\", <%= v %>, \"y\"]\n", "", "", "it's \"so\" $HOME", "\""},
        Place{"RUN [ \"x\",\"a \\\" <%= v %>\" , \"y\" ]\n", "a \" ", "", "a\nb", "\\"}}) {
    ExpectReadBack("dockerfile", place, kb::test::HostileValues(), json);
  }
}

TEST_F(DockerOracle, RefusesHolesThatCouldChangeTheStructure) {
  for (const std::string_view text :
       {"FROM <%= v %>\n", "RUN echo <%= v %>\n", "RUN echo \"<%= v %>\"\n", "<%= v %> x\n",
        "ENV <%= v %>=x\n", "COPY [\"<%= v %>\", \"/\"]\n", "ENV A=\"$<%= v %>\"\n",
        "ENV A=\"\\<%= v %>\"\n", "RUN <<EOF\n<%= v %>\nEOF\n", "CMD [<%= v %>x]\n",
        "ENV A=\"<%= v %>\n", "CMD [<%= v %>\n"}) {
    EXPECT_FALSE(Hole("dockerfile", text).ok()) << text;
  }
  EXPECT_EQ(Hole("dockerfile", "FROM <%= v %>\n", AtomType()).Fill("redis:7.2.5-alpine"),
            "FROM redis:7.2.5-alpine\n");
}

// Above the first instruction a comment may be a directive that changes the grammar.
TEST_F(DockerOracle, KeepsDirectivesOutOfCommentsAtTheTop) {
  EXPECT_FALSE(Hole("dockerfile", "# <%= v %>\nFROM x\n").Fill("escape=`").has_value());
  EXPECT_TRUE(Hole("dockerfile", "# <%= v %>\nFROM x\n").Fill("no directive").has_value());
  EXPECT_TRUE(Hole("dockerfile", "FROM x\n# <%= v %>\n").Fill("escape=`").has_value());
}

TEST(DockerEnvOracle, GivesEachValueOfAnEnvFileBack) {
  if (!kb::test::HasProgram("docker")) GTEST_SKIP() << "docker is not installed";
  const Place places[] = {
      {"V=<%= v %>\n", "", "", " it's \"so\" $HOME # ", "a\nb"},
      {"# <%= v %>\nV=x<%= v %>y\n", "x", "y", " it's \"so\" $HOME # ", ""},
  };
  for (const Place& place : places) {
    ExpectReadBack("dockerenv", place, kb::test::HostileValues(), EnvFiles());
  }
  EXPECT_FALSE(Hole("dockerenv", "<%= v %>=x\n").ok());
}

}  // namespace
}  // namespace kb::tmpl::test
