#include "secrets/secret.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <type_traits>

#include "secrets/generate.h"

namespace kb::secrets {
namespace {

template <class T>
concept Streams = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!fmt::is_formattable<Secret>::value && !Streams<Secret>);
static_assert(Streams<std::string_view>, "the concept can be true");

TEST(Secret, GrowsKeepsAndMoves) {
  Secret secret("abc");
  for (int i = 0; i < 1000; ++i) secret.Append("0123456789");
  EXPECT_EQ(secret.size(), 10003u);
  Secret twin = secret.Twin();
  EXPECT_TRUE(twin == secret);
  twin.Append('x');
  EXPECT_FALSE(twin == secret);
  const char* bytes = secret.Reveal().data();
  const Secret moved = std::move(secret);
  EXPECT_EQ(moved.Reveal().data(), bytes) << "a move makes no second copy";
  EXPECT_TRUE(moved.Reveal().starts_with("abc0123"));
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): that it is empty is promised
}

// 256 is no multiple of 62: without the bytes that are thrown away, some characters would come more
// often.
TEST(Generate, EveryCharacterHasAsManyBytesAsAnyOther) {
  for (const char* alphabet : {"alnum", "hex"}) {
    const std::string_view characters = CharactersOf(alphabet);
    std::map<int, int> bytes;
    for (int byte = 0; byte < 256; ++byte) {
      ++bytes[CharacterOf(static_cast<uint8_t>(byte), characters)];
    }
    const int thrown_away = bytes.contains(-1) ? bytes[-1] : 0;
    bytes.erase(-1);
    EXPECT_EQ(bytes.size(), characters.size());
    for (const auto& [character, count] : bytes) {
      EXPECT_EQ(count, (256 - thrown_away) / static_cast<int>(characters.size())) << character;
    }
    EXPECT_LT(thrown_away, static_cast<int>(characters.size()));
  }
}

TEST(Generate, GivesTheLengthAndTheAlphabetAndNeverTheSame) {
  for (const char* alphabet : {"alnum", "hex"}) {
    for (int64_t length : {16, 32, 65, 128}) {
      const auto one = Generate(length, alphabet);
      const auto two = Generate(length, alphabet);
      ASSERT_TRUE(one && two);
      EXPECT_EQ(one->size(), static_cast<size_t>(length));
      EXPECT_EQ(one->Reveal().find_first_not_of(CharactersOf(alphabet)), std::string_view::npos);
      EXPECT_FALSE(*one == *two);
    }
  }
}

TEST(Generate, UsesAllCharactersAboutAsOften) {
  std::map<char, int> seen;
  constexpr int kValues = 2000;
  for (int i = 0; i < kValues; ++i) {
    const auto value = Generate(124, "alnum");
    ASSERT_TRUE(value);
    for (char c : value->Reveal()) ++seen[c];
  }
  EXPECT_EQ(seen.size(), 62u);
  // 4000 of each are expected; the standard deviation is 63.
  for (const auto& [c, count] : seen) EXPECT_NEAR(count, 2 * kValues, 500) << c;
}

}  // namespace
}  // namespace kb::secrets
