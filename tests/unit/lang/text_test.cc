#include <gtest/gtest.h>

#include "lang/languages.h"

namespace kb::lang {
namespace {

TEST(Text, LetsInOnlyValuesThatEndWhereTheyMust) {
  for (const ValueClass type : {ValueClass::kAtom, ValueClass::kInt, ValueClass::kBool}) {
    EXPECT_NE(Text().admit({}, type).escape, nullptr);
  }
  EXPECT_EQ(Text().admit({}, ValueClass::kText).escape, nullptr);
}

TEST(Text, NeverWritesAnAtomThatIsNone) {
  std::string out;
  EXPECT_EQ(Text().admit({}, ValueClass::kAtom).escape("a.b-c:1", {}, out), "");
  EXPECT_EQ(out, "a.b-c:1");
  EXPECT_NE(Text().admit({}, ValueClass::kAtom).escape("a b", {}, out), "");
}

}  // namespace
}  // namespace kb::lang
