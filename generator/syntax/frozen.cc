#include "syntax/frozen.h"

#include <functional>
#include <utility>

#include "base/result.h"

namespace kb {
namespace {

class Freezer {
 public:
  Freezer(Span file, std::string_view bytes) : file_(file), bytes_(bytes) {}

  void Add(const Node& node) {
    const size_t children = node.items.size() + node.entries.size();
    AddRow(node.kind, node.quoted, children, node.span, node.text);
    for (const Node& item : node.items) Add(item);
    for (const Node::Entry& entry : node.entries) {
      AddRow(NodeKind::kScalar, false, 0, entry.key_span, entry.key);
      Add(entry.value);
    }
  }

  Frozen Take() && { return std::move(frozen_); }

 private:
  void AddRow(NodeKind kind, bool quoted, size_t children, Span span, std::string_view text) {
    frozen_.nodes.push_back({static_cast<uint8_t>(kind), quoted, static_cast<uint32_t>(children),
                             span.begin - file_.begin, span.end - file_.begin, PlaceOf(text),
                             static_cast<uint32_t>(text.size())});
  }

  uint32_t PlaceOf(std::string_view text) {
    // std::less orders pointers into different texts, too.
    const std::less<const char*> before;
    const bool in_file = !before(text.data(), bytes_.data()) &&
                         !before(bytes_.data() + bytes_.size(), text.data() + text.size());
    if (in_file) return static_cast<uint32_t>(text.data() - bytes_.data());
    const size_t at = bytes_.size() + frozen_.decoded.size();
    frozen_.decoded += text;
    return static_cast<uint32_t>(at);
  }

  Span file_;
  std::string_view bytes_;
  Frozen frozen_;
};

class Thawer {
 public:
  Thawer(Span file, std::string_view bytes, std::span<const FrozenNode> nodes,
         std::string_view decoded)
      : file_(file), bytes_(bytes), nodes_(nodes), decoded_(decoded) {}

  Node Take() {
    const FrozenNode& row = Next();
    Node node{.kind = static_cast<NodeKind>(row.kind),
              .quoted = row.quoted,
              .span = SpanOf(row),
              .text = TextOf(row)};
    if (node.kind == NodeKind::kList) {
      node.items.reserve(row.children);
      for (uint32_t i = 0; i < row.children; ++i) node.items.push_back(Take());
    } else if (node.kind == NodeKind::kMap) {
      node.entries.reserve(row.children);
      for (uint32_t i = 0; i < row.children; ++i) {
        const FrozenNode& key = Next();
        node.entries.push_back({TextOf(key), SpanOf(key), Take()});
      }
    }
    return node;
  }

 private:
  const FrozenNode& Next() {
    KB_CHECK(at_ < nodes_.size());
    return nodes_[at_++];
  }
  Span SpanOf(const FrozenNode& row) const {
    return {file_.begin + row.span_begin, file_.begin + row.span_end};
  }
  std::string_view TextOf(const FrozenNode& row) const {
    return row.text_begin < bytes_.size()
               ? bytes_.substr(row.text_begin, row.text_size)
               : decoded_.substr(row.text_begin - bytes_.size(), row.text_size);
  }

  Span file_;
  std::string_view bytes_;
  std::span<const FrozenNode> nodes_;
  std::string_view decoded_;
  size_t at_ = 0;
};

}  // namespace

Frozen Freeze(const Document& document, std::string_view bytes) {
  Freezer freezer(document.file, bytes);
  freezer.Add(document.root);
  return std::move(freezer).Take();
}

Document Thaw(Span file, std::string_view bytes, std::span<const FrozenNode> nodes,
              std::string_view decoded) {
  return {.file = file, .root = Thawer(file, bytes, nodes, decoded).Take()};
}

}  // namespace kb
