#include "mutations.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "model/load.h"

namespace kb::test {
namespace {

// One file and the mistakes that were made in it.
class Text {
 public:
  Text(std::string file, std::string bytes, std::vector<Mutation>& out)
      : file_(std::move(file)), bytes_(std::move(bytes)), out_(&out) {}

  std::string_view bytes() const { return bytes_; }

  void Replace(size_t at, size_t size, std::string_view with, std::string what) {
    std::string bytes = bytes_;
    bytes.replace(at, size, with);
    const auto line = 1 + std::ranges::count(std::string_view(bytes_).substr(0, at), '\n');
    out_->push_back({file_, static_cast<uint32_t>(line), std::move(what), std::move(bytes)});
  }

 private:
  std::string file_, bytes_;
  std::vector<Mutation>* out_;  // outlives the text
};

// --- tables ---

// What is no value of the column any more, or nothing where every text is one.
std::optional<std::string> BrokenCell(std::string_view column, std::string_view cell) {
  std::string broken(cell);
  if (column == "NOTES" || column == "DEVICE") return std::nullopt;
  if (column.starts_with("IP_")) return broken.replace(broken.rfind('.'), 1, ",");
  if (column == "HOSTNAME" || column == "FQDN") return broken.insert(1, "_");
  if (column == "CORE" || column == "FILESYSTEM") return broken + "x";
  if (column == "MOUNT") return broken.substr(1);
  if (column == "SIZE_GB") return broken + "GB";
  return broken.insert(1, " ");
}

void MutateRow(Text& text, size_t begin, std::string_view line,
               const std::vector<std::string_view>& columns) {
  const auto cells = Split(line, '\t');
  size_t at = begin;
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool last = i + 1 == cells.size();
    const size_t drop_at = last ? at - 1 : at;
    text.Replace(drop_at, cells[i].size() + 1, "", fmt::format("drop the cell {}", columns[i]));
    if (columns[i] != "NOTES") {
      text.Replace(at, cells[i].size(), "", fmt::format("empty the cell {}", columns[i]));
    }
    if (const auto broken = BrokenCell(columns[i], cells[i])) {
      text.Replace(at, cells[i].size(), *broken, fmt::format("break the cell {}", columns[i]));
    }
    at += cells[i].size() + 1;
  }
  text.Replace(begin, 0, "\n", "put a blank line before the row");
  text.Replace(begin + line.size(), 0, "\r", "end the line as Windows does");
  text.Replace(begin + line.size(), 0, "\tmore", "add a cell");
  // The copy is the second one, and the line below.
  text.Replace(begin + line.size() + 1, 0, fmt::format("{}\n", line), "copy the row");
}

void MutateTable(Text& text) {
  std::vector<std::string_view> columns;
  size_t begin = 0;
  for (std::string_view line : Split(text.bytes(), '\n')) {
    if (columns.empty()) {
      columns = Split(line, '\t');
      for (size_t at = 0, i = 0; i < columns.size(); at += columns[i++].size() + 1) {
        text.Replace(at, columns[i].size(), "X", fmt::format("rename the column {}", columns[i]));
      }
    } else if (!line.empty()) {
      MutateRow(text, begin, line, columns);
    }
    begin += line.size() + 1;
  }
}

// --- trees ---

// What a scalar of this shape cannot be; empty: nothing is known that it cannot be.
std::vector<std::string> BrokenScalars(std::string_view value, const Shape& shape) {
  const std::string text(value);
  const std::string digits = text.substr(0, text.find_first_not_of("0123456789"));
  switch (shape.kind) {
    case ShapeKind::kInt:
    case ShapeKind::kEnum:
    case ShapeKind::kBool:
      return {text + "x", "[" + text + "]"};
    case ShapeKind::kDuration:
    case ShapeKind::kSize:
      return {digits, digits + "q", "-" + text};
    case ShapeKind::kPort:
      return {"70000", text + "/tcp"};
    case ShapeKind::kIpv4:
      return {text + ".7", text.substr(0, text.rfind('.')), text + "999"};
    case ShapeKind::kCidr:
      return {text.substr(0, text.find('/')), text + "9", "1" + text};
    case ShapeKind::kPath:
      return {text.substr(1), text + "//x", text + "/../x"};
    case ShapeKind::kHostName:
      return {text + "_", "-" + text};
    case ShapeKind::kName:
      return {text + " x", "X" + text};
    case ShapeKind::kIdentifier:
      return {"9" + text, text + "-x"};
    case ShapeKind::kImage:
      return {"X" + text, text + "/", text + " x"};
    default:
      return {};
  }
}

class TreeMutator {
 public:
  TreeMutator(Text& text, Span file) : text_(text), begin_(file.begin) {}

  void Walk(const Node& node, const Shape& shape, const std::string& path) {
    switch (node.kind) {
      case NodeKind::kNull:
        return;
      case NodeKind::kScalar:
        return WalkScalar(node, shape, path);
      case NodeKind::kList:
        for (const Node& item : node.items) Walk(item, *shape.element, path + ".*");
        return;
      case NodeKind::kMap:
        return WalkMap(node, shape, path);
    }
  }

 private:
  void WalkMap(const Node& node, const Shape& shape, const std::string& path) {
    for (const Node::Entry& entry : node.entries) {
      if (shape.kind == ShapeKind::kDict) {
        if (IsReferringKey(path)) Misspell(entry.key_span, entry.key, path);
        Walk(entry.value, *shape.element, path + ".*");
        continue;
      }
      if (shape.kind != ShapeKind::kRecord) return;
      const auto member = std::ranges::find(shape.members, entry.key, &Member::name);
      if (member == shape.members.end()) continue;
      Misspell(entry.key_span, entry.key, path);
      if (member->required) ForgetValue(entry, path);
      Walk(entry.value, *member->shape, fmt::format("{}.{}", path, entry.key));
    }
  }

  void WalkScalar(const Node& node, const Shape& shape, const std::string& path) {
    const Shape& scalar = shape.one_or_many ? *shape.element : shape;
    for (const std::string& broken : BrokenScalars(node.text, scalar)) {
      Replace(node.span, broken, fmt::format("write {} for {} at {}", broken, node.text, path));
    }
    if (Refers(path)) {
      Replace(node.span, std::string(node.text) + "x",
              fmt::format("misspell the name at {}", path));
    }
    if (path.ends_with(".expect")) {
      Replace(node.span, fmt::format("{}1", node.text), fmt::format("expect others at {}", path));
    }
  }

  // Values that must be the name of something else.
  static bool Refers(std::string_view path) {
    static constexpr std::array<std::string_view, 18> kEnds{
        ".install.host", "services.*.module", "services.*.proxy", "services.*.entry",
        ".targets",      ".listeners.*",      ".route",           ".credential",
        ".pool",         ".pool.*",           ".role.*",          ".subrole",
        ".subrole.*",    ".docker_stack",     ".docker_stack.*",  ".inventory",
        ".versions",     ".credentials"};
    if (path.find(".uses.") != std::string_view::npos && path.ends_with(".role")) return false;
    return std::ranges::any_of(kEnds, [&](std::string_view end) { return path.ends_with(end); });
  }

  // Keys of a map whose names are declared elsewhere.
  static bool IsReferringKey(std::string_view path) {
    return path.ends_with(".uses") || path.ends_with(".ports") || path == "versions.images" ||
           path == "versions.packages" || path == "credentials.credentials";
  }

  void Misspell(Span span, std::string_view word, const std::string& path) {
    std::string misspelt(word);
    misspelt.insert(misspelt.size() / 2, "x");
    Replace(span, misspelt, fmt::format("misspell the key `{}` at {}", word, path));
  }

  // `key: value` becomes `key:`, which is nothing.
  void ForgetValue(const Node::Entry& entry, const std::string& path) {
    if (entry.value.kind != NodeKind::kScalar) return;
    Replace(entry.value.span, "~", fmt::format("forget the value of `{}` at {}", entry.key, path));
  }

  void Replace(Span span, std::string_view with, std::string what) {
    text_.Replace(span.begin - begin_, span.end - span.begin, with, std::move(what));
  }

  Text& text_;
  uint32_t begin_;
};

void MutateSettings(TreeMutator& tree, const graph::Graph& graph) {
  for (const graph::Service& service : graph.services) {
    if (service.model->settings == nullptr) continue;
    tree.Walk(*service.model->settings, *module::SettingsShape(*service.manifest), "settings");
  }
}

// Cells that are well-formed and wrong: addresses that cannot be, and names that some selector of
// the topology asks for.
void MutateServers(Text& text, const Compilation& c) {
  const auto replace = [&](const Word& cell, std::string_view with, std::string_view what) {
    const Span file = c.model.servers.front().cells[0].span;
    const size_t header = text.bytes().find('\n') + 1;
    text.Replace(cell.span.begin - file.begin + header, cell.text.size(), with,
                 fmt::format("{} of {}", what, cell.text));
  };
  for (const model::Server& server : c.model.servers) {
    const Word& ip = server[model::Column::kPrivateIp];
    replace(ip, "198.18.0.1", "take an address of another network instead");
    for (const model::Balancer& balancer : c.model.balancers) {
      replace(ip, balancer.private_ip.text, "take the load balancer's address instead");
    }
  }
  const auto misspell = [&](const model::Selector& selector, const std::vector<int>& members) {
    for (const model::Selector::Match& match : selector.matches) {
      for (int member : members) {
        const Word& cell = c.model.servers[member][match.column];
        replace(cell, std::string(cell.text) + "x", "misspell the name");
      }
    }
  };
  for (const graph::Service& service : c.graph.services) {
    misspell(service.model->nodes, service.members);
  }
  for (const graph::App& app : c.graph.apps) misspell(app.model->nodes, app.members);
}

}  // namespace

std::vector<Mutation> AllMutations(const Verdict& clean, const std::string& root) {
  const Compilation& c = *clean.compilation;
  std::vector<Mutation> mutations;
  const auto relative = [&](std::string_view path) {
    return std::string(path.substr(root.size() + 1));
  };
  const std::array<const Shape*, 3> shapes{&model::TopologyShape(), &model::VersionsShape(),
                                           &model::CredentialsShape()};
  static constexpr std::array<std::string_view, 3> kNames{"topology", "versions", "credentials"};
  for (size_t i = 0; i < c.model.documents.size(); ++i) {
    const Document& document = c.model.documents[i];
    Text text(relative(c.sources.PathOf(document.file)), std::string(c.sources.Text(document.file)),
              mutations);
    TreeMutator tree(text, document.file);
    tree.Walk(document.root, *shapes[i], std::string(kNames[i]));
    if (i == 0) MutateSettings(tree, c.graph);
  }
  for (const std::string& path : c.model.files) {
    if (!path.ends_with(".tsv")) continue;
    Text text(relative(path), ReadFile(path).value_or(""), mutations);
    MutateTable(text);
    if (path.ends_with("servers.tsv")) MutateServers(text, c);
  }
  return mutations;
}

}  // namespace kb::test
