#include <unistd.h>

#include "unit/tmpl/oracle.h"

// The small formats: nftables, sshd_config, sysctl.d, INI and plain words, each read by the program
// that it is written for.
namespace kb::tmpl::test {
namespace {

TEST(NftOracle, GivesEachCommentAndPrefixBack) {
  if (!kb::test::HasProgram("nft")) GTEST_SKIP() << "nftables is not installed";
  if (geteuid() != 0 || kb::test::Run({"unshare", "-n", "nft", "list", "ruleset"}).status != 0) {
    GTEST_SKIP() << "a network namespace with nftables is not allowed here";
  }
  const std::string reader = R"(
import json, subprocess
def read_all(texts):
    rules = 'add table inet t\nadd chain inet t c\n' + ''.join(texts)
    done = subprocess.run(['unshare', '-n', 'bash', '-c', 'nft -f - && nft -j list ruleset'],
                          input=rules.encode(), capture_output=True)
    if done.returncode != 0:
        return [None] * len(texts)
    rules = [o['rule'] for o in json.loads(done.stdout)['nftables'] if 'rule' in o]
    return ([value(r) for r in rules] + [None] * len(texts))[:len(texts)]
)";
  ExpectReadBack("nft",
                 {"add rule inet t c tcp dport 1 counter comment \"x <%= v %>\" # <%= v %>\n", "x ",
                  "", "it's 100% # ;", ""},
                 kb::test::HostileValues(), PythonBatch(reader + R"(
def value(rule): return rule['comment']
)"));
  ExpectReadBack("nft",
                 {"add rule inet t c log prefix \"x<%= v %>\"\n", "x", "", "it's 100% # ;", "\""},
                 kb::test::HostileValues(), PythonBatch(reader + R"(
def value(rule): return rule['expr'][0]['log']['prefix']
)"));
  for (const std::string_view text :
       {"add rule inet t c ip saddr <%= v %> accept\n", "add set inet <%= v %>\n",
        "add rule inet t c comment \"a\"<%= v %>\n", "add rule inet t c comment \"<%= v %>\n"}) {
    EXPECT_FALSE(Hole("nft", text).ok()) << text;
  }
  EXPECT_EQ(Hole("nft", "ip saddr <%= v %> accept\n", AtomType()).Fill("10.0.0.0/16"),
            "ip saddr 10.0.0.0/16 accept\n");
}

TEST(SshdOracle, GivesEachArgumentBack) {
  if (!kb::test::HasProgram("sshd")) GTEST_SKIP() << "openssh-server is not installed";
  if (geteuid() != 0) GTEST_SKIP() << "sshd -T needs root";
  const Reader sshd = PythonBatch(R"(
import os, shutil, subprocess, tempfile
os.environ['PATH'] += ':/usr/sbin'
os.makedirs('/run/sshd', exist_ok=True)
def read_all(texts):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', d + '/key'], check=True)
        def read(text):
            open(d + '/conf', 'w', newline='').write('HostKey %s/key\n' % d + text)
            out = subprocess.run([shutil.which('sshd'), '-T', '-f', d + '/conf'],
                                 capture_output=True).stdout.decode()
            lines = dict(l.split(' ', 1) for l in out.split('\n') if ' ' in l)
            return lines.get('denygroups') if lines.get('maxsessions') == '77' else None
        return [read(t) for t in texts]
)");
  const Place places[] = {
      {"DenyGroups <%= v %>\nMaxSessions 77\n", "", "", "/a b#c", "a b"},
      {"# <%= v %>\nDenyGroups \"/x <%= v %>\"\nMaxSessions 77\n", "/x ", "", "a # b", ""},
  };
  for (const Place& place : places) {
    ExpectReadBack("sshd", place, kb::test::HostileValues(), sshd);
  }
  for (const std::string_view text :
       {"<%= v %> yes\n", "ForceCommand <%= v %>\n", "VersionAddendum x <%= v %>\n",
        "Banner /x<%= v %>\n", "Banner \"<%= v %>\n"}) {
    EXPECT_FALSE(Hole("sshd", text).ok()) << text;
  }
  EXPECT_EQ(
      Hole("sshd", "PasswordAuthentication <%= v %>\n", BoolType()).Render(Value::Bool(false)),
      "PasswordAuthentication no\n");
}

TEST(SysctlOracle, GivesEachValueBack) {
  const std::string help = kb::test::Run({"sysctl", "--help"}).out;
  if (help.find("--dry-run") == std::string::npos) GTEST_SKIP() << "no sysctl with --dry-run";
  const Reader sysctl = PythonBatch(R"(
import os, subprocess, tempfile
os.environ['PATH'] += ':/usr/sbin'
def read_all(texts):
    with tempfile.TemporaryDirectory() as d:
        open(d + '/conf', 'w', newline='').write(''.join(texts))
        out = subprocess.run(['sysctl', '--dry-run', '-p', d + '/conf'], capture_output=True).stdout
    start = 'kernel.core_pattern = '
    lines = [l[len(start):] for l in out.decode().split('\n') if l.startswith(start)]
    return lines if len(lines) == len(texts) else [None] * len(texts)
)");
  const Place places[] = {
      {"kernel.core_pattern = <%= v %>\n", "", "", "|/x \"it's\" 100% # ;",
       "a\nkernel.core_pattern=b"},
      {"# <%= v %>\nkernel.core_pattern=|/x <%= v %>\n", "|/x ", "", "it's", ""},
  };
  for (const Place& place : places) {
    ExpectReadBack("sysctl", place, kb::test::HostileValues(), sysctl);
  }
  EXPECT_FALSE(Hole("sysctl", "<%= v %> = 1\n").ok());
  EXPECT_EQ(
      Hole("sysctl", "net.ipv4.ip_forward = <%= v %>\n", BoolType()).Render(Value::Bool(true)),
      "net.ipv4.ip_forward = 1\n");
}

// The value `v` of the only section, beside a value that must stay.
std::string IniReader(const std::string& parser) {
  return "import configparser\n" + parser + R"(
def read(text):
    p = parser()
    p.read_string(text)
    assert p.sections() == ['s'] and dict(p['s']).keys() == {'v', 'z'} and p['s']['z'] == 'end'
    return p['s']['v']
)";
}

TEST(IniOracle, GivesEachValueBack) {
  const Place whole = {"[s]\nv = <%= v %>\nz = end\n", "", "", "a b, c: d = (e)", ""};
  const Place part = {"; <%= v %>\n[s]\nv = x<%= v %>y\nz = end\n", "x", "y", "a b = c", "\nw=1\n"};
  const std::string configparser = R"(
def parser(): return configparser.RawConfigParser(delimiters=('=',))
)";
  for (const std::string_view dialect : {"ini", "systemdconf"}) {
    ExpectReadBack(dialect, whole, kb::test::HostileValues(),
                   PythonReader(IniReader(configparser)));
    ExpectReadBack(dialect, part, kb::test::HostileValues(), PythonReader(IniReader(configparser)));
    EXPECT_FALSE(Hole(dialect, "[<%= v %>]\n").ok());
    EXPECT_FALSE(Hole(dialect, "<%= v %> = 1\n").ok());
  }
  // The stricter readers of INI find nothing in a value of `ini` either.
  const std::string strict = R"(
def parser(): return configparser.ConfigParser(inline_comment_prefixes=('#', ';'))
)";
  ExpectReadBack("ini", {whole.text, "", "", "a b", "a ;b"}, kb::test::HostileValues(),
                 PythonReader(IniReader(strict)));
}

TEST(IniOracle, GivesEachValueOfFail2banBack) {
  // fail2ban belongs to the system's Python, which may not be the first one in PATH.
  constexpr const char* kPython = "/usr/bin/python3";
  const std::string import =
      "from fail2ban.client.configparserinc import SafeConfigParserWithIncludes\n";
  if (kb::test::Run({kPython, "-c", import}).status != 0) {
    GTEST_SKIP() << "fail2ban is not installed";
  }
  const std::string program = import + R"(
import os, sys, tempfile
def read(text):
    with tempfile.NamedTemporaryFile('w', suffix='.conf', newline='') as f:
        f.write(text)
        f.flush()
        p = SafeConfigParserWithIncludes()
        p.read(f.name)
    assert p.get('s', 'z') == 'end' and set(p.options('s')) == {'v', 'z'}
    return p.get('s', 'v')
)";
  const Place place = {"[s]\nv = x<%= v %>\nz = end\n", "x", "", "50% of \"it\"", "%(z)s"};
  ExpectReadBack("fail2ban", place, kb::test::HostileValues(), PythonReader(program, kPython));
}

TEST(ConfOracle, AdmitsWordsAndComments) {
  const Hole word("conf", "-w <%= v %> -p wa\n");
  EXPECT_EQ(word.Fill("/etc/x"), "-w /etc/x -p wa\n");
  for (const std::string_view value : {"", "a b", "-x", "a#b", "\"a\"", "a\nb"}) {
    EXPECT_FALSE(word.Fill(value).has_value()) << value;
  }
  EXPECT_EQ(Hole("conf", "# <%= v %>\nx\n").Fill("a\nb\x1b"), "# a b \nx\n");
}

}  // namespace
}  // namespace kb::tmpl::test
