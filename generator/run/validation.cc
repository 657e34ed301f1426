#include "run/validation.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/files.h"
#include "run/show.h"

namespace kb::run {
namespace {

constexpr uint32_t kReportMode = 0644;

}  // namespace

std::string ModuleNumber(std::string_view label) {
  const size_t first = label.find_first_not_of('0');
  return std::string(first == std::string_view::npos ? label.substr(0, 1) : label.substr(first));
}

Validation::Validation(const Plan& plan, const std::vector<Task>& tasks) : plan_(plan) {
  for (const Task& task : tasks) {
    findings_.push_back(
        {.server = task.server, .step = task.step, .why_not = "it was not reached", .suite = {}});
  }
}

bool Validation::passed() const {
  return std::ranges::all_of(
      findings_, [](const Finding& finding) { return finding.ran && finding.suite.passed(); });
}

void Validation::Show(const Event& event) {
  if (event.kind == EventKind::kServerFailed) {
    for (Finding& finding : findings_) {
      if (finding.server == event.server && !finding.ran) finding.why_not = Printable(event.text);
    }
  }
  if (event.task < 0 || event.task >= static_cast<int>(findings_.size())) return;
  Finding& finding = findings_[static_cast<size_t>(event.task)];
  if (event.kind == EventKind::kStepBegin) {
    readers_.insert_or_assign(event.task, Reader{TapReader(event.time), event.time, false, {}});
  } else if (event.kind == EventKind::kStepBlocked) {
    finding.why_not = Printable(event.text);
  }
  const auto reader = readers_.find(event.task);
  if (reader == readers_.end()) return;
  Reader& read = reader->second;
  if (event.kind == EventKind::kOutput) {
    const std::string_view line = event.text;
    read.reports |=
        line.starts_with("ok ") || line.starts_with("not ok ") || line.starts_with("1..");
    read.tap.Read(line, event.time);
    read.last = event.text;
  } else if (event.kind == EventKind::kStepEnd) {
    const Step& step = plan_.steps[static_cast<size_t>(finding.step)];
    finding.ran = event.result != Outcome::kLost;
    if (!finding.ran) finding.why_not = Printable(event.text);
    finding.took = event.took;
    // What runs once on the install host tells of all members, mostly side by side and not in
    // numbers. Suites of members always do.
    finding.suite = step.on_install && !read.reports
                        ? SuiteOfStatus(step.help, event.status, read.last, event.took)
                        : read.tap.Finish(event.status);
    readers_.erase(reader);
  }
}

Result<std::vector<std::string>> WriteReports(const Plan& plan,
                                              const std::vector<Finding>& findings,
                                              const ReportHead& head, const std::string& folder) {
  std::vector<std::string> labels;
  for (const Finding& finding : findings) {
    const int service = plan.steps[static_cast<size_t>(finding.step)].service;
    labels.push_back(plan.services[static_cast<size_t>(service)].label);
  }
  std::ranges::sort(labels);
  const auto again = std::ranges::unique(labels);
  labels.erase(again.begin(), again.end());
  std::vector<std::string> paths;
  for (const std::string& label : labels) {
    const std::string stem =
        JoinPath(folder, fmt::format("module_{}_validation", ModuleNumber(label)));
    for (const auto& [suffix, text] :
         {std::pair{".md", MarkdownReport(plan, label, findings, head)},
          std::pair{".xml", JUnitReport(plan, label, findings, head)}}) {
      const auto written = WriteFileAtomically(stem + suffix, text, kReportMode);
      if (!written) return std::unexpected(written.error());
      paths.push_back(stem + suffix);
    }
  }
  return paths;
}

}  // namespace kb::run
