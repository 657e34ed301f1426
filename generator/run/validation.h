// Validation: what the suites of a run found, and the report that each module gets of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "run/board.h"
#include "run/tap.h"
#include "run/watcher.h"

namespace kb::run {

// "4" of "04": how an estate's files are numbered.
std::string ModuleNumber(std::string_view label);

// One suite on one server.
struct Finding {
  int server = -1;
  int step = -1;
  bool ran = false;
  std::string why_not;  // when it did not run
  Suite suite;
  Time took = 0;
};

// Reads what validation steps print while they print it.
class Validation : public Watcher {
 public:
  // Both must outlive it.
  Validation(const Plan& plan, const std::vector<Task>& tasks);

  void Show(const Event& event) override;
  std::optional<Time> Pass(Time) override { return std::nullopt; }

  // By task. One that never ran has failed: silence is no success.
  const std::vector<Finding>& findings() const { return findings_; }
  bool passed() const;

 private:
  const Plan& plan_;
  std::vector<Finding> findings_;
  struct Reader {
    TapReader tap;
    Time began = 0;
    bool reports = false;  // something of it was a report
    std::string last;
  };
  std::map<int, Reader> readers_;
};

// A line for each suite, and what failed below it: for the operator.
std::string Findings(const Plan& plan, const std::vector<Finding>& findings);

struct ReportHead {
  std::string topology;
  std::string tree;  // id
  std::string run;
  std::string who;
  std::string time;  // ISO UTC
};
// Of all services with one label, "04".
std::string MarkdownReport(const Plan& plan, std::string_view label,
                           const std::vector<Finding>& findings, const ReportHead& head);
std::string JUnitReport(const Plan& plan, std::string_view label,
                        const std::vector<Finding>& findings, const ReportHead& head);

// module_<N>_validation.{md,xml} for each label that has findings. Gives what was written.
Result<std::vector<std::string>> WriteReports(const Plan& plan,
                                              const std::vector<Finding>& findings,
                                              const ReportHead& head, const std::string& folder);

}  // namespace kb::run
