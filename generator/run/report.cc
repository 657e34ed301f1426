#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/strings.h"
#include "run/show.h"
#include "run/validation.h"

namespace kb::run {
namespace {

struct Tally {
  size_t checks = 0, passed = 0, failed = 0, skipped = 0;
  size_t incomplete = 0;  // suites that did not run or cannot be believed
  Time took = 0;

  bool good() const { return failed == 0 && incomplete == 0; }
};

Tally operator+(Tally a, const Tally& b) {
  return {a.checks + b.checks,   a.passed + b.passed,         a.failed + b.failed,
          a.skipped + b.skipped, a.incomplete + b.incomplete, std::max(a.took, b.took)};
}

Tally TallyOf(const Finding& finding) {
  Tally tally = {.took = finding.took};
  for (const Check& check : finding.suite.checks) {
    ++tally.checks;
    ++(check.result == CheckResult::kPassed   ? tally.passed
       : check.result == CheckResult::kFailed ? tally.failed
                                              : tally.skipped);
  }
  tally.incomplete = !finding.ran || !finding.suite.broken.empty() ? 1 : 0;
  return tally;
}

std::string_view WordOf(CheckResult result) {
  switch (result) {
    case CheckResult::kPassed:
      return "ok";
    case CheckResult::kFailed:
      return "FAILED";
    case CheckResult::kSkipped:
      return "skipped";
  }
  return "";
}

// Nothing that a check says may become markup.
std::string Cell(std::string_view text) {
  std::string cell;
  for (char c : text) {
    if (c == '\n') {
      cell += "<br>";
    } else if (c == '<') {
      cell += "&lt;";
    } else if (c == '&') {
      cell += "&amp;";
    } else {
      if (std::string_view("\\`*_|[]#~").find(c) != std::string_view::npos) cell += '\\';
      cell += c;
    }
  }
  return cell;
}

std::string Xml(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\n':
        escaped += "&#10;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Seconds(Time ms) { return fmt::format("{:.3f}", static_cast<double>(ms) / 1000); }

class Writer {
 public:
  Writer(const Plan& plan, std::string_view label, const std::vector<Finding>& findings)
      : plan_(plan), label_(label) {
    for (const Finding& finding : findings) {
      if (ServiceOf(finding).label == label) findings_.push_back(&finding);
    }
  }

  std::string Markdown(const ReportHead& head) {
    Tally all;
    std::vector<std::string> services, servers;
    for (const Finding* finding : findings_) {
      all = all + TallyOf(*finding);
      AddOnce(services, ServiceOf(*finding).name);
      AddOnce(servers, ServerOf(*finding));
    }
    text_ = fmt::format("# Validation of module {}: {}\n\n", ModuleNumber(label_),
                        Join(services, ", "));
    text_ += fmt::format("**{}**: {} on {}, {} passed, {} failed, {} skipped",
                         all.good() ? "Passed" : "FAILED", Count(all.checks, "check"),
                         Count(servers.size(), "server"), all.passed, all.failed, all.skipped);
    if (all.incomplete > 0) {
      text_ += fmt::format(", {} not complete", Count(all.incomplete, "suite"));
    }
    text_ += ".\n\n| | |\n|---|---|\n";
    for (const auto& [name, value] :
         {std::pair{"Topology", head.topology}, std::pair{"Measured", head.time},
          std::pair{"By", head.who}, std::pair{"Run", head.run}, std::pair{"Tree", head.tree}}) {
      text_ += fmt::format("| {} | {} |\n", name, Cell(value));
    }
    AddOverview();
    AddPoints();
    AddChecks();
    return std::move(text_);
  }

  std::string JUnit(const ReportHead& head) {
    Tally all;
    for (const Finding* finding : findings_) all = all + TallyOf(*finding);
    text_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    text_ += fmt::format(
        "<testsuites name=\"module {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
        "skipped=\"{}\" time=\"{}\">\n",
        ModuleNumber(label_), all.checks + all.incomplete, all.failed, all.incomplete, all.skipped,
        Seconds(all.took));
    for (const Finding* finding : findings_) AddSuite(*finding, head);
    return std::move(text_) + "</testsuites>\n";
  }

 private:
  const Step& StepOf(const Finding& finding) const {
    return plan_.steps[static_cast<size_t>(finding.step)];
  }
  const Service& ServiceOf(const Finding& finding) const {
    return plan_.services[static_cast<size_t>(StepOf(finding).service)];
  }
  const std::string& ServerOf(const Finding& finding) const {
    return plan_.servers[static_cast<size_t>(finding.server)].name;
  }
  static void AddOnce(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  std::string SuiteName(const Finding& finding) const {
    return fmt::format("{}/{}", ServiceOf(finding).name, StepOf(finding).name);
  }
  static std::string_view Trouble(const Finding& finding) {
    return finding.ran ? finding.suite.broken : finding.why_not;
  }

  void AddOverview() {
    text_ +=
        "\n## Servers\n\n| Server | Suite | Result | Checks | Passed | Failed | Skipped | Took "
        "|\n|---|---|---|--:|--:|--:|--:|--:|\n";
    for (const Finding* finding : findings_) {
      const Tally tally = TallyOf(*finding);
      text_ +=
          fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", Cell(ServerOf(*finding)),
                      Cell(SuiteName(*finding)), tally.good() ? "passed" : "FAILED", tally.checks,
                      tally.passed, tally.failed, tally.skipped, Span(finding->took));
    }
  }

  // What a reader must look at, before everything that is well.
  void AddPoints() {
    std::string points;
    for (const Finding* finding : findings_) {
      const std::string where =
          fmt::format("{}, {}", Cell(ServerOf(*finding)), Cell(SuiteName(*finding)));
      if (!Trouble(*finding).empty()) {
        points += fmt::format("- **{}**: the suite is not complete: {}\n", where,
                              Cell(Trouble(*finding)));
      }
      for (const Check& check : finding->suite.checks) {
        if (check.result == CheckResult::kPassed) continue;
        points += fmt::format("- **{}**: {}: {}{}{}\n", where, WordOf(check.result),
                              Cell(check.text), check.why.empty() ? "" : ": ", Cell(check.why));
      }
    }
    if (!points.empty()) text_ += "\n## Points of attention\n\n" + points;
  }

  void AddChecks() {
    text_ += "\n## Checks\n";
    for (const Finding* finding : findings_) {
      if (finding->suite.checks.empty()) continue;
      text_ += fmt::format("\n### {} on {}\n\n| # | Check | Result | Took |\n|--:|---|---|--:|\n",
                           Cell(SuiteName(*finding)), Cell(ServerOf(*finding)));
      size_t number = 0;
      for (const Check& check : finding->suite.checks) {
        text_ += fmt::format("| {} | {} | {} | {} |\n", ++number, Cell(check.text),
                             WordOf(check.result), Span(check.took));
      }
    }
  }

  void AddSuite(const Finding& finding, const ReportHead& head) {
    const Tally tally = TallyOf(finding);
    text_ += fmt::format(
        "  <testsuite name=\"{}\" hostname=\"{}\" timestamp=\"{}\" tests=\"{}\" failures=\"{}\" "
        "errors=\"{}\" skipped=\"{}\" time=\"{}\">\n",
        Xml(SuiteName(finding)), Xml(ServerOf(finding)), Xml(head.time),
        tally.checks + tally.incomplete, tally.failed, tally.incomplete, tally.skipped,
        Seconds(finding.took));
    const auto open_case = [&](std::string_view name, Time took) {
      text_ +=
          fmt::format("    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{}\"",
                      Xml(ServerOf(finding)), Xml(SuiteName(finding)), Xml(name), Seconds(took));
    };
    for (const Check& check : finding.suite.checks) {
      open_case(check.text, check.took);
      if (check.result == CheckResult::kPassed) {
        text_ += "/>\n";
      } else if (check.result == CheckResult::kSkipped) {
        text_ +=
            fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", Xml(check.why));
      } else {
        text_ +=
            fmt::format(">\n      <failure message=\"{}\"/>\n    </testcase>\n", Xml(check.why));
      }
    }
    if (tally.incomplete > 0) {
      open_case("the suite is complete", 0);
      text_ +=
          fmt::format(">\n      <error message=\"{}\"/>\n    </testcase>\n", Xml(Trouble(finding)));
    }
    text_ += "  </testsuite>\n";
  }

  const Plan& plan_;
  std::string_view label_;
  std::vector<const Finding*> findings_;
  std::string text_;
};

}  // namespace

std::string MarkdownReport(const Plan& plan, std::string_view label,
                           const std::vector<Finding>& findings, const ReportHead& head) {
  return Writer(plan, label, findings).Markdown(head);
}

std::string JUnitReport(const Plan& plan, std::string_view label,
                        const std::vector<Finding>& findings, const ReportHead& head) {
  return Writer(plan, label, findings).JUnit(head);
}

std::string Findings(const Plan& plan, const std::vector<Finding>& findings) {
  std::string text;
  Tally all;
  for (const Finding& finding : findings) {
    const Tally tally = TallyOf(finding);
    all = all + tally;
    const Step& step = plan.steps[static_cast<size_t>(finding.step)];
    const std::string& server = plan.servers[static_cast<size_t>(finding.server)].name;
    const std::string& service = plan.services[static_cast<size_t>(step.service)].name;
    if (tally.good()) continue;
    text += fmt::format("{}: {}/{}: FAILED\n", server, service, step.name);
    const std::string& trouble = finding.ran ? finding.suite.broken : finding.why_not;
    if (!trouble.empty()) text += fmt::format("    not complete: {}\n", trouble);
    for (const Check& check : finding.suite.checks) {
      if (check.result != CheckResult::kFailed) continue;
      text += fmt::format("    not ok: {}\n", check.text);
      if (check.why.empty()) continue;
      for (std::string_view line : Split(check.why, '\n'))
        text += fmt::format("        {}\n", line);
    }
  }
  text += fmt::format("{}: {} in {}, {} passed, {} failed, {} skipped",
                      all.good() ? "Passed" : "FAILED", Count(all.checks, "check"),
                      Count(findings.size(), "suite"), all.passed, all.failed, all.skipped);
  if (all.incomplete > 0) text += fmt::format(", {} not complete", Count(all.incomplete, "suite"));
  return text + ".\n";
}

}  // namespace kb::run
