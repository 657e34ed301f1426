// Whatever the bytes: no crash, spans that lie where they belong, and diagnostics that can be
// shown.
#include <algorithm>

#include "fuzz/fuzz.h"
#include "syntax/yaml.h"

namespace kb {
namespace {

bool Contains(Span outer, Span inner) {
  return outer.begin <= inner.begin && inner.begin <= inner.end && inner.end <= outer.end;
}

void CheckScalar(const Node& node, const Sources& sources) {
  const std::string_view written = sources.Text(node.span);
  if (!node.quoted) {
    // Folded lines are the only difference.
    KB_CHECK(written == node.text || written.contains('\n') || written.starts_with('!') ||
             written.starts_with('&'));
    return;
  }
  const char first = written.front();
  KB_CHECK(first == '"' || first == '\'' || first == '|' || first == '>');
  if (first == '"' || first == '\'') KB_CHECK(written.size() >= 2 && written.back() == first);
}

void CheckNode(const Node& node, Span parent, const Sources& sources) {
  KB_CHECK(Contains(parent, node.span));
  if (node.kind == NodeKind::kScalar) CheckScalar(node, sources);
  KB_CHECK(node.kind == NodeKind::kMap || node.entries.empty());
  KB_CHECK(node.kind == NodeKind::kList || node.items.empty());
  Span before = {parent.begin, parent.begin};
  for (const Node::Entry& entry : node.entries) {
    KB_CHECK(Contains(node.span, entry.key_span) && entry.key_span.begin >= before.end);
    KB_CHECK(node.FindEntry(entry.key) == &entry);
    if (entry.value.kind != NodeKind::kNull) KB_CHECK(entry.value.span.begin >= entry.key_span.end);
    CheckNode(entry.value, node.span, sources);
    before = entry.value.span;
  }
  for (const Node& item : node.items) CheckNode(item, node.span, sources);
}

}  // namespace
}  // namespace kb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace kb;
  Sources sources;
  Diagnostics diags;
  const Span file = sources.Add("fuzz.yaml", AsText(bytes, size));
  const Checked<Document> document = ParseYaml(file, sources, diags);
  KB_CHECK(document.has_value() || diags.has_errors());
  if (document) CheckNode(document->root, file, sources);
  PrintEverything(diags, sources);
  return 0;
}
