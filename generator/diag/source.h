// Sources: the bytes of every input file, and positions in them.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace kb {

// A half-open byte range of the virtual concatenation of all sources; the file is implied. {0,0}
// is "nowhere". Eight bytes, so that every value of the model can carry one.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;

  bool known() const { return begin != 0; }
  friend bool operator==(Span, Span) = default;
};

// A position as a person reads it. Line and column count from 1; the column counts characters
// (code points), so that a caret stands under what is meant.
struct Place {
  std::string_view path;
  uint32_t line = 0;
  uint32_t column = 0;
  std::string_view line_text;  // without its line end
  uint32_t line_begin = 0;     // offset of the line's first byte in the virtual buffer
};

// Owns the bytes of all inputs for as long as it lives: every string_view into it stays good.
// Not for several writers; reading from several threads is fine once all are added. May be moved;
// a copy would leave the views behind.
class Sources {
 public:
  Sources() = default;
  Sources(Sources&&) noexcept = default;
  Sources& operator=(Sources&&) noexcept = default;

  // Adds a file; the span covers all of it. Offset 0 is never given out. A second file of the
  // same path is a second source.
  Span Add(std::string path, std::string bytes);
  // As Add, for bytes that live for ever (embedded templates): they are not copied.
  Span AddStatic(std::string path, std::string_view bytes);

  std::string_view Text(Span span) const;
  std::string_view PathOf(Span span) const;
  Place Locate(uint32_t offset) const;

  // The span of a view that points into one of the sources; unknown if it does not.
  Span SpanOf(Span file, std::string_view part) const;

 private:
  struct File {
    std::string path;
    std::string owned;
    std::string_view bytes;
    uint32_t begin;  // offset of the first byte
    // Where each line begins. Most files are never complained about, so it is made on first need.
    mutable std::once_flag lines_once = {};
    mutable std::vector<uint32_t> lines = {};
  };
  Span AddFile(std::string path, std::string bytes, std::string_view view);
  // The file that holds the offset, its end included; none for offset 0.
  const File* FileAt(uint32_t offset) const;

  std::deque<File> files_;
  uint32_t next_ = 1;
};

}  // namespace kb
