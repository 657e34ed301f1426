#include "diag_case.h"

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"

namespace kb::test {
namespace {

constexpr std::string_view kFileMark = "--- ";
constexpr std::string_view kEnding = ".case";

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// `\xNN` is a byte; every other backslash is itself.
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text.substr(i).starts_with("\\x") && i + 3 < text.size() &&
                        HexDigit(text[i + 2]) >= 0 && HexDigit(text[i + 3]) >= 0;
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(HexDigit(text[i + 2]) * 16 + HexDigit(text[i + 3]));
    i += 3;
  }
  return out;
}

size_t CountOf(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++count;
  return count;
}

// Whole lines only: "-name: a" must not match inside of "the-name: a".
size_t FindLines(std::string_view text, std::string_view lines) {
  for (size_t at = 0; (at = text.find(lines, at)) != std::string_view::npos; ++at) {
    if (at == 0 || text[at - 1] == '\n') return at;
  }
  return std::string_view::npos;
}

std::string Apply(const Edit& edit, std::string& bytes) {
  if (edit.before.empty()) {
    bytes += edit.after;
    return {};
  }
  const size_t at = FindLines(bytes, edit.before);
  if (at == std::string::npos) {
    return fmt::format("{} does not hold:\n{}", edit.file, edit.before);
  }
  const std::string_view rest = std::string_view(bytes).substr(at + 1);
  if (FindLines(rest, edit.before) != std::string_view::npos && CountOf(rest, "\n" + edit.before)) {
    return fmt::format("{} holds this more than once:\n{}", edit.file, edit.before);
  }
  bytes.replace(at, edit.before.size(), edit.after);
  return {};
}

}  // namespace

int Case::code() const {
  return static_cast<int>(ParseUnsigned(std::string_view(name).substr(2, 4)).value_or(0));
}

Case ParseCase(std::string name, std::string_view text) {
  Case c{.name = std::move(name), .edits = {}, .mistake = {}};
  std::string file;
  bool open = false;  // whether the last edit may go on
  for (std::string_view line : Split(text, '\n')) {
    if (line.starts_with(kFileMark)) {
      file = Trim(line.substr(kFileMark.size()));
      open = false;
      continue;
    }
    if (file.empty()) continue;  // the story
    if (line.empty()) {
      open = false;
      continue;
    }
    if (!open) c.edits.push_back({file, {}, {}});
    open = true;
    Edit& edit = c.edits.back();
    const std::string_view rest = line.substr(1);
    if (line[0] == '-' || line[0] == ' ') edit.before.append(rest).append("\n");
    if (line[0] == '+') edit.after.append(Unescape(rest)).append("\n");
    if (line[0] == ' ') edit.after.append(rest).append("\n");
    if (line[0] != '-' && line[0] != '+' && line[0] != ' ') {
      c.mistake = fmt::format("neither ` `, `-` nor `+` in front: {}", line);
    }
  }
  if (c.edits.empty()) c.mistake = "no edit";
  return c;
}

std::vector<Case> LoadCases(const std::string& folder) {
  std::vector<Case> cases;
  for (const std::string& name : ListDirectory(folder).value_or(std::vector<std::string>{})) {
    if (!name.ends_with(kEnding)) continue;
    const auto text = ReadFile(JoinPath(folder, name));
    cases.push_back(ParseCase(name.substr(0, name.size() - kEnding.size()), text.value_or("")));
  }
  return cases;
}

std::string ApplyEdits(const Case& c, const std::string& root) {
  if (!c.mistake.empty()) return c.mistake;
  for (const Edit& edit : c.edits) {
    const std::string path = JoinPath(root, edit.file);
    std::string bytes = ReadFile(path).value_or("");
    if (std::string mistake = Apply(edit, bytes); !mistake.empty()) return mistake;
    if (auto written = WriteFileAtomically(path, bytes, 0644); !written)
      return written.error().message;
  }
  return {};
}

}  // namespace kb::test
