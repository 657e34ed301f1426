#include "syntax/yaml.h"

#include <gtest/gtest.h>

#include "diag/kinds.h"
#include "diag/print.h"

namespace kb {
namespace {

// A tree as text: one node a line, what was written in angle brackets.
void DumpNode(const Node& node, const Sources& sources, std::string indent, std::string& out) {
  const std::string written(sources.Text(node.span));
  switch (node.kind) {
    case NodeKind::kNull:
      out += "null <" + written + ">\n";
      return;
    case NodeKind::kScalar:
      out += (node.quoted ? "quoted " : "plain ") + std::string(node.text) + " <" + written + ">\n";
      return;
    case NodeKind::kList:
      out += "list <" + written + ">\n";
      for (const Node& item : node.items) {
        out += indent + "- ";
        DumpNode(item, sources, indent + "  ", out);
      }
      return;
    case NodeKind::kMap:
      out += "map <" + written + ">\n";
      for (const Node::Entry& entry : node.entries) {
        EXPECT_FALSE(sources.Text(entry.key_span).empty());
        out += indent + std::string(entry.key) + ": ";
        DumpNode(entry.value, sources, indent + "  ", out);
      }
      return;
  }
}

// The tree, or `nothing`, and a line for each diagnostic.
std::string Parse(std::string_view text) {
  Sources sources;
  // A file before it, so that offsets are not positions by chance.
  sources.Add("before.yaml", "x");
  Diagnostics diags;
  const Span file = sources.Add("t.yaml", std::string(text));
  const auto document = ParseYaml(file, sources, diags);
  std::string out;
  if (document)
    DumpNode(document->root, sources, "", out);
  else
    out = "nothing\n";
  for (const Diagnostic& diagnostic : diags.Sorted()) {
    const Place place = sources.Locate(diagnostic.span.begin);
    out +=
        fmt::format("{}:{} <{}> {} {}\n", place.line, place.column, sources.Text(diagnostic.span),
                    CodeName(diagnostic.code), diagnostic.message);
    for (const Label& label : diagnostic.labels) {
      const Place other = sources.Locate(label.span.begin);
      out += fmt::format("  {}:{} {}\n", other.line, other.column, label.message);
    }
  }
  return out;
}

struct Case {
  std::string_view text, expected;
};

TEST(Yaml, KeepsWhatWasWrittenAndWhere) {
  for (const Case& c : {
           Case{"", "null <>\n"},
           Case{"# only a comment\n", "null <>\n"},
           Case{"---\n", "null <>\n"},
           Case{"a: 1\n", "map <a: 1>\na: plain 1 <1>\n"},
           Case{"é: ü # x\n", "map <é: ü>\né: plain ü <ü>\n"},
           Case{"%YAML 1.2\n--- # x\na: 1\n...\n# y\n", "map <a: 1>\na: plain 1 <1>\n"},
           Case{"a: no\nb: 'no'\nc: \"no\"\n",
                "map <a: no\nb: 'no'\nc: \"no\">\na: plain no <no>\nb: quoted no <'no'>\n"
                "c: quoted no <\"no\">\n"},
           Case{"a: 'it''s'\nb: \"\\u00e9\\n\"\nc: ''\n",
                "map <a: 'it''s'\nb: \"\\u00e9\\n\"\nc: ''>\na: quoted it's <'it''s'>\n"
                "b: quoted é\n <\"\\u00e9\\n\">\nc: quoted  <''>\n"},
           Case{"'a: b': http://x:80/#y\n",
                "map <'a: b': http://x:80/#y>\n"
                "a: b: plain http://x:80/#y <http://x:80/#y>\n"},
           Case{"- a\n-\n  - b\n- c: 1\n  d: 2\n",
                "list <- a\n-\n  - b\n- c: 1\n  d: 2>\n- plain a <a>\n- list <- b>\n  - plain b "
                "<b>\n"
                "- map <c: 1\n  d: 2>\n  c: plain 1 <1>\n  d: plain 2 <2>\n"},
           Case{"{a: [1, {b: 2}], c: [d: e, f]} # x\n",
                "map <{a: [1, {b: 2}], c: [d: e, f]}>\na: list <[1, {b: 2}]>\n  - plain 1 <1>\n"
                "  - map <{b: 2}>\n    b: plain 2 <2>\nc: list <[d: e, f]>\n  - map <d: e>\n"
                "    d: plain e <e>\n  - plain f <f>\n"},
           Case{"[ # one ]\n  a, # two\n]\n", "list <[ # one ]\n  a, # two\n]>\n- plain a <a>\n"},
       }) {
    EXPECT_EQ(Parse(c.text), c.expected) << c.text;
  }
}

TEST(Yaml, FindsTheEndOfWhatGoesOverSeveralLines) {
  for (const Case& c : {
           Case{"a: one\n  two  \n\n  three # x\nb: 1\n",
                "map <a: one\n  two  \n\n  three # x\nb: 1>\n"
                "a: plain one two\nthree <one\n  two  \n\n  three>\nb: plain 1 <1>\n"},
           Case{"a: \"one\n  two\"\nb: 1\n",
                "map <a: \"one\n  two\"\nb: 1>\na: quoted one two <\"one\n  two\">\nb: plain 1 "
                "<1>\n"},
           Case{"a: |\n  x\n\n  \ty\n\n# no\nb: 1\n",
                "map <a: |\n  x\n\n  \ty\n\n# no\nb: 1>\na: quoted x\n\n\ty\n <|\n  x\n\n  \ty>\n"
                "b: plain 1 <1>\n"},
           Case{"- >-\n  x\n  y\n- |2\n    z\n   z\n",
                "list <- >-\n  x\n  y\n- |2\n    z\n   z>\n- quoted x y <>-\n  x\n  y>\n"
                "- quoted   z\n z\n <|2\n    z\n   z>\n"},
           Case{"a: |+\n\nb: | # empty\nc: 1\n",
                "map <a: |+\n\nb: | # empty\nc: 1>\na: quoted \n <|+>\nb: quoted  <|>\nc: plain 1 "
                "<1>\n"},
           Case{"--- |\n x\n...\n", "quoted x\n <|\n x>\n"},
       }) {
    EXPECT_EQ(Parse(c.text), c.expected) << c.text;
  }
}

TEST(Yaml, GivesANullTheSpanOfItsKey) {
  EXPECT_EQ(Parse("a:\nb: ~\nc: null\nd: {e: , f}\n"),
            "map <a:\nb: ~\nc: null\nd: {e: , f}>\na: null <a>\nb: null <b>\nc: null <c>\n"
            "d: map <{e: , f}>\n  e: null <e>\n  f: null <f>\n");
  EXPECT_EQ(
      Parse("-\n- ~\n- a:\n-\n"),
      "list <-\n- ~\n- a:\n->\n- null <->\n- null <~>\n- map <a:>\n  a: null <a>\n- null <->\n");
}

TEST(Yaml, RefusesWhatHasNoSingleMeaningAndReadsTheRest) {
  for (const Case& c : {
           Case{"a: &x 1\nb: *x\n",
                "map <a: &x 1\nb: *x>\na: plain 1 <1>\nb: null <b>\n"
                "1:4 <&x> KB1012 anchors and aliases have no single place, so they are not read\n"
                "2:4 <*x> KB1012 anchors and aliases have no single place, so they are not read\n"},
           Case{"a: !t [1]\nb: !!str 5\nc: ! 'x'\n",
                "map <a: !t [1]\nb: !!str 5\nc: ! 'x'>\na: list <[1]>\n  - plain 1 <1>\n"
                "b: plain 5 <5>\nc: quoted x <'x'>\n"
                "1:4 <!t> KB1013 the tag `!t` is not read\n"
                "2:4 <!!str> KB1013 the tag `!!str` is not read\n"
                "3:4 <!> KB1013 the tag `!` is not read\n"},
           Case{"a: 1\nproxy haproxy\n",
                "map <a: 1\nproxy haproxy>\na: plain 1 <1>\nproxy haproxy: null <proxy haproxy>\n"
                "2:1 <proxy haproxy> KB1010 not YAML: a `:` is missing after this key\n"},
           Case{"a:\n&x b: 1\n&y c:\n",
                "map <a:\n&x b: 1\n&y c:>\na: null <a>\nb: plain 1 <1>\nc: null <c>\n"
                "2:1 <&x> KB1012 anchors and aliases have no single place, so they are not read\n"
                "3:1 <&y> KB1012 anchors and aliases have no single place, so they are not read\n"},
           Case{"<<: {a: 1}\n'<<': 2\n",
                "map <<<: {a: 1}\n'<<': 2>\n<<: quoted"
                " 2 <2>\n1:1 <<<> KB1014 merge keys (`<<`) are not read\n"},
           Case{
               "a: 1\nb: 2\na: 3\n'a': 4\n",
               "map <a: 1\nb: 2\na: 3\n'a': 4>\na: plain 1 <1>\nb: plain 2 <2>\n"
               "3:1 <a> KB1015 the key `a` stands here a second time\n  1:1 the first stands here\n"
               "4:1 <'a'> KB1015 the key `a` stands here a second time\n  1:1 the first stands "
               "here\n"},
           Case{"[x]: 1\n? {y: 2}\n: 3\n~: 4\nb: 5\n",
                "map <[x]: 1\n? {y: 2}\n: 3\n~: 4\nb: 5>\nb: plain 5 <5>\n"
                "1:1 <[x]> KB1016 a key must be a plain word\n"
                "2:3 <{y: 2}> KB1016 a key must be a plain word\n"
                "4:1 <~> KB1016 a key must be a plain word\n"},
           Case{"a: 1\n---\nb: 2\n",
                "map <a: 1>\na: plain 1 <1>\n"
                "2:1 <---> KB1017 a second document starts here; a file holds one\n"},
           Case{"a: 1\n...\n\nb: 2\n",
                "map <a: 1>\na: plain 1 <1>\n"
                "4:1 <b:> KB1017 a second document starts here; a file holds one\n"},
           Case{"a: [80,,443]\n",
                "map <a: [80,,443]>\na: list <[80,,443]>\n  - plain 80 <80>\n  - null <>\n"
                "  - plain 443 <443>\n1:8 <,> KB1010 not YAML: an item is missing before this\n"},
           Case{"a: [b,\n\tc]\n",
                "map <a: [b,\n\tc]>\na: list <[b,\n\tc]>\n  - plain b <b>\n  - plain c <c>\n"
                "2:1 <\t> KB1019 a tab stands in the indentation\n"},
       }) {
    std::string expected(c.expected);
    // The value of the quoted `<<` is plain; spelled apart above so that the string can be read.
    if (const size_t at = expected.find("<<: quoted 2"); at != std::string::npos) {
      expected.replace(at, 12, "<<: plain 2");
    }
    EXPECT_EQ(Parse(c.text), expected) << c.text;
  }
}

TEST(Yaml, GivesNothingWhenTheTextIsNotYaml) {
  for (const Case& c : {
           Case{"a: b: c\n", "1:5 <:> KB1010 not YAML: a `:` cannot stand here\n"},
           Case{"a: [x\n",
                "1:6 <> KB1010 not YAML: a `]` or a comma is missing before this\n  1:4 opened "
                "here\n"},
           Case{"a: @x\n", "1:4 <@> KB1010 not YAML: a value cannot begin with this character\n"},
           Case{"a: *.example.org\n",
                "1:4 <*> KB1012 anchors and aliases have no single place, so they are not read\n"},
           Case{"a: \"x\\q\"\n", "1:6 <\\q> KB1010 not YAML: this is no escape\n"},
           Case{"a: 1\nb: \"open\nc: 2\n", "2:4 <\"> KB1010 not YAML: this quote is not closed\n"},
           Case{"a: 'x' y\n",
                "1:8 <y> KB1010 not YAML: this does not belong to the map above it\n"},
           Case{"\ta: 1\n", "1:1 <\t> KB1019 a tab stands in the indentation\n"},
           Case{"a:\n  b: 1\n \tc: 2\n", "3:2 <\t> KB1019 a tab stands in the indentation\n"},
           Case{"%a: 1\n---\nb: 1\n", "1:1 <%a:> KB1010 not YAML: this text belongs to nothing\n"},
           Case{",", "1:1 <,> KB1011 text is left over where the document should end\n"},
           Case{"{a: 1}\nb: 2\n",
                "2:1 <b: 2> KB1011 text is left over where the document should end\n"},
           Case{"- a\nb: 1\n",
                "2:1 <b: 1> KB1011 text is left over where the document should end\n"},
           Case{"\xEF\xBB\xBF"
                "a: 1\r\nb: \xFF\nc: \x04\n",
                "1:1 <\xEF\xBB\xBF> KB1002 the file starts with a byte order mark\n"
                "1:6 <\r> KB1003 the line ends in a carriage return\n"
                "2:4 <\xFF> KB1001 this byte is not UTF-8\n"
                "3:4 <\x04> KB1004 the control character U+0004 is not read\n"},
       }) {
    EXPECT_EQ(Parse(c.text), "nothing\n" + std::string(c.expected)) << c.text;
  }
}

TEST(Yaml, AllowsTabsInsideOfText) {
  const std::string parsed = Parse("a: |\n  x:\n  \tmake\nc: \"x\n\ty\"\n\t# note\n");
  EXPECT_EQ(parsed.find("KB"), std::string::npos) << parsed;
}

std::string Repeat(std::string_view text, size_t count) {
  std::string repeated;
  for (size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

TEST(Yaml, IsNotDrivenDeeperThanItsLimit) {
  EXPECT_EQ(Parse(Repeat("[", 64) + Repeat("]", 64)).find("KB"), std::string::npos);
  const std::string deeper = Parse("a: " + Repeat("[", 64) + Repeat("]", 64) + "\nb: 1\n");
  EXPECT_TRUE(
      deeper.ends_with("b: plain 1 <1>\n1:67 <[> KB1018 lists and maps are nested more than "
                       "64 deep\n"))
      << deeper;
  for (std::string_view text : {"[", "{", "- ", "? ", "[a: ", "{a: ["}) {
    for (size_t count : {600, 10'000}) {
      const std::string parsed = Parse(Repeat(text, count));
      EXPECT_TRUE(parsed.starts_with("nothing\n")) << text;
      EXPECT_NE(parsed.find("KB1018"), std::string::npos) << text;
      EXPECT_EQ(std::count(parsed.begin(), parsed.end(), '\n'), 2) << text;
    }
  }
}

TEST(Yaml, ViewsTheSourceUnlessTextWasDecoded) {
  Sources sources;
  Diagnostics diags;
  const Span file = sources.Add("t.yaml", "a: plain\nb: 'quoted'\nc: \"e\\t\"\nd: |\n  block\n");
  const auto document = ParseYaml(file, sources, diags);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->decoded->size(), 2u);
  EXPECT_EQ(sources.SpanOf(file, document->root.Find("b")->text),
            (Span{file.begin + 13, file.begin + 19}));
}

TEST(Yaml, KeepsDecodedTextInPlaceWhenTheDocumentMoves) {
  Sources sources;
  Diagnostics diags;
  auto parsed = ParseYaml(sources.Add("t.yaml", "a: \"\\x41\"\n"), sources, diags);
  const Document document = std::move(parsed).value();
  EXPECT_EQ(document.root.Find("a")->text, "A");
}

TEST(Node, FindsEntriesByTheirKey) {
  Sources sources;
  Diagnostics diags;
  const auto document = ParseYaml(sources.Add("t.yaml", "a: 1\nb: 2\n"), sources, diags);
  EXPECT_EQ(document->root.Find("b")->text, "2");
  EXPECT_EQ(document->root.FindEntry("a")->value.text, "1");
  EXPECT_EQ(document->root.Find("c"), nullptr);
  EXPECT_EQ(document->root.Find("a")->Find("a"), nullptr);
}

}  // namespace
}  // namespace kb
