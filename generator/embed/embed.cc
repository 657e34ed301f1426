// Embed: a tool of the build. Turns files into a .cc that defines EmbeddedFiles().
//
//   embed LIST OUT.cc      LIST has one "path-in-the-binary<TAB>file" a line
//
// String literals, one a line of the file: a compiler reads a megabyte of them in a blink, a
// generated file can be looked at, and unlike .incbin they do not defeat ccache. Manifests are
// parsed here, because reading their YAML took a third of the time of a small run.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diag/diagnostic.h"
#include "syntax/frozen.h"
#include "syntax/yaml.h"

namespace {

using Entry = std::pair<std::string, std::string>;  // path in the binary, file

std::string ReadAll(std::ifstream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

std::vector<Entry> ReadList(std::ifstream& list) {
  std::vector<Entry> entries;
  for (std::string line; std::getline(list, line);) {
    const size_t tab = line.find('\t');
    if (tab != std::string::npos) entries.emplace_back(line.substr(0, tab), line.substr(tab + 1));
  }
  std::ranges::sort(entries);
  return entries;
}

// As a literal whose value is exactly `bytes`. Octal escapes have at most three digits, so a
// digit that follows one is not swallowed, as it would be after \x.
std::string Literal(std::string_view bytes) {
  std::string out = "\"";
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c == '\n') {
      out += i + 1 < bytes.size() ? "\\n\"\n    \"" : "\\n";
    } else if (c == '"' || c == '\\' || c == '?') {  // two `?` and a third sign are a trigraph
      out += {'\\', bytes[i]};
    } else if (c >= 0x20 && c < 0x7f) {
      out += bytes[i];
    } else {
      char octal[8];
      std::snprintf(octal, sizeof octal, "\\%03o", c);
      out += octal;
    }
  }
  return out += '"';
}

// The tables of one manifest, and its row's members that refer to them. A file with mistakes gets
// none: it is parsed again when kbgen runs, and reported there.
struct Tables {
  std::string text;
  std::string members;
};

Tables FreezeManifest(const std::string& bytes, size_t number) {
  kb::Sources sources;
  kb::Diagnostics diags;
  const kb::Span file = sources.AddStatic("module.yaml", bytes);
  const auto document = kb::ParseYaml(file, sources, diags);
  if (!document || !diags.all().empty()) return {};
  const kb::Frozen frozen = kb::Freeze(*document, sources.Text(file));
  const std::string name = "kYaml" + std::to_string(number);
  Tables tables = {.text = "constexpr FrozenNode " + name + "[] = {\n",
                   .members = ", " + name + ", {" + Literal(frozen.decoded) + ", " +
                              std::to_string(frozen.decoded.size()) + "}"};
  for (const kb::FrozenNode& node : frozen.nodes) {
    tables.text += "  {" + std::to_string(node.kind) + ", " + (node.quoted ? "true" : "false");
    for (const uint32_t field :
         {node.children, node.span_begin, node.span_end, node.text_begin, node.text_size}) {
      tables.text += ", " + std::to_string(field) + "u";
    }
    tables.text += "},\n";
  }
  tables.text += "};\n\n";
  return tables;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: embed LIST OUT.cc\n", stderr), 2;
  std::ifstream list(argv[1]);
  if (!list) return std::fprintf(stderr, "embed: cannot read %s\n", argv[1]), 1;

  std::string out = "#include \"module/embedded.h\"\n\nnamespace kb {\nnamespace {\n\n";
  std::string files =
      "// Sizes are spelt out because a file may hold NUL. The last row keeps the table from being "
      "empty.\nconstexpr EmbeddedFile kFiles[] = {\n";
  size_t count = 0;
  for (const auto& [path, file] : ReadList(list)) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::fprintf(stderr, "embed: cannot read %s\n", file.c_str()), 1;
    const std::string bytes = ReadAll(in);
    const Tables tables = path.ends_with("/module.yaml") ? FreezeManifest(bytes, count) : Tables();
    out += tables.text;
    files += "  {" + Literal(path) + ",\n   {" + Literal(bytes) + ", " +
             std::to_string(bytes.size()) + "}" + tables.members + "},\n";
    ++count;
  }
  out += files;
  out +=
      "  {},\n};\n\n}  // namespace\n\nstd::span<const EmbeddedFile> EmbeddedFiles() { return "
      "{kFiles, " +
      std::to_string(count) + "}; }\n\n}  // namespace kb\n";

  std::ofstream written(argv[2], std::ios::binary);
  written << out << std::flush;
  if (!written) return std::fprintf(stderr, "embed: cannot write %s\n", argv[2]), 1;
  return 0;
}
