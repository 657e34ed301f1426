// Builder: makes a tree of nodes from what a YAML parser reports in turn.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.h"
#include "syntax/node.h"

namespace kb {

// Receives positions as offsets in `text`, its end included, and refuses what has no single
// meaning. Holds at most 64 levels: what is nested deeper is reported and skipped.
class Builder {
 public:
  // `diags` and `decoded` outlive the builder; the tree points into `text` and `decoded`.
  Builder(Span file, std::string_view text, Diagnostics& diags, std::deque<std::string>& decoded)
      : text_(text), file_begin_(file.begin), diags_(&diags), decoded_(&decoded) {}

  // What stands before a node, at its position. The tag is yaml-cpp's: `?` for a node that has
  // none,
  // `!` for a quoted scalar that has none and for a lone `!`.
  struct Properties {
    std::string_view tag = "?";
    bool anchored = false;
  };

  void Begin(size_t at);
  void Anchor(size_t at);
  void Alias(size_t at);
  void Null(size_t at, Properties properties);
  void Scalar(size_t at, Properties properties, std::string_view value);
  void Open(NodeKind kind, size_t at, Properties properties);
  void Close();

  Node TakeRoot() && { return std::move(root_); }

  // Behind everything that was read so far.
  size_t cursor() const { return cursor_; }
  // Set when the text does not bear out what the parser made of it.
  const std::optional<Reported>& unsound() const { return unsound_; }
  const std::optional<Reported>& too_deep() const { return too_deep_; }
  // Where the innermost open `[` or `{` stands, unknown if there is none.
  Span OpenBracket() const;
  // Scalars that go over several lines, in order.
  const std::vector<Span>& long_scalars() const { return long_scalars_; }
  Span SpanOf(size_t begin, size_t end) const;

 private:
  struct Frame {
    Node node;
    size_t begin = 0;
    char closer = 0;       // of a flow collection; 0: a block
    bool has_key = false;  // a map waits for the value of `key`
    bool drop = false;     // the key was refused, and its value goes with it
    std::string_view key = {};
    Span key_span = {};
  };

  bool skipping() const { return !skipped_.empty(); }
  bool ExpectsKey() const;
  bool StandHere(size_t at, Properties properties) const;
  void CheckTag(size_t at, Properties properties);
  size_t PropertiesEnd(size_t at) const;
  void CheckLoneKey();
  void Advance(size_t to);
  void Misread(size_t at);
  void Put(Node node);
  void PutKey(const Node& node);
  void QuotedScalar(size_t at, std::string_view value);
  void PutScalar(size_t begin, size_t end, std::string_view raw, std::string_view value,
                 bool quoted);
  void PassCloser(char closer);
  void DropRepeatedKeys(Node& map);
  int OuterColumn() const;

  std::string_view text_;
  uint32_t file_begin_;
  Diagnostics* diags_;
  std::deque<std::string>* decoded_;
  Node root_;
  std::vector<Frame> frames_;
  std::vector<Span> long_scalars_;
  size_t cursor_ = 0;
  std::string skipped_;  // the closers of what is nested too deep
  std::optional<Reported> too_deep_;
  std::optional<Reported> unsound_;
};

}  // namespace kb
