#include "unit/tmpl/oracle.h"

namespace kb::tmpl::test {
namespace {

// The value at `v`, wherever it stands; any other node must be what the template says. PyYAML's own
// parser and libyaml differ in corners, so both read.
Reader PyYaml() {
  return PythonReader(R"(
import yaml
def read(text):
    doc = yaml.safe_load(text)
    assert not yaml.__with_libyaml__ or yaml.load(text, yaml.CSafeLoader) == doc
    assert set(doc) == {'a', 'v', 'z'} and doc['a'] == 1 and doc['z'] == 'end', doc
    v = doc['v']
    while not isinstance(v, str):
        if isinstance(v, list):
            assert len(v) == 3 and v[0] == 'one' and v[2] == 'two', v
            v = v[1]
        else:
            assert set(v) == {'k'}, v
            v = v['k']
    return v
)");
}

bool HasPyYaml() { return kb::test::Run({"python3", "-c", "import yaml"}).status == 0; }

constexpr std::string_view kProse = "it's \"100%\" # of\tsome: thing";

TEST(YamlOracle, GivesEachHostileTextBack) {
  if (!HasPyYaml()) GTEST_SKIP() << "python3-yaml is not installed";
  const Place places[] = {
      {"a: 1\nv: <%= v %>\nz: end\n", "", "", "a\nb\r\x01", "a: b"},
      {"a: 1\nv: <%= v %>  # why\nz: end\n", "", "", kProse, "a: b"},
      {"a: 1\nv:\n- one\n- <%= v %>\n- two\nz: end\n", "", "", kProse, "a: b"},
      {"a: 1\nv:\n  - one\n  -   k: <%= v %>\n  - two\nz: end\n", "", "", kProse, "&x"},
      {"a: 1\nv: [one, <%= v %>, two]\nz: end\n", "", "", kProse, "a, b"},
      {"a: 1\nv: {k: [one, <%= v %>, two]}\nz: end\n", "", "", kProse, "]"},
      {"a: 1\nv: \"<%= v %>\"\nz: end\n", "", "", "a\nb\r\x01", "\""},
      {"a: 1\nv: \"x \\\\<%= v %>\\\" y\"\nz: end\n", "x \\", "\" y", "a\nb", "\\"},
      {"a: 1\nv: {\"k\": \"<%= v %>\"}\nz: end\n", "", "", kProse, "\\"},
      {"a: 1\nv: '<%= v %>'\nz: end\n", "", "", kProse, "'"},
      {"a: 1\nv: 'x '' <%= v %> y'\nz: end\n", "x ' ", " y", kProse, "'"},
      {"a: 1\nv: |\n  <%= v %>\nz: end\n", "", "\n", "a\n  b\n\nc", "a\nb"},
      {"a: 1\nv: |-\n    x\n    <%= v %>\nz: end\n", "x\n", "", "  a\n  b\n\nc", "a\nb"},
      {"a: 1\nv: |\n  #!/bin/sh\n  # x <%= v %> y\n  z\nz: end\n", "#!/bin/sh\n# x ", " y\nz\n",
       "a\n  b\n\nc", "a\nb"},
      {"a: 1\nv: |+ # kept\n  x\n  <%= v %>\nz: end\n", "x\n", "\n", "a\nb\n", "a\nb"},
      {"a: 1\nv:\n- one\n- |\n  x\n    <%= v %>\n- two\nz: end\n", "x\n  ", "\n", "a\nb", "a\nb"},
      {"a: 1\nv:\n  - one\n  - k: |\n      <%= v %>\n  - two\nz: end\n", "", "\n", "a\nb", "a\nb"},
      {"a: 1\nv: >-\n  x\n  y <%= v %> z\nz: end\n", "x y ", " z", kProse, "a\nb"},
      {"a: 1\nv: >-\n  <%= v %>\nz: end\n", "", "", kProse, "a\n\nb"},
  };
  for (const Place& place : places) {
    ExpectReadBack("yaml", place, kb::test::HostileValues(), PyYaml());
  }
}

TEST(YamlOracle, GivesEachAtomBack) {
  if (!HasPyYaml()) GTEST_SKIP() << "python3-yaml is not installed";
  const Place places[] = {
      {"a: 1\nv: <%= v %>\nz: end\n", "", "", "x", "no"},
      {"a: 1\nv:\n- one\n- <%= v %>\n- two\nz: end\n", "", "", "x", "12:30"},
      {"a: 1\nv: [one, <%= v %>, two]\nz: end\n", "", "", "x:", "x:"},
      {"a: 1\nv: [one, x-<%= v %>, two]\nz: end\n", "x-", "", "no", "x: y"},
      {"a: 1\nv: host all <%= v %> md5\nz: end\n", "host all ", " md5", "10.0.0.0/16", "x:"},
      {"a: 1\nv: n<%= v %>\nz: end\n", "n", "", "x-1", "o"},
      {"a: 1\nv: redis-<%= v %>\nz: end\n", "redis-", "", "no", "x:"},
      {"a: 1\nv: \"<%= v %>/24\"\nz: end\n", "", "/24", "10.0.0.0", ""},
      {"a: 1\nv: '<%= v %>'\nz: end\n", "", "", "x:", ""},
      {"a: 1\nv: |\n  x: <%= v %>\nz: end\n", "x: ", "\n", "x:", ""},
  };
  for (const Place& place : places) {
    ExpectReadBack("yaml", place, HostileAtoms(), PyYaml(), AtomType());
  }
}

// An atom as a key stays that key: `no: 1` would be the key False.
TEST(YamlOracle, GivesEachKeyBack) {
  if (!HasPyYaml()) GTEST_SKIP() << "python3-yaml is not installed";
  const Reader keys = PythonReader(R"(
import yaml
def read(text):
    (key, value), = yaml.safe_load(text)['v'].items()
    assert value == 1
    return key
)");
  const Place places[] = {{"v:\n  <%= v %>: 1\n", "", "", "x:", "no"},
                          {"v:\n  x-<%= v %>: 1\n", "x-", "", "no", "y: z"},
                          {"v:\n  \"<%= v %>/\": 1\n", "", "/", "no", "\""}};
  for (const Place& place : places) {
    ExpectReadBack("yaml", place, HostileAtoms(), keys, AtomType());
  }
}

// Whatever a comment holds, the document around it stays the same.
TEST(YamlOracle, KeepsCommentsApart) {
  if (!HasPyYaml()) GTEST_SKIP() << "python3-yaml is not installed";
  for (const std::string_view text :
       {"a: 1\n# <%= v %>\nv: x\nz: end\n", "a: 1\nv: x # <%= v %>\nz: end\n",
        "a: 1\nv: [x, # <%= v %>\n  ]\nz: end\n"}) {
    const Hole hole("yaml", text);
    ASSERT_TRUE(hole.ok()) << hole.report();
    std::vector<std::string> documents;
    for (const std::string& value : kb::test::HostileValues()) {
      documents.push_back(hole.Fill(value).value_or("refused"));
    }
    const Reader read = PythonReader(R"(
import yaml
def read(text):
    doc = yaml.safe_load(text)
    assert doc in ({'a': 1, 'v': 'x', 'z': 'end'}, {'a': 1, 'v': ['x'], 'z': 'end'}), doc
    return 'same'
)");
    const Reading got = read(documents);
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i], "same") << text << Shown(kb::test::HostileValues()[i]);
    }
    EXPECT_NE(read({Paste(text, "x\nb: 2")})[0], "same");
  }
}

TEST(YamlOracle, RefusesHolesThatCouldChangeTheStructure) {
  for (const std::string_view text :
       {"<%= v %>: x\n",       "a: b <%= v %>\n",        "a: <%= v %>/24\n",
        "a: <%= v %>: b\n",    "- <%= v %>: b\n",        "a: {<%= v %>: b}\n",
        "a: !x<%= v %>\n",     "a: *<%= v %>\n",         "a: |<%= v %>\n  x\n",
        "a: \"\\<%= v %>\"\n", "a: \"\\u00<%= v %>\"\n", "a:\n  <%= v %>\n",
        "a: 'x'<%= v %>\n",    "a: [x<%= v %>]\n",       "a: [<%= v %>x]\n",
        "a: x:<%= v %>\n",     "a: <%= v %><%= v %>\n",  "a: \"<%= v %>\n",
        "a: [<%= v %>\n",      "a: |2\n   <%= v %>\n"}) {
    EXPECT_FALSE(Hole("yaml", text).ok()) << text;
  }
}

}  // namespace
}  // namespace kb::tmpl::test
