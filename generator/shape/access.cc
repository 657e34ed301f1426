#include "shape/access.h"

namespace kb {

std::string_view TextOf(const Node& node, std::string_view key, std::string_view fallback) {
  const Node* value = node.Find(key);
  return value != nullptr && value->kind == NodeKind::kScalar ? value->text : fallback;
}

Word WordOf(const Node& node, std::string_view key) {
  const Node* value = node.Find(key);
  if (value == nullptr || value->kind != NodeKind::kScalar) return {};
  return {value->text, value->span};
}

std::vector<Word> WordsOf(const Node& node, std::string_view key) {
  std::vector<Word> words;
  const Node* value = node.Find(key);
  if (value == nullptr) return words;
  if (value->kind == NodeKind::kScalar) words.push_back({value->text, value->span});
  for (const Node& item : value->items) words.push_back({item.text, item.span});
  return words;
}

// The entries of an optional map.
const std::vector<Node::Entry>& EntriesOf(const Node& node, std::string_view key) {
  static const std::vector<Node::Entry> kNone;
  const Node* value = node.Find(key);
  return value == nullptr ? kNone : value->entries;
}

const std::vector<Node>& ItemsOf(const Node& node, std::string_view key) {
  static const std::vector<Node> kNone;
  const Node* value = node.Find(key);
  return value == nullptr ? kNone : value->items;
}

bool IsTrue(const Node& node, std::string_view key) { return TextOf(node, key) == "true"; }

}  // namespace kb
