// Embed: a tool of the build. Turns files into a .cc that defines EmbeddedFiles().
//
//   embed LIST OUT.cc      LIST has one "path-in-the-binary<TAB>file" a line
//
// String literals, one a line of the file: a compiler reads a megabyte of them in a blink, a
// generated file can be looked at, and unlike .incbin they do not defeat ccache.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
    } else if (c == '"' || c == '\\') {
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: embed LIST OUT.cc\n", stderr), 2;
  std::ifstream list(argv[1]);
  if (!list) return std::fprintf(stderr, "embed: cannot read %s\n", argv[1]), 1;

  std::string out =
      "#include \"module/embedded.h\"\n\nnamespace kb {\nnamespace {\n\n"
      "// Sizes are spelt out because a file may hold NUL. The last row keeps the table from being "
      "empty.\nconstexpr EmbeddedFile kFiles[] = {\n";
  size_t count = 0;
  for (const auto& [path, file] : ReadList(list)) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::fprintf(stderr, "embed: cannot read %s\n", file.c_str()), 1;
    const std::string bytes = ReadAll(in);
    out += "  {" + Literal(path) + ",\n   {" + Literal(bytes) + ", " +
           std::to_string(bytes.size()) + "}},\n";
    ++count;
  }
  out +=
      "  {},\n};\n\n}  // namespace\n\nstd::span<const EmbeddedFile> EmbeddedFiles() { return "
      "{kFiles, " +
      std::to_string(count) + "}; }\n\n}  // namespace kb\n";

  std::ofstream written(argv[2], std::ios::binary);
  written << out << std::flush;
  if (!written) return std::fprintf(stderr, "embed: cannot write %s\n", argv[2]), 1;
  return 0;
}
