// Yaml: reads one YAML file into a tree, and refuses what has no single meaning.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "diag/diagnostic.h"
#include "syntax/node.h"

namespace kb {

// A parsed file. Owns decoded scalars; the Sources own everything else.
struct Document {
  Span file;
  Node root;
  std::unique_ptr<std::deque<std::string>> decoded = std::make_unique<std::deque<std::string>>();
};

// Parses `file` (a span that Sources::Add gave). Refuses, each with its own diagnostic: bytes that
// are not UTF-8, a BOM, tabs as indentation, a second document, left-over text, anchors, aliases,
// tags, merge keys, duplicate keys, keys that are not scalars. What can be read is returned.
Checked<Document> ParseYaml(Span file, const Sources& sources, Diagnostics& diags);

}  // namespace kb
