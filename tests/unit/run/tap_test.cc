#include "run/tap.h"

#include <gtest/gtest.h>

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::run {
namespace {

Suite Read(std::string_view report, int status) {
  TapReader reader(0);
  Time now = 0;
  for (std::string_view line : Split(report, '\n')) reader.Read(line, now += 10);
  return reader.Finish(status);
}

std::string Dump(const Suite& suite) {
  std::string text;
  for (const Check& check : suite.checks) {
    const char* word = check.result == CheckResult::kPassed    ? "passed"
                       : check.result == CheckResult::kSkipped ? "skipped"
                                                               : "failed";
    text += fmt::format("{} [{}] ({}) {} ms\n", word, check.text, check.why, check.took);
  }
  return text + (suite.passed() ? "good" : "bad") + (suite.broken.empty() ? "" : ": ") +
         suite.broken;
}

TEST(Tap, ReadsChecksReasonsAndSkips) {
  EXPECT_EQ(Dump(Read("ok 1 - the port is open\n"
                      "2026-11-21T05:00:00Z validate: something besides\n"
                      "not ok 2 - it answers\n# wanted \"PONG\"\n# found \"\"\n"
                      "ok 3 - the mount # SKIP there is no volume\n"
                      "1..3\n# 3 checks, 1 failed",
                      1)),
            "passed [the port is open] () 10 ms\n"
            "failed [it answers] (wanted \"PONG\"\nfound \"\") 20 ms\n"
            "skipped [the mount] (there is no volume) 30 ms\n"
            "bad");
}

TEST(Tap, BelievesNoReportThatIsNotWhole) {
  struct Case {
    std::string_view report;
    int status;
    std::string_view broken;
  };
  for (const Case& c : {
           Case{"ok 1 - a\nok 2 - b", 1,
                "it ended after 2 checks with status 1 and did not say how many there are"},
           {"ok 1 - a\n1..2", 0, "it says that there are 2 checks, and reports 1"},
           {"ok 1 - a\nok 3 - c\n1..2", 0, "check 3 comes after check 1"},
           {"ok 1 - a\nok 1 - a\n1..2", 0, "check 1 comes after check 1"},
           {"ok 1 - a\n1..1\n1..1", 0, "it tells twice how many checks there are"},
           {"ok 1 - a\n1..1\nok 2 - b", 0, "a check comes after the count of checks"},
           {"ok 1 - a\n1..1", 3, "all checks passed, but it ended with status 3"},
           {"not ok 1 - a\n1..1", 0, "a check failed, but it ended with status 0"},
           {"ok 1 - a\nBail out! no disk", 1, "Bail out! no disk"},
           {"1..x", 0, "`1..x` is no count of checks"},
       }) {
    const Suite suite = Read(c.report, c.status);
    EXPECT_EQ(suite.broken, c.broken) << c.report;
    EXPECT_FALSE(suite.passed()) << c.report;
  }
}

TEST(Tap, TakesSentencesForWhatTheyAre) {
  EXPECT_EQ(Dump(Read("ok then\nnot ok at all\nok 1 - a\n1..1", 0)), "passed [a] () 30 ms\ngood");
}

}  // namespace
}  // namespace kb::run
