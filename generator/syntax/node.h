// Node: a tree of YAML in which every scalar and key knows where it stands.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "diag/source.h"

namespace kb {

enum class NodeKind : uint8_t { kNull, kScalar, kList, kMap };

// What was written, before anybody decides what it means. `quoted` tells `no` from `'no'`.
// Views point into the Sources, or into the Document that owns the tree (decoded escapes).
struct Node {
  NodeKind kind = NodeKind::kNull;
  bool quoted = false;    // scalars: '…', "…" or a block scalar
  Span span;              // scalar: its text; list, map: first to last; null: its key
  std::string_view text;  // scalars: the decoded value
  struct Entry;
  std::vector<Entry> entries;  // maps, in source order, keys unique
  std::vector<Node> items;     // lists

  const Node* Find(std::string_view key) const;
  const Entry* FindEntry(std::string_view key) const;
};

struct Node::Entry {
  std::string_view key;
  Span key_span;
  Node value;
};

}  // namespace kb
