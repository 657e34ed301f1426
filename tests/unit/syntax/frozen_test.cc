#include "syntax/frozen.h"

#include <gtest/gtest.h>

#include <string>

namespace kb {
namespace {

// A tree as text, with everything that a node says.
std::string Dump(const Node& node) {
  const auto place = [](Span span) { return fmt::format("@{}-{}", span.begin, span.end); };
  std::string out = fmt::format("{}{}`{}`{}(", static_cast<int>(node.kind), node.quoted ? "q" : "",
                                node.text, place(node.span));
  for (const Node& item : node.items) out += Dump(item);
  for (const Node::Entry& entry : node.entries) {
    out += fmt::format("{}{}: {}", entry.key, place(entry.key_span), Dump(entry.value));
  }
  return out + ")";
}

TEST(Frozen, ThawsToTheTreeThatWasParsed) {
  for (const std::string_view text : {
           "a: 1\n",
           "- {x: [1, 'two'], y: }\n- \"dec\\u00f6ded\\n\"\n- |\n  block\n  text\n",
           "empty: ''\nnone: ~\nnothing:\nlast: >\n  folded\n  line\n",
           "\"quoted key\\t\": {deep: [[[]], {}]}\n",
           "",
       }) {
    Sources sources;
    Diagnostics diags;
    sources.AddStatic("before", "so that no span begins at the same place\n");
    const Span file = sources.AddStatic("file", text);
    const auto parsed = ParseYaml(file, sources, diags);
    ASSERT_TRUE(parsed && !diags.has_errors()) << text;
    const Frozen frozen = Freeze(*parsed, sources.Text(file));

    Sources others;
    others.AddStatic("elsewhere", "x\n");
    const Span again = others.AddStatic("file", text);
    Diagnostics more;
    const auto wanted = ParseYaml(again, others, more);
    const Document thawed = Thaw(again, others.Text(again), frozen.nodes, frozen.decoded);
    EXPECT_EQ(Dump(thawed.root), Dump(wanted->root)) << text;
  }
}

}  // namespace
}  // namespace kb
