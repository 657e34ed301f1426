#include "diag/source.h"

#include <gtest/gtest.h>

namespace kb {
namespace {

Span Part(const Sources& sources, Span file, std::string_view word) {
  const size_t at = sources.Text(file).find(word);
  const uint32_t begin = file.begin + static_cast<uint32_t>(at);
  return {begin, begin + static_cast<uint32_t>(word.size())};
}

TEST(Sources, NeverGiveOutNowhere) {
  Sources sources;
  EXPECT_TRUE(sources.Add("empty", "").known());
  EXPECT_FALSE(Span{}.known());
  EXPECT_EQ(sources.Text({}), "");
  EXPECT_EQ(sources.PathOf({}), "");
  EXPECT_EQ(sources.Locate(0).line, 0u);
}

TEST(Sources, KeepFilesApartEvenAtTheirEnds) {
  Sources sources;
  const Span a = sources.Add("a", "one");
  const Span empty = sources.Add("empty", "");
  const Span b = sources.AddStatic("b", "two");
  EXPECT_EQ(sources.Text(a), "one");
  EXPECT_EQ(sources.Text(b), "two");
  EXPECT_EQ(sources.PathOf({a.end, a.end}), "a");
  EXPECT_EQ(sources.PathOf(empty), "empty");
  EXPECT_EQ(sources.PathOf(b), "b");
  EXPECT_EQ(sources.Locate(a.end).path, "a");
}

TEST(Sources, CountLinesAndCharactersFromOne) {
  Sources sources;
  sources.Add("first", "x\n");
  const Span file = sources.Add("file", "añ: b\n\n日本 x\r\nlast");
  struct Case {
    uint32_t offset;
    uint32_t line, column;
    std::string_view text;
  };
  for (const Case& c : {Case{0, 1, 1, "añ: b"}, Case{3, 1, 3, "añ: b"}, Case{6, 1, 6, "añ: b"},
                        Case{7, 2, 1, ""}, Case{8, 3, 1, "日本 x"}, Case{15, 3, 4, "日本 x"},
                        Case{18, 4, 1, "last"}, Case{22, 4, 5, "last"}}) {
    const Place place = sources.Locate(file.begin + c.offset);
    EXPECT_EQ(place.path, "file");
    EXPECT_EQ(place.line, c.line) << c.offset;
    EXPECT_EQ(place.column, c.column) << c.offset;
    EXPECT_EQ(place.line_text, c.text) << c.offset;
  }
}

TEST(Sources, FindTheSpanOfAView) {
  Sources sources;
  const Span a = sources.Add("a", "key: value");
  const Span b = sources.Add("b", "key: value");
  const std::string_view value = sources.Text(Part(sources, b, "value"));
  EXPECT_EQ(sources.SpanOf(b, value), Part(sources, b, "value"));
  EXPECT_EQ(sources.SpanOf(b, sources.Text(b).substr(10)), (Span{b.end, b.end}));
  EXPECT_FALSE(sources.SpanOf(a, value).known());
  EXPECT_FALSE(sources.SpanOf(b, "elsewhere").known());
}

TEST(Sources, KeepTheirBytesInPlaceWhenTheyMove) {
  Sources sources;
  const Span file = sources.Add("a", "short");
  const std::string_view text = sources.Text(file);
  for (int i = 0; i < 100; ++i) sources.Add("more", "x");
  const Sources moved = std::move(sources);
  EXPECT_EQ(moved.Text(file).data(), text.data());
}

}  // namespace
}  // namespace kb
