#include <algorithm>
#include <optional>
#include <string>

#include <fmt/core.h>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "diag/kinds.h"
#include "module/embedded.h"

namespace kb::cli {
namespace {

// "KB3004", "kb3004" and "3004" are one code.
std::optional<uint16_t> ParseCode(std::string_view text) {
  if (text.size() > 2 && (text[0] == 'K' || text[0] == 'k') && (text[1] == 'B' || text[1] == 'b')) {
    text.remove_prefix(2);
  }
  const auto number = ParseUnsigned(text);
  if (!number || *number > 9999) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

std::string_view PageOf(uint16_t code) {
  const std::string path = fmt::format("docs/diagnostics/{}.md", CodeName(code));
  const auto files = EmbeddedFiles();
  const auto page =
      std::ranges::lower_bound(files, std::string_view(path), {}, &EmbeddedFile::path);
  return page != files.end() && page->path == path ? page->bytes : std::string_view();
}

std::string_view Word(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      break;
  }
  return "error";
}

std::string Line(const diag::KindRow& kind) {
  return fmt::format("{}  {:<7}  {}: {}\n", CodeName(kind.code), Word(kind.severity), kind.name,
                     kind.format);
}

}  // namespace

Status Explain(const Options& options) {
  const Console console(options);
  if (options.code.empty()) {
    for (const diag::KindRow& kind : diag::AllKinds()) console.Print(Line(kind));
    return Status::kDone;
  }
  const std::optional<uint16_t> code = ParseCode(options.code);
  const diag::KindRow* kind = code ? diag::FindKind(*code) : nullptr;
  if (kind == nullptr) {
    return console.Complain(
        fmt::format("`{}` is no code of kbgen; `kbgen explain` lists them", options.code),
        Status::kUsage);
  }
  const std::string_view page = PageOf(*code);
  console.Print(page.empty() ? Line(*kind) : std::string(page));
  return Status::kDone;
}

}  // namespace kb::cli
