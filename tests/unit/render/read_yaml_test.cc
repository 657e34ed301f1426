#include "render/read_yaml.h"

#include <gtest/gtest.h>

namespace kb::render {
namespace {

TEST(BadYaml, AcceptsWhatHasOneMeaning) {
  for (const std::string_view text : {
           "a: 1\nb:\n  - x\n  - {y: [1, 'two'], z: ~}\n",
           "# only a comment\n",
           "same: {x: 1}\nother: {x: 1}\n",
           "block: |\n  <<: a\n  a: &b\nquoted: '*c !d'\n",
           "kind: A\n---\nkind: B\n",
           "list:\n- a: {b: 1}\n  c: 2\n",
       }) {
    EXPECT_EQ(BadYaml(text), "") << text;
  }
}

TEST(BadYaml, NamesTheLineAndTheMistake) {
  struct Case {
    std::string_view text, mistake;
  };
  for (const Case& c : {
           Case{"a: 1\nb: 2\na: 3\n", "line 3: the key `a` stands twice"},
           Case{"a: {b: 1, 'b': 2}\n", "line 1: the key `b` stands twice"},
           Case{"a: &x 1\n", "line 1: an anchor, which readers do not agree on"},
           Case{"- &x {}\n", "line 1: an anchor, which readers do not agree on"},
           Case{"a: 1\nb: *a\n", "line 2: an alias, which readers do not agree on"},
           Case{"a: !!str 1\n", "line 1: a tag, which readers do not agree on"},
           Case{"<<: {a: 1}\n", "line 1: a merge key, which readers do not agree on"},
           Case{"a:\n  [b, c]: 1\n", "line 2: a key that is a list or a map"},
           Case{"? {a: 1}\n: b\n", "line 1: a key that is a list or a map"},
           Case{"\xEF\xBB\xBF"
                "a: 1\n",
                "line 1: a byte order mark"},
       }) {
    EXPECT_EQ(BadYaml(c.text), c.mistake) << c.text;
  }
}

TEST(BadYaml, RefusesWhatDoesNotParse) {
  for (const std::string_view text : {
           "a: [1, 2\n",
           "a: 'open\n",
           "a: b: c\n",
           "a: 1\n  b: 2\n",
           "a:\n\t- tab\n",
           "a: \xff\n",
           "a: 1\n}\n",
       }) {
    EXPECT_TRUE(BadYaml(text).starts_with("line ")) << text << " -> " << BadYaml(text);
  }
}

}  // namespace
}  // namespace kb::render
