#include "unit/tmpl/oracle.h"

// Reads with BIND: named-compilezone prints a zone in its canonical form, in which only a backslash
// escapes.
namespace kb::tmpl::test {
namespace {

// All documents are one zone: the record `vN` of the N-th becomes the N-th name.
Reader Records(const std::string& value) {
  return PythonBatch(R"(
import re, subprocess, tempfile
def undo(text):
    def one(match):
        code = match.group(1)
        return bytes([int(code)]) if len(code) == 3 else code
    return re.sub(rb'\\(\d\d\d|.)', one, text, flags=re.S).decode()
def read_all(texts):
    zone = '$ORIGIN kb.\n$TTL 60\n@ IN SOA ns.kb. root.kb. 1 2 3 4 5\n@ IN NS ns.kb.\nns IN A 10.0.0.1\n'
    zone += ''.join(t.replace('vN', 'v%d' % i) for i, t in enumerate(texts))
    with tempfile.TemporaryDirectory() as d:
        open(d + '/in', 'w', newline='').write(zone)
        argv = ['named-compilezone', '-k', 'ignore', '-i', 'none', '-s', 'full', '-o', d + '/out',
                'kb', d + '/in']
        if subprocess.run(argv, stdout=subprocess.DEVNULL).returncode != 0:
            return [None] * len(texts)
        records = [l.split(None, 4) for l in open(d + '/out', 'rb').read().split(b'\n') if l]
    return [answer(records, 'v%d' % i) for i in range(len(texts))]
)" + value);
}

bool HasBind() { return kb::test::HasProgram("named-compilezone"); }

TEST(ZoneOracle, GivesEachTextBack) {
  if (!HasBind()) GTEST_SKIP() << "bind9-utils is not installed";
  const Reader texts = Records(R"(
def answer(records, name):
    found = [r[4] for r in records if r[0].decode() == name + '.kb.' and r[3] == b'TXT']
    if len(found) != 1 or not found[0].startswith(b'"kb" "'):
        return None
    return undo(found[0][len('"kb" "'):-1])
)");
  const Place places[] = {
      {"vN IN TXT \"kb\" \"<%= v %>\"\n", "", "", "it's \"so\" \\ \n ; ( $ @", "a\"b"},
      {"vN TXT ( kb ; it's \" ) <%= v %>\n \"x\\\"\\010<%= v %>\" )\n", "x\"\n", "",
       "it's \"so\" \\ \n", ""},
  };
  for (const Place& place : places) {
    ExpectReadBack("zone", place, kb::test::HostileValues(), texts);
  }
}

TEST(ZoneOracle, GivesEachNameBack) {
  if (!HasBind()) GTEST_SKIP() << "bind9-utils is not installed";
  const Reader names = Records(R"(
def answer(records, name):
    found = [r[0] for r in records if r[3] == b'CNAME' and r[4].decode() == name + '.kb.']
    if len(found) != 1 or not found[0].endswith(b'.kb.'):
        return None
    return undo(found[0][:-len('.kb.')])
)");
  ExpectReadBack("zone", {"x<%= v %> IN CNAME vN\n", "x", "", "db-1.x", "a b"}, HostileAtoms(),
                 names, AtomType());
  const Reader targets = Records(R"(
def answer(records, name):
    found = [r[4] for r in records if r[0].decode() == name + '.kb.' and r[3] == b'CNAME']
    return undo(found[0][:-len('.kb.')]) if len(found) == 1 else None
)");
  ExpectReadBack("zone", {"vN IN CNAME <%= v %>\n", "", "", "db-1.x", "@"}, HostileAtoms(), targets,
                 AtomType());
}

}  // namespace
}  // namespace kb::tmpl::test
