#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/core.h>

#include "base/digest.h"
#include "base/files.h"
#include "base/strings.h"
#include "diag/kinds.h"
#include "freeze/line.h"
#include "freeze/lock.h"
#include "syntax/bytes.h"

namespace kb::freeze {
namespace {

constexpr std::string_view kIndent = "  ";

// One mistake a block is reported; then the next block is read.
class Reader {
 public:
  Reader(Span file, const Sources& sources, Diagnostics& diags, Lock& lock)
      : file_(file), sources_(sources), diags_(diags), lock_(lock), rest_(sources.Text(file)) {}

  void Read() {
    SkipRemarks(Remarks::kComments);
    if (!Take("kbgen 1", "expected `kbgen 1`, the version of the lock")) return;
    SkipRemarks(Remarks::kNone);
    lock_.topology = Value("topology ", IsName, "expected `topology` and its name");
    if (lock_.topology.empty()) return;
    for (SkipRemarks(Remarks::kNone); !rest_.empty(); SkipRemarks(Remarks::kNone)) {
      const size_t before = rest_.size();
      const bool good = Line().starts_with("service ") ? ReadBlock() : ReadThaw();
      if (good) continue;
      if (rest_.size() == before) Next();  // it was the first line that is wrong
      while (!rest_.empty() && (Line().empty() || Line().starts_with(kIndent))) Next();
    }
    CheckRepeats();
  }

  // A name or a reason that was cut would read as a shorter one.
  bool IsCut() {
    if (rest_.empty() || rest_.ends_with('\n')) return false;
    const size_t last = rest_.rfind('\n') + 1;
    diags_.Emit(diag::kLockLine, SpanOf(rest_.substr(last)), "expected a line end");
    return true;
  }

 private:
  enum class Remarks : uint8_t { kNone, kComments };

  std::string_view Line() const { return rest_.substr(0, rest_.find('\n')); }
  void Next() { rest_.remove_prefix(std::min(Line().size() + 1, rest_.size())); }
  // The end of the file is a place, too.
  Span SpanOf(std::string_view part) const {
    const Span span = sources_.SpanOf(file_, part);
    return span.known() ? span : Span{file_.end, file_.end};
  }

  // Comments only before the first line: those in between would be lost with the next freeze.
  void SkipRemarks(Remarks remarks) {
    while (!rest_.empty()) {
      const bool comment = remarks == Remarks::kComments && rest_[0] == '#';
      if (!comment && !Line().empty()) return;
      Next();
    }
  }

  bool Refuse(std::string_view expected) {
    const std::string_view words = Trim(Line());
    return Refuse(expected, words.empty() ? Line() : words);
  }
  bool Refuse(std::string_view expected, std::string_view part) {
    const std::string_view help =
        rest_.empty() ? "the file ends here, and something is missing" : "";
    diags_.Emit(diag::kLockLine, SpanOf(part), {.help = std::string(help)}, expected);
    return false;
  }

  bool Take(std::string_view line, std::string_view expected) {
    if (Line() != line) return Refuse(expected);
    Next();
    return true;
  }

  // What follows `key` on this line, or nothing after a report.
  Word Value(std::string_view key, bool (*good)(std::string_view), std::string_view expected) {
    const std::string_view line = Line();
    if (!line.starts_with(key)) {
      Refuse(expected);
      return {};
    }
    const std::string_view value = line.substr(key.size());
    if (!good(value)) {
      Refuse(expected, value);
      return {};
    }
    Next();
    return {value, SpanOf(value)};
  }

  bool ReadDecision(std::string_view prefix, Decision& decision) {
    struct Part {
      std::string_view word;
      bool (*good)(std::string_view);
      std::string_view expected;
      std::string_view& value;
    };
    for (const Part& part : {Part{"on", IsDate, "a date such as 2026-06-30", decision.on},
                             Part{"by", IsRemark, "who decided it", decision.by},
                             Part{"why", IsRemark, "the reason", decision.why}}) {
      const std::string key = fmt::format("{}{}{} ", kIndent, prefix, part.word);
      const Word value = Value(
          key, part.good, fmt::format("expected `{}{}` and {}", prefix, part.word, part.expected));
      if (value.empty()) return false;
      part.value = value.text;
    }
    return true;
  }

  bool ReadBlock() {
    const std::string_view begin = rest_;
    Block block;
    block.service = Value("service ", IsName, "expected `service` and its name");
    if (block.service.empty() || !ReadDecision("", block.frozen)) return false;
    while (!Line().starts_with("  seal ")) {
      if (!ReadLine(block)) return false;
    }
    const auto sealed = static_cast<size_t>(rest_.data() - begin.data());
    const std::string seal = Hex(Digest(begin.substr(0, sealed)));
    if (Line() != fmt::format("  seal {}", seal)) {
      diags_.Emit(
          diag::kLockSeal, SpanOf(Line().substr(kIndent.size())),
          {.labels = {{block.service.span, "the block begins here"}},
           .help = "take the file back from version control; `kbgen thaw` and `kbgen freeze` "
                   "are what changes it"},
          block.service.text);
      Next();
      return true;
    }
    Next();
    lock_.blocks.push_back(std::move(block));
    return true;
  }

  bool ReadLine(Block& block) {
    if (!Line().starts_with(kIndent)) {
      return Refuse(fmt::format("expected the `seal` of `{}`", block.service.text));
    }
    const std::string_view line = Line().substr(kIndent.size());
    if (const auto mistake = MistakeIn(line)) return Refuse(mistake->expected, mistake->part);
    if (!block.lines.empty() && SubjectOf(block.lines.back()) >= SubjectOf(line)) {
      return Refuse("expected servers, steps and files, each in order and once");
    }
    block.lines.push_back(line);
    Next();
    return true;
  }

  bool ReadThaw() {
    Thaw thaw;
    thaw.service = Value("thawed ", IsName, "expected `service` or `thawed`, and a name");
    if (thaw.service.empty()) return false;
    if (!ReadDecision("", thaw.thawed) || !ReadDecision("frozen ", thaw.frozen)) return false;
    lock_.history.push_back(thaw);
    return true;
  }

  void CheckRepeats() {
    std::ranges::stable_sort(lock_.blocks, {}, [](const Block& b) { return b.service.text; });
    for (size_t i = 1; i < lock_.blocks.size(); ++i) {
      const Word& first = lock_.blocks[i - 1].service;
      const Word& second = lock_.blocks[i].service;
      if (first.text != second.text) continue;
      diags_.Emit(diag::kFrozenTwice, second.span, {.labels = {{first.span, "first frozen here"}}},
                  second.text);
    }
  }

  Span file_;
  const Sources& sources_;
  Diagnostics& diags_;
  Lock& lock_;
  std::string_view rest_;
};

// A link that leads nowhere is no absence: somebody meant a lock to be there.
bool IsThere(const std::string& path) {
  std::error_code error;
  return std::filesystem::symlink_status(path, error).type() !=
         std::filesystem::file_type::not_found;
}

}  // namespace

Lock Read(Span file, const Sources& sources, Diagnostics& diags) {
  Lock lock{.path = std::string(sources.PathOf(file))};
  if (!CheckBytes(file, sources, diags)) return lock;
  Reader reader(file, sources, diags, lock);
  if (!reader.IsCut()) reader.Read();
  return lock;
}

Result<Lock> Load(const std::string& path, Sources& sources, Diagnostics& diags) {
  if (!IsThere(path)) return Lock{.path = path};
  KB_TRY(bytes, ReadFile(path));
  return Read(sources.Add(path, std::move(bytes)), sources, diags);
}

}  // namespace kb::freeze
