#include "bundle/sums.h"

#include <gtest/gtest.h>

#include <fmt/core.h>

namespace kb::bundle {
namespace {

const std::string kDigest(64, 'a');

std::string Line(std::string_view path, std::string_view mode = "0644") {
  return fmt::format("{} {}  {}\n", mode, kDigest, path);
}

TEST(Sums, ReadsWhatItPrints) {
  const std::string text = Line("A") + Line("b/c", "0755") + Line("b/d");
  const auto files = ReadSums(text);
  ASSERT_TRUE(files.has_value()) << files.error().message;
  EXPECT_EQ(PrintSums(*files), text);
  EXPECT_EQ((*files)[1].mode, kScriptMode);
}

TEST(Sums, RefusesEveryOtherLine) {
  for (const std::string& text :
       {Line("../a"), Line("/a"), Line("a//b"), Line("a/./b"), Line("a b"), Line("a\\b"), Line("ä"),
        Line(""), Line("a", "0600"), Line("a", "4755"), Line("b") + Line("a"),
        Line("a") + Line("a"), Line("a").substr(0, 72), "0644 " + std::string(64, 'A') + "  a\n",
        "0644 " + kDigest + " *a\n", std::string("\n")}) {
    EXPECT_FALSE(ReadSums(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace kb::bundle
