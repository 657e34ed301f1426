// Access: reads parts of a tree that is known to have the right shape. What is not there, or was
// reported as wrong already, reads as empty.
#pragma once

#include <string_view>
#include <vector>

#include "shape/atoms.h"
#include "syntax/node.h"

namespace kb {

std::string_view TextOf(const Node& node, std::string_view key, std::string_view fallback = {});
Word WordOf(const Node& node, std::string_view key);
// A list of scalars, or a lone scalar.
std::vector<Word> WordsOf(const Node& node, std::string_view key);
const std::vector<Node::Entry>& EntriesOf(const Node& node, std::string_view key);
const std::vector<Node>& ItemsOf(const Node& node, std::string_view key);
bool IsTrue(const Node& node, std::string_view key);

}  // namespace kb
