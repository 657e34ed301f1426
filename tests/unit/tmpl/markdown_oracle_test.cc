#include "unit/tmpl/oracle.h"

// Reads with cmark, the reference implementation of CommonMark, by way of its XML.
namespace kb::tmpl::test {
namespace {

// `shape` is what the document must look like when every run of text is written as T and every
// code as C; the answer is the text of all T in it, or of all C.
Reader Cmark(std::string_view shape, char kind) {
  return PythonBatch("SHAPE = '" + std::string(shape) + "'\nKIND = '" + kind + "'\n" + R"(
import re, subprocess, xml.etree.ElementTree as tree
def name(node):
    return node.tag.split('}')[1]
def walk(node, texts, codes):
    if name(node) in ('text', 'softbreak', 'linebreak'):
        texts.append(node.text or '')
        return 'T' if name(node) == 'text' else 'B'
    if name(node) in ('code', 'code_block'):
        codes.append(node.text or '')
        return 'C'
    inner = ''.join(walk(child, texts, codes) for child in node)
    return '%s(%s)' % (name(node), re.sub('T+', 'T', inner))
def read(text):
    xml = subprocess.run(['cmark', '-t', 'xml'], input=text.encode(), capture_output=True).stdout
    # A reader of XML makes line feeds of carriage returns, so they are put aside.
    root = tree.fromstring(xml.decode().replace('\r', '\uf00d'))
    texts, codes = [], []
    if walk(root, texts, codes) != SHAPE:
        return None
    return ''.join(texts if KIND == 'T' else codes).replace('\uf00d', '\r')
def read_all(texts):
    return [read(text) for text in texts]
)");
}

// Adjacent texts are separate paragraphs of one document for the test's sake.
TEST(MarkdownOracle, GivesEachHostileTextBack) {
  if (!kb::test::HasProgram("cmark")) GTEST_SKIP() << "cmark is not installed";
  struct Case {
    std::string_view shape;
    Place place;
  };
  const Case cases[] = {
      {"document(paragraph(T))", {"x <%= v %> y\n", "x ", " y", "a_b *c* <d> & `e` | f\ng", "*x*"}},
      {"document(heading(T))", {"## The <%= v %>\n", "The ", "", "a #", "`x`"}},
      {"document(list(item(paragraph(T))))", {"- x: <%= v %>\n", "x: ", "", "1. a", "<b>"}},
      {"document(paragraph(Tstrong(T)T))", {"x **a<%= v %>b** y\n", "x a", "b y", "a*b", "**"}},
      {"document(paragraph(T))", {"| <%= v %> | x |\n", "| ", " | x |", "a|b", "&amp;"}},
      {"document(paragraph(Tlink(T)T))", {"see [a <%= v %>](/x) y\n", "see a ", " y", "a]b", "]"}},
  };
  // Nothing at a line's end lets the reader cut off the template's own blank before it.
  std::vector<std::string> values = kb::test::HostileValues();
  std::erase(values, "");
  for (const Case& c : cases) {
    ExpectReadBack("markdown", c.place, values, Cmark(c.shape, 'T'));
  }
}

// A value alone on a line begins it, and could be a list, a rule or a heading.
TEST(MarkdownOracle, GivesEachTextThatBeginsALineBack) {
  if (!kb::test::HasProgram("cmark")) GTEST_SKIP() << "cmark is not installed";
  std::vector<std::string> values = kb::test::HostileValues();
  std::erase(values, "");
  const Reader read = Cmark("document(paragraph(T))", 'T');
  ExpectReadBack("markdown", {"<%= v %>\n", "", "", "- x", "- x"}, values, read);
  ExpectReadBack("markdown", {"<%= v %>\n", "", "", "1.2.3", ""}, HostileAtoms(), read, AtomType());
}

TEST(MarkdownOracle, GivesCodeBack) {
  if (!kb::test::HasProgram("cmark")) GTEST_SKIP() << "cmark is not installed";
  ExpectReadBack("markdown", {"x `<%= v %>` y\n", "", "", "a*b_c", "`"}, kb::test::HostileValues(),
                 Cmark("document(paragraph(TCT))", 'C'));
  ExpectReadBack("markdown", {"x `` a<%= v %> `` y\n", "a", "", "a*b_c", "``"},
                 kb::test::HostileValues(), Cmark("document(paragraph(TCT))", 'C'));
  ExpectReadBack("markdown", {"```sh\nx\n<%= v %>\n```\n\ny\n", "x\n", "\n", "a\n\n  b", "```"},
                 kb::test::HostileValues(), Cmark("document(Cparagraph(T))", 'C'));
  ExpectReadBack("markdown",
                 {"1. x\n\n   ~~~\n   <%= v %>\n   ~~~\n", "", "\n", "a\n\n  b", "a\nb"},
                 kb::test::HostileValues(), Cmark("document(list(item(paragraph(T)C)))", 'C'));
}

TEST(MarkdownOracle, KeepsCellsApart) {
  const Hole cell("markdown", "| <%= v %> |\n");
  EXPECT_EQ(cell.Fill("a|b\nc"), "| a\\|b&#10;c |\n");
  const Hole code("markdown", "| `<%= v %>` |\n");
  EXPECT_FALSE(code.Fill("a|b").has_value());
}

TEST(MarkdownOracle, RefusesHolesThatCouldChangeTheStructure) {
  for (const std::string_view text :
       {"[x](<%= v %>)\n", "<a href=\"<%= v %>\">\n", "<!-- <%= v %> -->\n",
        "```<%= v %>\nx\n```\n", "x \\<%= v %>\n", "x\n\n    <%= v %>\n    y <%= v %>\n",
        "```\n<%= v %>\n", "x `<%= v %>\n"}) {
    EXPECT_FALSE(Hole("markdown", text).ok()) << text;
  }
  EXPECT_EQ(Hole("markdown", "[x](<%= v %>)\n", AtomType()).Fill("/a/b_c"), "[x](/a/b_c)\n");
}

}  // namespace
}  // namespace kb::tmpl::test
