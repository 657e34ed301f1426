#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/paint_diff.h"
#include "write/diff.h"

namespace kb::cli {

Status Diff(const Options& options) {
  const Console console(options);
  const auto diffs = write::DiffTrees(options.before, options.after);
  if (!diffs) return console.Fail(diffs.error());
  if (console.json()) {
    auto files = nlohmann::ordered_json::array();
    for (const write::FileDiff& file : *diffs) {
      files.push_back({{"path", file.path}, {"diff", file.text}});
    }
    using Json = nlohmann::ordered_json;
    const Json result = {{"version", 1}, {"result", {{"files", std::move(files)}}}};
    console.Print(result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    for (const write::FileDiff& file : *diffs) {
      console.Print(PaintDiff(file.text, console.color_on_stdout()));
    }
  }
  return diffs->empty() ? Status::kDone : Status::kFindings;
}

}  // namespace kb::cli
