#include "run/tap.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/strings.h"
#include "run/show.h"

namespace kb::run {

bool Suite::passed() const {
  return broken.empty() && std::ranges::none_of(checks, [](const Check& check) {
           return check.result == CheckResult::kFailed;
         });
}

void TapReader::Break(std::string why) {
  if (suite_.broken.empty()) suite_.broken = std::move(why);
}

void TapReader::Read(std::string_view line, Time now) {
  if (line.starts_with("ok ")) return ReadCheck(line.substr(3), CheckResult::kPassed, now);
  if (line.starts_with("not ok ")) return ReadCheck(line.substr(7), CheckResult::kFailed, now);
  if (line.starts_with("1..")) {
    if (planned_) return Break("it tells twice how many checks there are");
    planned_ = ParseUnsigned(line.substr(3));
    if (!planned_) return Break(fmt::format("`{}` is no count of checks", Printable(line)));
  } else if (line.starts_with("Bail out!")) {
    return Break(Printable(line));
  } else if (line.starts_with("# ") && !planned_ && !suite_.checks.empty() &&
             suite_.checks.back().result == CheckResult::kFailed) {
    std::string& why = suite_.checks.back().why;
    why.append(why.empty() ? "" : "\n").append(Printable(line.substr(2)));
  }
  // Everything else is what the script says besides.
}

// "3 - the text # SKIP why"
void TapReader::ReadCheck(std::string_view line, CheckResult result, Time now) {
  const size_t end = line.find(' ');
  const auto number = ParseUnsigned(line.substr(0, end));
  // A sentence that begins with "ok" is none of the report.
  if (!number) return;
  if (planned_) return Break("a check comes after the count of checks");
  if (*number != suite_.checks.size() + 1) {
    return Break(fmt::format("check {} comes after check {}", *number, suite_.checks.size()));
  }
  std::string_view text = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
  if (text.starts_with("- ")) text.remove_prefix(2);
  Check check = {.result = result, .text = {}, .why = {}, .took = now - last_};
  constexpr std::string_view kSkip = " # SKIP";
  if (const size_t skip = text.find(kSkip);
      result == CheckResult::kPassed && skip != std::string_view::npos) {
    check.result = CheckResult::kSkipped;
    check.why = Printable(Trim(text.substr(skip + kSkip.size())));
    text = text.substr(0, skip);
  }
  check.text = Printable(text);
  last_ = now;
  suite_.checks.push_back(std::move(check));
}

Suite TapReader::Finish(int status) {
  if (!planned_) {
    Break(fmt::format("it ended after {} with status {} and did not say how many there are",
                      Count(suite_.checks.size(), "check"), status));
  } else if (*planned_ != suite_.checks.size()) {
    Break(fmt::format("it says that there are {}, and reports {}", Count(*planned_, "check"),
                      suite_.checks.size()));
  } else if (status != 0 && suite_.passed()) {
    Break(fmt::format("all checks passed, but it ended with status {}", status));
  } else if (status == 0 && !suite_.passed()) {
    Break("a check failed, but it ended with status 0");
  }
  return std::move(suite_);
}

Suite SuiteOfStatus(std::string_view text, int status, std::string_view last_line, Time took) {
  Check check = {.result = status == 0 ? CheckResult::kPassed : CheckResult::kFailed,
                 .text = std::string(text),
                 .why = {},
                 .took = took};
  if (status != 0) check.why = fmt::format("status {}: {}", status, Printable(last_line));
  return {.checks = {std::move(check)}, .broken = {}};
}

}  // namespace kb::run
