#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "lang/languages.h"
#include "support/hostile_values.h"
#include "support/process.h"

namespace kb::lang {
namespace {

Context At(std::string_view text) { return Json().advance({}, text.substr(0, text.find('@'))); }

std::string Fill(std::string_view text, std::string_view value, ValueClass type) {
  const size_t hole = text.find('@');
  std::string out(text.substr(0, hole));
  const Context at = Json().advance({}, out);
  const Fit fit = Json().admit(at, type);
  if (fit.escape == nullptr) return "refused: " + std::string(fit.refusal);
  const std::string_view why = fit.escape(value, at, out);
  return why.empty() ? out += text.substr(hole + 1) : "refused: " + std::string(why);
}

// Reads documents, one a NUL, and prints the value behind the key "v" of each.
constexpr std::string_view kReader = R"(
import json, sys
for document in sys.stdin.buffer.read().split(b'\0')[:-1]:
    sys.stdout.buffer.write(json.loads(document)['v'].encode() + b'\0')
)";

TEST(Json, GivesEachHostileTextBackFromPython) {
  struct Case {
    std::string_view text, before, after;
  };
  for (const Case& c : {Case{"{\"v\": @}", "", ""}, Case{"{\"v\": \"@\"}", "", ""},
                        Case{"{\"a\": [1, {}], \"v\": \"x @ y\"}", "x ", " y"},
                        Case{"{\"v\": \"\\\\@\\\"\\u00e9\"}", "\\", "\"\xc3\xa9"}}) {
    std::string documents;
    std::vector<std::string> expected;
    for (const std::string& value : test::HostileValues()) {
      documents += Fill(c.text, value, ValueClass::kText) + '\0';
      expected.push_back(std::string(c.before) + value + std::string(c.after));
    }
    const test::Ran ran = test::Run({"python3", "-c", std::string(kReader)}, documents);
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(test::SplitNul(ran.out), expected) << c.text;
  }
}

TEST(Json, WritesEachClassAsWhatItIs) {
  struct Case {
    std::string_view text;
    ValueClass type;
    std::string_view value, written;
  };
  for (const Case& c : {Case{"[@]", ValueClass::kInt, "-5", "[-5]"},
                        Case{"[1, @]", ValueClass::kBool, "true", "[1, true]"},
                        Case{"{\"a\": @}", ValueClass::kAtom, "no", "{\"a\": \"no\"}"},
                        Case{"{\"a\":\"x-@\"}", ValueClass::kInt, "5", "{\"a\":\"x-5\"}"},
                        Case{"{\"a-@\": 1}", ValueClass::kAtom, "b", "{\"a-b\": 1}"},
                        Case{"@", ValueClass::kText, "a\"b", "\"a\\\"b\""}}) {
    EXPECT_EQ(Fill(c.text, c.value, c.type), c.written);
  }
}

TEST(Json, RefusesHolesWhereNoValueIsDue) {
  struct Case {
    std::string_view text, where;
    ValueClass type = ValueClass::kAtom;
  };
  for (const Case& c :
       {Case{"{@", "where a key is due"}, Case{"{\"a\": 1, @", "where a key is due"},
        Case{"{\"a@\": 1}", "inside a key", ValueClass::kText}, Case{"{\"a\" @", "behind a key"},
        Case{"{\"a\": 1@", "inside a number or a bare word"}, Case{"[\"a\" @", "behind a value"},
        Case{"{} @", "behind the document"}, Case{"[\"\\@", "inside a string"},
        Case{"[\"\\u00@", "inside a string"}}) {
    EXPECT_EQ(Json().admit(At(c.text), c.type).escape, nullptr) << c.text;
    EXPECT_EQ(Json().describe(At(c.text)), c.where) << c.text;
  }
}

TEST(Json, RefusesWhatCannotComeBackAsItself) {
  EXPECT_TRUE(Fill("[\"@\"]", test::kWithNul, ValueClass::kText).starts_with("refused"));
  EXPECT_TRUE(Fill("[\"@\"]", "\xff", ValueClass::kText).starts_with("refused"));
}

TEST(Json, SeesTextThatWouldChangeTheValueBeforeIt) {
  const Context behind = Json().after_hole(At("[@"));
  EXPECT_NE(Json().broken(Json().advance(behind, "0]")), "");
  EXPECT_EQ(Json().broken(Json().advance(behind, "]")), "");
  EXPECT_EQ(Json().admit(behind, ValueClass::kInt).escape, nullptr);
}

TEST(Json, EndsOnlyBehindAWholeDocument) {
  for (const std::string_view text : {"{}", "[1, [2]]\n", "\"x\"", "7"}) {
    EXPECT_TRUE(Json().may_end(Json().advance({}, text))) << text;
  }
  for (const std::string_view text : {"", "{", "[1", "{\"a\": 1", "\"x"}) {
    EXPECT_FALSE(Json().may_end(Json().advance({}, text))) << text;
  }
}

TEST(Json, ReadsATextTheSameHoweverItIsCut) {
  constexpr std::string_view kText =
      "{\"a\": [1, -2.5e3, true, {}], \"b\\u00e9\\\"\": {\"c\": null}}\n";
  const Context whole = Json().advance({}, kText);
  for (size_t cut = 0; cut <= kText.size(); ++cut) {
    EXPECT_EQ(Json().advance(Json().advance({}, kText.substr(0, cut)), kText.substr(cut)), whole);
  }
}

TEST(Json, StopsCountingBracketsBeforeItMiscounts) {
  EXPECT_EQ(Json().broken(Json().advance({}, std::string(60, '['))), "");
  EXPECT_NE(Json().broken(Json().advance({}, std::string(80, '['))), "");
}

}  // namespace
}  // namespace kb::lang
