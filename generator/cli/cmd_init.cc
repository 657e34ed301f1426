#include <string>
#include <string_view>

#include <fmt/core.h>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "module/embedded.h"

namespace kb::cli {
namespace {

constexpr std::string_view kFolder = "templates/_init/";

}  // namespace

Status Init(const Options& options) {
  const Console console(options);
  // First look, then write: half a topology would be worse than none.
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (!file.path.starts_with(kFolder)) continue;
    const std::string path = JoinPath(options.folder, file.path.substr(kFolder.size()));
    if (!PathExists(path)) continue;
    return console.Complain(fmt::format("`{}` is there already; nothing was written", path),
                            Status::kFindings);
  }
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (!file.path.starts_with(kFolder)) continue;
    const std::string path = JoinPath(options.folder, file.path.substr(kFolder.size()));
    if (auto written = WriteFileAtomically(path, file.bytes, 0644); !written) {
      return console.Fail(written.error());
    }
    console.PrintSummary(fmt::format("+ {}\n", path));
  }
  const std::string enter = options.folder == "." ? "" : fmt::format("cd {} && ", options.folder);
  console.PrintSummary(fmt::format("Now: {}kbgen render\n", enter));
  return Status::kDone;
}

}  // namespace kb::cli
