#include <gtest/gtest.h>

#include <string>

#include "tmpl/type.h"
#include "tmpl/value.h"

namespace kb::tmpl {
namespace {

TEST(Arena, KeepsCopiesWhenTheOriginalsAreGone) {
  Arena arena;
  std::string_view copy;
  std::span<const Value> values;
  {
    std::string text = "a text that is too long for the small buffer of a string";
    copy = arena.Copy(text);
    const Value items[] = {Value::Text(copy), Value::Int(7)};
    values = arena.CopyValues(items);
    text.assign(text.size(), 'x');
  }
  EXPECT_EQ(copy, "a text that is too long for the small buffer of a string");
  EXPECT_EQ(values[0].str(), copy);
  EXPECT_EQ(values[1].number, 7);
}

TEST(Arena, GivesValuesThatAreAbsent) {
  Arena arena;
  for (const Value& value : arena.Values(100)) EXPECT_EQ(value.kind, Kind::kAbsent);
  EXPECT_TRUE(arena.Values(0).empty());
  EXPECT_TRUE(arena.Copy("").empty());
}

TEST(Type, OptionalIsACopyThatMayBeAbsent) {
  const TypeRef type = Optional(EnumType({"a", "b"}));
  EXPECT_TRUE(type->optional);
  EXPECT_EQ(type->choices, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(AtomType()->optional);
  EXPECT_EQ(Optional(type), type);
}

TEST(Type, RecordsKeepTheirFieldsInTheOrderOfTheType) {
  const TypeRef type =
      RecordOf({{"a", IntType(), {}}, {"b", Optional(TextType()), {}}, {"c", BoolType(), {}}});
  Arena arena;
  const Value record =
      RecordBuilder(*type, arena).Set("c", Value::Bool(true)).Set("a", Value::Int(1)).Finish();
  EXPECT_EQ(type->IndexOf("c"), 2);
  EXPECT_EQ(type->IndexOf("d"), -1);
  EXPECT_EQ(record.list()[0].number, 1);
  EXPECT_EQ(record.list()[1].kind, Kind::kAbsent);
  EXPECT_EQ(record.list()[2].number, 1);
}

}  // namespace
}  // namespace kb::tmpl
