#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "diag/kinds.h"
#include "diag/print.h"

namespace kb {
namespace {

// Feeds the log to tests/sarif_schema_test.py; 77 means that the check cannot run here.
int CheckAgainstSchema(const std::string& log) {
  const std::string command = "python3 " KBGEN_SOURCE_DIR "/tests/sarif_schema_test.py";
  std::FILE* pipe = ::popen(command.c_str(), "w");
  if (!pipe) return 77;
  std::fwrite(log.data(), 1, log.size(), pipe);
  const int status = ::pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void ExpectValid(const std::string& log) {
  const int status = CheckAgainstSchema(log);
  if (status == 77) GTEST_SKIP() << "python3-jsonschema is not installed";
  EXPECT_EQ(status, 0) << log;
}

TEST(Sarif, OfARunWithoutFindingsIsValid) { ExpectValid(Print({}, {}, DiagFormat::kSarif, {})); }

TEST(Sarif, OfEveryKindIsValid) {
  Sources sources;
  const Span file = sources.Add("model/a b%.yaml", "é: 1\n\xFF two\n");
  std::vector<Diagnostic> diagnostics;
  for (const diag::KindRow& kind : diag::AllKinds()) {
    diagnostics.push_back({.code = kind.code,
                           .severity = kind.severity,
                           .span = kind.code % 2 ? file : Span{},
                           .message = "what was seen: \xFF",
                           .labels = {{{file.end, file.end}, "at the end"}, {{}, "nowhere"}},
                           .help = "what to do",
                           .source = "RULES.md: x"});
  }
  ExpectValid(Print(diagnostics, sources, DiagFormat::kSarif, {.tool_version = "1.0.0"}));
}

// The check itself can fail.
TEST(Sarif, OfAnotherShapeIsRefused) {
  const int status = CheckAgainstSchema(R"({"version": "2.1.0", "runs": [{}]})");
  if (status == 77) GTEST_SKIP() << "python3-jsonschema is not installed";
  EXPECT_EQ(status, 1);
}

}  // namespace
}  // namespace kb
