// Tap: reads the numbered report of a validation suite, strictly: one that does not end, or that
// loses count, has failed, whatever its checks say.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/events.h"

namespace kb::run {

enum class CheckResult : uint8_t { kPassed, kFailed, kSkipped };

struct Check {
  CheckResult result = CheckResult::kPassed;
  std::string text;
  std::string why;  // what a failed one found, in lines; why one was skipped
  Time took = 0;
};

struct Suite {
  std::vector<Check> checks;
  std::string broken;  // why the report cannot be believed; empty: it is whole
  bool passed() const;
};

class TapReader {
 public:
  // What a check took is the time since what was said before it.
  explicit TapReader(Time begin) : last_(begin) {}

  void Read(std::string_view line, Time now);
  // After the script's end.
  Suite Finish(int status);

 private:
  void ReadCheck(std::string_view line, CheckResult result, Time now);
  void Break(std::string why);

  Suite suite_;
  std::optional<size_t> planned_;
  Time last_;
};

// The suite of a script that reports in another form, or in none: one check, its status.
Suite SuiteOfStatus(std::string_view text, int status, std::string_view last_line, Time took);

}  // namespace kb::run
