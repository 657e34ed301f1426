#include "unit/tmpl/oracle.h"

// Reads with HAProxy itself: an argument of `setenv` by a Lua script that runs while the
// configuration is read, an argument of a rule by asking a running HAProxy over a Unix socket.
namespace kb::tmpl::test {
namespace {

Reader Variables() {
  return PythonBatch(R"(
import os, subprocess, tempfile
def read_all(texts):
    with tempfile.TemporaryDirectory() as d:
        lines = [t.replace('V ', 'V%d ' % i, 1) for i, t in enumerate(texts)]
        lua = ("local f = io.open('%s/out', 'wb')\n"
               "for i = 0, %d do local v = os.getenv('V' .. i)\n"
               "f:write(v and '=' .. v or '!', '\\0') end\nf:close()\n") % (d, len(texts) - 1)
        open(d + '/r.lua', 'w').write(lua)
        open(d + '/cfg', 'w', newline='').write(
            'global\n' + ''.join(lines) + '  lua-load %s/r.lua\n' % d +
            'defaults\n  mode http\n  timeout client 1s\n  timeout connect 1s\n  timeout server 1s\n'
            'frontend f\n  bind unix@%s/s\n' % d)
        done = subprocess.run(['haproxy', '-c', '-f', d + '/cfg'], capture_output=True, env={
            'PATH': '/usr/sbin:/usr/bin'})
        if done.returncode != 0:
            return [None] * len(texts)
        answers = open(d + '/out', 'rb').read().split(b'\0')[:-1]
        return [a[1:].decode() if a[:1] == b'=' else None for a in answers]
)");
}

Reader Responses() {
  return PythonBatch(R"(
import http.client, socket, subprocess, tempfile, time
class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('kb')
        self.path = path
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
def read_all(texts):
    with tempfile.TemporaryDirectory() as d:
        lines = [t.replace('/N ', '/%d ' % i, 1) for i, t in enumerate(texts)]
        open(d + '/cfg', 'w', newline='').write(
            'global\n  tune.bufsize 400000\ndefaults\n  mode http\n  timeout client 9s\n'
            '  timeout connect 9s\n  timeout server 9s\nfrontend f\n  bind unix@%s/s\n' % d +
            ''.join(lines) + '  http-request return status 404\n')
        haproxy = subprocess.Popen(['haproxy', '-db', '-f', d + '/cfg'],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={'PATH': '/usr/sbin:/usr/bin', 'HOME': '/root'})
        try:
            for attempt in range(100):
                try:
                    connection = Unix(d + '/s')
                    connection.connect()
                    break
                except OSError:
                    if haproxy.poll() is not None:
                        return [None] * len(texts)
                    time.sleep(0.05)
            answers = []
            for i in range(len(texts)):
                connection.request('GET', '/%d' % i)
                response = connection.getresponse()
                body = response.read()
                answers.append(body.decode() if response.status == 200 else None)
            return answers
        finally:
            haproxy.kill()
            haproxy.wait()
)");
}

bool HasHaproxy() { return kb::test::HasProgram("haproxy"); }

TEST(HaproxyOracle, GivesEachArgumentBack) {
  if (!HasHaproxy()) GTEST_SKIP() << "haproxy is not installed";
  const Place places[] = {
      {"  setenv V <%= v %>\n", "", "", "it's \"so\" 100% $HOME # \\ {", "a b"},
      {"  setenv V x-<%= v %>-y # <%= v %>\n", "x-", "-y", "it's \"so\"", "#"},
      {"  setenv V \"<%= v %>\"\n", "", "", "it's \"so\" $HOME", "$HOME"},
      {"  setenv V \"x \\\"<%= v %>\"'y'\n", "x \"", "y", "it's \"so\" $HOME", "\\"},
      {"  setenv V '<%= v %>'\n", "", "", "it's \"so\" $HOME", "'"},
      {"  setenv V x\\ '<%= v %>'\n", "x ", "", "it's", "'"},
  };
  for (const Place& place : places) {
    ExpectReadBack("haproxy", place, kb::test::HostileValues(), Variables());
  }
  ExpectReadBack("haproxy", {"  setenv V <%= v %>\n", "", "", "x", ""}, HostileAtoms(), Variables(),
                 AtomType());
}

TEST(HaproxyOracle, GivesEachArgumentOfARuleBack) {
  if (!HasHaproxy()) GTEST_SKIP() << "haproxy is not installed";
  const Place places[] = {
      {"  http-request return status 200 content-type text/plain string <%= v %> if { path /N }\n",
       "", "", "it's \"so\" $HOME", "a b"},
      {"  http-request return status 200 content-type text/plain lf-string \"x <%= v %>\" if { "
       "path "
       "/N }\n",
       "x ", "", "it's \"so\" $HOME", "%[src]"},
  };
  for (const Place& place : places) {
    ExpectReadBack("haproxy", place, kb::test::HostileValues(), Responses());
  }
}

// Quotes do not hide what a word means to a rule.
TEST(HaproxyOracle, RefusesWordsThatWouldMeanMoreThanThemselves) {
  const Hole rule("haproxy", "  http-request deny if { path <%= v %> }\n");
  for (const std::string_view value : {"", "-f", "}", "{", "||", "if", "%[src]", "a\nb"}) {
    EXPECT_FALSE(rule.Fill(value).has_value()) << value;
  }
  EXPECT_EQ(rule.Fill("/a b"), "  http-request deny if { path '/a b' }\n");
}

TEST(HaproxyOracle, RefusesHolesThatCouldChangeTheStructure) {
  for (const std::string_view text :
       {"<%= v %> x\n", "frontend <%= v %>\n", "  log-format <%= v %>\n", "  <%= v %>\n",
        "  http-request set-var(txn.x) str(<%= v %>)\n", "  setenv V \\<%= v %>\n",
        "  setenv V \"$<%= v %>\"\n", "  setenv V \"${<%= v %>}\"\n", "  setenv V \"<%= v %>\n"}) {
    EXPECT_FALSE(Hole("haproxy", text).ok()) << text;
  }
}

// A variable's name may be chosen by the model, its value never stands in the file.
TEST(HaproxyOracle, NamesAVariableByAnAtomThatIsOne) {
  const Hole send("haproxy", "  tcp-check send \"AUTH ${<%= v %>_KEY}\\r\\n\"\n", AtomType());
  EXPECT_EQ(send.Fill("REDIS"), "  tcp-check send \"AUTH ${REDIS_KEY}\\r\\n\"\n");
  for (const std::string_view value : {"a.b", "a-b", "a/b", "a:b"}) {
    EXPECT_FALSE(send.Fill(value).has_value()) << value;
  }
}

}  // namespace
}  // namespace kb::tmpl::test
