// Console: where results and diagnostics go, and in which form. Results on stdout; progress and
// diagnostics on stderr, unless a tool reads them: then they are the result.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "cli/commands.h"
#include "diag/diagnostic.h"

namespace kb::cli {

class Console {
 public:
  explicit Console(const Options& options);

  bool text_format() const { return options_.format == DiagFormat::kText; }
  bool json() const { return options_.format == DiagFormat::kJson; }
  bool color_on_stdout() const { return color_stdout_; }

  // A result, as it is.
  void Print(std::string_view text) const;
  // A result that --quiet leaves out and that would disturb a tool.
  void PrintSummary(std::string_view text) const;
  // Says on stderr what is being done, for --verbose.
  void Progress(std::string_view what) const;
  // A mistake in what was asked for, on stderr.
  Status Complain(std::string_view message, Status status) const;
  Status Fail(const Error& error) const;

  // Everything reported so far: on stderr as text, else on stdout in the tool's format. JSON gets
  // a member "result" when there is one. The status says whether there was an error.
  Status Show(const Diagnostics& diags, const Sources& sources) const;
  Status Show(const Diagnostics& diags, const Sources& sources,
              const nlohmann::ordered_json& result) const;

 private:
  const Options& options_;
  bool color_stdout_;
  bool color_stderr_;
};

// Whether colour may be used on a file descriptor, as --color and NO_COLOR want it.
bool UsesColor(Color color, int fd);

}  // namespace kb::cli
