#include "syntax/node.h"

#include <algorithm>

namespace kb {

const Node::Entry* Node::FindEntry(std::string_view key) const {
  const auto entry = std::ranges::find(entries, key, &Entry::key);
  return entry == entries.end() ? nullptr : &*entry;
}

const Node* Node::Find(std::string_view key) const {
  const Entry* entry = FindEntry(key);
  return entry ? &entry->value : nullptr;
}

}  // namespace kb
