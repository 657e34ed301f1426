#include "write/diff.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <unordered_map>

#include <fmt/format.h>

#include "base/files.h"
#include "write/myers.h"
#include "write/posix.h"

namespace kb::write {
namespace {

constexpr uint32_t kContext = 3;

// With its line end, so that a last line without one differs from the same line with one.
std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

// Equal lines get equal numbers: comparing is then one instruction.
class Numbering {
 public:
  std::vector<uint32_t> Of(const std::vector<std::string_view>& lines) {
    std::vector<uint32_t> numbers;
    for (const std::string_view line : lines) {
      numbers.push_back(
          numbers_.try_emplace(line, static_cast<uint32_t>(numbers_.size())).first->second);
    }
    return numbers;
  }

 private:
  std::unordered_map<std::string_view, uint32_t> numbers_;
};

// A place where the texts differ: before[before, before_end) became after[after, after_end).
struct Change {
  uint32_t before, before_end, after, after_end;
};

std::vector<Change> ChangesBetween(const std::vector<Match>& matches, uint32_t before_size,
                                   uint32_t after_size) {
  std::vector<Change> changes;
  uint32_t before = 0;
  uint32_t after = 0;
  const auto until = [&](uint32_t b, uint32_t a) {
    if (b > before || a > after) changes.push_back({before, b, after, a});
  };
  for (const Match& match : matches) {
    until(match.before, match.after);
    before = match.before + match.size;
    after = match.after + match.size;
  }
  until(before_size, after_size);
  return changes;
}

std::vector<Change> ChangesOf(const std::vector<std::string_view>& before,
                              const std::vector<std::string_view>& after) {
  // 2,000 edits are more than a person reads, and found in a few milliseconds and 16 MB.
  constexpr int kEditsMax = 2000;
  Numbering numbering;
  const auto before_numbers = numbering.Of(before);
  const auto after_numbers = numbering.Of(after);
  return ChangesBetween(CommonItems(before_numbers, after_numbers, kEditsMax),
                        static_cast<uint32_t>(before.size()), static_cast<uint32_t>(after.size()));
}

class UnifiedWriter {
 public:
  UnifiedWriter(std::vector<std::string_view> before, std::vector<std::string_view> after)
      : before_(std::move(before)), after_(std::move(after)) {}

  std::string Write() {
    const std::vector<Change> changes = ChangesOf(before_, after_);
    for (size_t i = 0; i < changes.size();) {
      size_t end = i + 1;
      while (end < changes.size() &&
             changes[end].before - changes[end - 1].before_end <= 2 * kContext) {
        ++end;
      }
      WriteHunk(std::span(changes).subspan(i, end - i));
      i = end;
    }
    return std::move(out_);
  }

 private:
  static uint32_t Size(const std::vector<std::string_view>& lines) {
    return static_cast<uint32_t>(lines.size());
  }

  void WriteHunk(std::span<const Change> changes) {
    const uint32_t lead = std::min(changes.front().before, kContext);
    const uint32_t trail = std::min(Size(before_) - changes.back().before_end, kContext);
    out_ += "@@ -";
    WriteRange(changes.front().before - lead, changes.back().before_end + trail);
    out_ += " +";
    WriteRange(changes.front().after - lead, changes.back().after_end + trail);
    out_ += " @@\n";

    uint32_t at = changes.front().before - lead;
    for (const Change& change : changes) {
      WriteLines(' ', before_, at, change.before);
      WriteLines('-', before_, change.before, change.before_end);
      WriteLines('+', after_, change.after, change.after_end);
      at = change.before_end;
    }
    WriteLines(' ', before_, at, at + trail);
  }

  // Lines count from 1; an empty range names the line before it; one line needs no count.
  void WriteRange(uint32_t begin, uint32_t end) {
    const uint32_t size = end - begin;
    fmt::format_to(std::back_inserter(out_), "{}", size == 0 ? begin : begin + 1);
    if (size != 1) fmt::format_to(std::back_inserter(out_), ",{}", size);
  }

  void WriteLines(char mark, const std::vector<std::string_view>& lines, uint32_t begin,
                  uint32_t end) {
    for (uint32_t i = begin; i < end; ++i) {
      out_ += mark;
      out_ += lines[i];
      if (!lines[i].ends_with('\n')) out_ += "\n\\ No newline at end of file\n";
    }
  }

  std::vector<std::string_view> before_;
  std::vector<std::string_view> after_;
  std::string out_;
};

// As git writes names that would be mistaken otherwise.
std::string Quoted(std::string_view name) {
  const auto special = [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  };
  if (std::ranges::none_of(name, special)) return std::string(name);
  std::string out = "\"";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\{:03o}", static_cast<unsigned>(c));
    } else {
      if (special(c)) out += '\\';
      out += c;
    }
  }
  return out += '"';
}

// A name ends at a tab, so one with blanks needs it.
std::string HeaderName(std::string_view name) {
  std::string quoted = Quoted(name);
  if (quoted.find(' ') != std::string::npos) quoted += '\t';
  return quoted;
}

std::string_view ModeText(bool executable) { return executable ? "100755" : "100644"; }

}  // namespace

std::string UnifiedDiff(std::string_view before, std::string_view after,
                        std::string_view before_name, std::string_view after_name) {
  if (before == after) return "";
  if (before.find('\0') != std::string_view::npos || after.find('\0') != std::string_view::npos) {
    return fmt::format("Binary files {} and {} differ\n", Quoted(before_name), Quoted(after_name));
  }
  return fmt::format("--- {}\n+++ {}\n{}", HeaderName(before_name), HeaderName(after_name),
                     UnifiedWriter(SplitLines(before), SplitLines(after)).Write());
}

std::vector<uint32_t> NewLines(std::string_view before, std::string_view after) {
  std::vector<uint32_t> lines;
  for (const Change& change : ChangesOf(SplitLines(before), SplitLines(after))) {
    for (uint32_t i = change.after; i < change.after_end; ++i) lines.push_back(i + 1);
  }
  return lines;
}

std::string GitDiff(std::string_view path, const FileState& before, const FileState& after) {
  const std::string before_name = fmt::format("a/{}", path);
  const std::string after_name = fmt::format("b/{}", path);
  std::string modes;
  if (!before.exists && after.exists) {
    modes = fmt::format("new file mode {}\n", ModeText(after.executable));
  } else if (before.exists && !after.exists) {
    modes = fmt::format("deleted file mode {}\n", ModeText(before.executable));
  } else if (before.executable != after.executable) {
    modes = fmt::format("old mode {}\nnew mode {}\n", ModeText(before.executable),
                        ModeText(after.executable));
  }
  const std::string text =
      UnifiedDiff(before.bytes, after.bytes, before.exists ? before_name : "/dev/null",
                  after.exists ? after_name : "/dev/null");
  if (modes.empty() && text.empty()) return "";
  return fmt::format("diff --git {} {}\n{}{}", Quoted(before_name), Quoted(after_name), modes,
                     text);
}

Result<FileState> ReadState(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return FileState{};
    return SystemError("look at", path);
  }
  KB_TRY(bytes, ReadFile(path));
  return FileState{true, (status.st_mode & S_IXUSR) != 0, std::move(bytes)};
}

Result<std::vector<FileDiff>> DiffTrees(const std::string& before, const std::string& after) {
  KB_TRY(before_paths, ListTree(before));
  KB_TRY(after_paths, ListTree(after));
  std::vector<std::string> paths;
  std::ranges::set_union(before_paths, after_paths, std::back_inserter(paths));

  std::vector<FileDiff> diffs;
  for (std::string& path : paths) {
    KB_TRY(old_state, ReadState(JoinPath(before, path)));
    KB_TRY(new_state, ReadState(JoinPath(after, path)));
    std::string text = GitDiff(path, old_state, new_state);
    if (!text.empty()) diffs.push_back({std::move(path), std::move(text)});
  }
  return diffs;
}

}  // namespace kb::write
