#include "freeze/line.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"

namespace kb::freeze {
namespace {

constexpr std::string_view kServerWord = "server ", kStepWord = "step ", kFileWord = "file ";
constexpr std::string_view kNone = "-";
constexpr std::string_view kMembers = "members";
constexpr size_t kDigestSize = 64;
constexpr size_t kModeSize = 4;

// What stands between the words of a line, by their place.
enum StepWord : size_t { kStepName = 1, kNumber, kKind, kStrategy, kWhere, kAfter, kStepWords };
enum FileWord : size_t { kSha = 1, kMode, kOwner, kPath, kLands, kFileWords };

// A blank would end the word, and what no terminal shows could hide a change from its reviewer.
bool MustBeEscaped(char c) { return static_cast<uint8_t>(c) <= 0x20 || c == 0x7F || c == '%'; }

void AppendWord(std::string_view text, std::string& out) {
  out += ' ';
  if (text.empty()) {
    out += kNone;
    return;
  }
  if (text == kNone) {
    out += "%2D";
    return;
  }
  for (const char c : text) {
    if (MustBeEscaped(c)) {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<uint8_t>(c));
    } else {
      out += c;
    }
  }
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string Unescaped(std::string_view word) {
  if (word == kNone) return {};
  std::string text;
  for (size_t i = 0; i < word.size(); ++i) {
    const bool escape = word[i] == '%' && i + 2 < word.size() && HexDigit(word[i + 1]) >= 0 &&
                        HexDigit(word[i + 2]) >= 0;
    if (!escape) {
      text += word[i];
      continue;
    }
    text += static_cast<char>(HexDigit(word[i + 1]) * 16 + HexDigit(word[i + 2]));
    i += 2;
  }
  return text;
}

bool IsWord(std::string_view word) {
  return !word.empty() &&
         std::ranges::none_of(word, [](char c) { return c != '%' && MustBeEscaped(c); });
}

bool IsSha256(std::string_view word) {
  return word.size() == kDigestSize &&
         std::ranges::all_of(word, [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); });
}

bool IsMode(std::string_view word) {
  return word.size() == kModeSize &&
         std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '7'; });
}

// Relative, and no way out of the tree: the file of that name is going to be opened.
bool StaysInside(std::string_view word) {
  const std::string path = Unescaped(word);
  return !path.empty() && std::ranges::none_of(Split(path, '/'), [](std::string_view name) {
    return name.empty() || name == "." || name == "..";
  });
}

using Words = std::vector<std::string_view>;

std::optional<Mistake> MistakeInStep(std::string_view line, const Words& words) {
  if (words.size() != kStepWords || !std::ranges::all_of(words, IsWord)) {
    return Mistake{"expected `step NAME NUMBER KIND STRATEGY WHERE AFTER`", line};
  }
  if (!ParseUnsigned(words[kNumber])) {
    return Mistake{"expected the number of the step", words[kNumber]};
  }
  return std::nullopt;
}

std::optional<Mistake> MistakeInFile(std::string_view line, const Words& words) {
  const bool complete = words.size() == kLands || words.size() == kFileWords;
  if (!complete || !std::ranges::all_of(words, IsWord)) {
    return Mistake{
        "expected `file SHA256 MODE OWNER PATH`, and where it lands if its path does not tell",
        line};
  }
  if (!IsSha256(words[kSha])) return Mistake{"expected a SHA-256 in lower-case hex", words[kSha]};
  if (!IsMode(words[kMode])) return Mistake{"expected an octal mode such as 0640", words[kMode]};
  if (!StaysInside(words[kPath])) {
    return Mistake{"expected a path inside of the output tree", words[kPath]};
  }
  return std::nullopt;
}

// Where a file lands; what its line leaves out, its path in the tree ends in.
std::string LandsAt(std::span<const std::string_view> words) {
  return words.size() == kFileWords ? Unescaped(words[kLands]) : "where its path says";
}

std::string FileChange(std::span<const std::string_view> was,
                       std::span<const std::string_view> now) {
  std::vector<std::string> parts;
  if (was[kSha] != now[kSha]) parts.emplace_back("content");
  if (was[kMode] != now[kMode]) {
    parts.push_back(fmt::format("mode {} → {}", was[kMode], now[kMode]));
  }
  if (was[kOwner] != now[kOwner]) {
    parts.push_back(fmt::format("owner {} → {}", was[kOwner], now[kOwner]));
  }
  if (LandsAt(was) != LandsAt(now)) {
    parts.push_back(fmt::format("lands at {} → {}", LandsAt(was), LandsAt(now)));
  }
  return Join(parts, ", ");
}

std::string StepChange(std::span<const std::string_view> was,
                       std::span<const std::string_view> now) {
  constexpr std::array<std::string_view, kStepWords> kNames{"",         "",   "place", "kind",
                                                            "strategy", "on", "after"};
  std::vector<std::string> parts;
  for (size_t i = kNumber; i < kStepWords; ++i) {
    if (was[i] != now[i]) parts.push_back(fmt::format("{} {} → {}", kNames[i], was[i], now[i]));
  }
  return Join(parts, ", ");
}

}  // namespace

std::string ServerLine(std::string_view server) {
  std::string line = "server";
  AppendWord(server, line);
  return line;
}

std::string StepLine(const module::Step& step, size_t number, std::string_view install) {
  std::string line = "step";
  AppendWord(step.name.text, line);
  AppendWord(fmt::format("{}", number), line);
  AppendWord(module::Name(step.kind), line);
  AppendWord(module::Name(step.strategy), line);
  AppendWord(step.on_install ? fmt::format("install:{}", install) : std::string(kMembers), line);
  std::string after;
  for (const Word& name : step.after) after.append(after.empty() ? "" : ",").append(name.text);
  AppendWord(after, line);
  return line;
}

std::string FileLine(const FileFacts& file) {
  std::string line;
  line.reserve(96 + file.path.size() + file.host_path.size());
  line = "file";
  AppendWord(file.sha256, line);
  fmt::format_to(std::back_inserter(line), " {:04o}", file.mode);
  AppendWord(file.owner, line);
  AppendWord(file.path, line);
  if (!file.path.ends_with(file.host_path)) AppendWord(file.host_path, line);
  return line;
}

std::optional<Mistake> MistakeIn(std::string_view line) {
  const Words words = Split(line, ' ');
  if (line.starts_with(kServerWord)) {
    if (words.size() == 2 && IsWord(words[1])) return std::nullopt;
    return Mistake{"expected `server NAME`", line};
  }
  if (line.starts_with(kStepWord)) return MistakeInStep(line, words);
  if (line.starts_with(kFileWord)) return MistakeInFile(line, words);
  return Mistake{"expected `server`, `step`, `file` or `seal`", line};
}

Subject SubjectOf(std::string_view line) {
  using enum Subject::Kind;
  Subject::Kind kind = kServer;
  if (line.starts_with(kFileWord)) {
    // This is asked some twenty times for each file of the estate: digest and mode have one size.
    line.remove_prefix(kFileWord.size() + kDigestSize + 1 + kModeSize + 1);
    line.remove_prefix(line.find(' ') + 1);
    kind = kFile;
  } else {
    kind = line.starts_with(kStepWord) ? kStep : kServer;
    line.remove_prefix(line.find(' ') + 1);
  }
  return {kind, line.substr(0, line.find(' '))};
}

std::string NameOf(std::string_view line) { return Unescaped(SubjectOf(line).name); }

std::string_view DigestOf(std::string_view line) {
  return line.substr(kFileWord.size(), kDigestSize);
}

std::string DescribeChange(std::string_view was, std::string_view now) {
  const auto was_words = Split(was, ' '), now_words = Split(now, ' ');
  return SubjectOf(was).kind == Subject::Kind::kStep ? StepChange(was_words, now_words)
                                                     : FileChange(was_words, now_words);
}

}  // namespace kb::freeze
