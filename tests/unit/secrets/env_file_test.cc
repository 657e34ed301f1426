#include "secrets/env_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "secrets/http.h"
#include "support/process.h"

namespace kb::secrets {
namespace {

EnvFile Read(std::string_view text) { return EnvFile(Secret(text)); }

std::string Changed(std::string_view text, const std::vector<EnvChange>& changes) {
  return std::string(Read(text).With(changes).Reveal());
}

// What kb_look_up of lib/host.sh gives for A, or "(refused)".
std::string AsStepsRead(std::string_view text) {
  const test::TempDir dir;
  using std::filesystem::perms;
  std::filesystem::permissions(dir.Write("x.env", text), perms::owner_read | perms::owner_write);
  const test::Ran ran =
      test::Run({"bash", "-c",
                 "here=$1/service; kb_root=$1; KBGEN_CREDENTIALS=$1; set -euo pipefail; "
                 ". \"$2/templates/_lib/host/host.sh\"; LC_ALL=C; kb_look_up x.env A; printf %s "
                 "\"$kb_value\"",
                 "look", dir.path(), KBGEN_SOURCE_DIR});
  return ran.status == 0 ? ran.out : "(refused)";
}

// The same by our own rules.
std::string AsWeRead(std::string_view text) {
  const EnvFile file = Read(text);
  int found = 0;
  for (const EnvLine& line : file.lines()) {
    if (line.kind == EnvLine::Kind::kUnreadable) return "(refused)";
    found += line.kind == EnvLine::Kind::kPair && line.key == "A" ? 1 : 0;
  }
  const Secret value = file.ValueOf("A");
  if (found != 1 || value.empty() || HasControl(value.Reveal())) return "(refused)";
  return std::string(value.Reveal());
}

TEST(EnvFile, ReadsAsTheStepsDo) {
  using namespace std::string_view_literals;
  const std::vector<std::pair<std::string_view, std::string>> rows{
      {"A=1\n", "1"},
      {"A=1", "1"},
      {"# A=2\n\nB=3\nA=1\n", "1"},
      {"A=a=b=\n", "a=b="},
      {"A= 1 \n", " 1 "},
      {"A=\"quoted\"'\\$#\n", "\"quoted\"'\\$#"},
      {"A=\xC3\xA4\xFF\n", "\xC3\xA4\xFF"},
      {"_x9=1\nA=1\n", "1"},
      {"A=1\n\n\n", "1"},
      {"", "(refused)"},
      {"A=\n", "(refused)"},
      {"AA=1\n", "(refused)"},
      {"A=1\nA=1\n", "(refused)"},
      {"A=1\r\n", "(refused)"},
      {"A=1\t\n", "(refused)"},
      {"A=1\x7f\n", "(refused)"},
      {"A=1\x1b[0m\n", "(refused)"},
      {"A=1\nrest\n", "(refused)"},
      {"A=1\n \n", "(refused)"},
      {"A=1\n # x\n", "(refused)"},
      {"export A=1\n", "(refused)"},
      {" A=1\n", "(refused)"},
      {"A =1\n", "(refused)"},
      {"9A=1\nA=1\n", "(refused)"},
      {"A-B=1\nA=1\n", "(refused)"},
      {"=1\nA=1\n", "(refused)"},
      {"A=1\0\n"sv, "(refused)"},
      {"A=1\n#\0\n"sv, "(refused)"},
  };
  for (const auto& [text, value] : rows) {
    EXPECT_EQ(AsWeRead(text), value) << text;
    EXPECT_EQ(AsStepsRead(text), value) << text;
  }
}

TEST(EnvFile, ChangesOneLineAndKeepsTheOthersByteForByte) {
  const Secret one("1"), two("2");
  EXPECT_EQ(Changed("", {{"A", &one}, {"B", &two}}), "A=1\nB=2\n");
  EXPECT_EQ(Changed("# x\nA=\n\nC= c \n", {{"A", &one}, {"B", &two}}), "# x\nA=1\n\nC= c \nB=2\n");
  EXPECT_EQ(Changed("C=c", {{"A", &one}}), "C=c\nA=1\n") << "the last line had no newline";
  EXPECT_EQ(Changed("A=1\nAB=3\nB=2\n", {{"A", nullptr}, {"B", nullptr}}), "AB=3\n");
  EXPECT_EQ(Changed("A=1\n", {{"A", nullptr}}), "");
  EXPECT_EQ(Changed("A=1\n", {}), "A=1\n");
}

TEST(EnvFile, MasksEverythingThatMayBeAValue) {
  const std::vector<std::string_view> known{"apiKey"};
  EXPECT_EQ(Masked(Read("# old: hunter2\nA=hunter2\n\nhunter2\nhunter2=\napiKey=x\n"), known),
            "#\nA=\n\n\n=\napiKey=\n");
}

TEST(Http, QuotesWhatCurlsConfigurationWouldTakeForItsOwn) {
  Secret out;
  AppendQuoted(out, "a\"b\\c\nd\te");
  EXPECT_EQ(out.Reveal(), R"("a\"b\\c\nd\te")");
}

}  // namespace
}  // namespace kb::secrets
