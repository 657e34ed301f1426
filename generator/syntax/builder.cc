#include "syntax/builder.h"

#include <algorithm>
#include <numeric>

#include "diag/kinds.h"
#include "syntax/extent.h"

namespace kb {
namespace {

// Ten times what a topology needs, and little enough for any recursion over the tree.
constexpr size_t kDepthMax = 64;

// What stands between two nodes beside blanks and comments.
constexpr std::string_view kIndicators = "-?:,[]{}";

}  // namespace

Span Builder::SpanOf(size_t begin, size_t end) const {
  begin = std::min(begin, text_.size());
  end = std::clamp(end, begin, text_.size());
  return {file_begin_ + static_cast<uint32_t>(begin), file_begin_ + static_cast<uint32_t>(end)};
}

Span Builder::OpenBracket() const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (frame->closer) return SpanOf(frame->begin, frame->begin + 1);
  }
  return {};
}

bool Builder::ExpectsKey() const {
  return !frames_.empty() && frames_.back().node.kind == NodeKind::kMap && !frames_.back().has_key;
}

// The column of the innermost block collection, from which block scalars count.
int Builder::OuterColumn() const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (!frame->closer) return static_cast<int>(frame->begin - LineBegin(text_, frame->begin));
  }
  return -1;
}

// yaml-cpp passes over text that it does not understand without a word, so whatever it has passed
// over is looked at.
void Builder::Advance(size_t to) {
  size_t at = cursor_;
  while (!unsound_) {
    at = SkipBlanks(text_, at);
    if (at >= to) break;
    // Any other directive would be a first line that is not read.
    const bool directive =
        cursor_ == 0 && LineBegin(text_, at) == at && text_.substr(at).starts_with("%YAML ");
    if (directive)
      at = LineEnd(text_, at);
    else if (kIndicators.contains(text_[at]))
      ++at;
    else {
      Misread(at);
    }
  }
  cursor_ = std::max(cursor_, to);
}

void Builder::Misread(size_t at) {
  unsound_ = diags_->Emit(diag::kYamlSyntax, SpanOf(at, WordEnd(text_, at)),
                          "this text belongs to nothing");
}

void Builder::Begin(size_t at) {
  Advance(at);
  if (IsDocumentMarker(text_, at)) cursor_ = at + 3;
}

void Builder::Anchor(size_t at) {
  if (skipping()) return;
  diags_->Emit(diag::kYamlAnchor, SpanOf(at, WordEnd(text_, at)),
               {.help = "write the value out where it is needed"});
}

void Builder::Alias(size_t at) {
  Anchor(at);
  cursor_ = std::max(cursor_, WordEnd(text_, at));
  if (skipping()) return;
  if (!ExpectsKey()) return Put({.span = SpanOf(at, WordEnd(text_, at))});
  frames_.back().has_key = frames_.back().drop = true;
}

// A key that begins a map has the position of the map, and its properties stand there too.
bool Builder::StandHere(size_t at, Properties properties) const {
  if (at == text_.size() || (text_[at] != '!' && text_[at] != '&')) return false;
  return properties.anchored || properties.tag != "?";
}

void Builder::CheckTag(size_t at, Properties properties) {
  const bool own = properties.tag == "!" && !StandHere(at, properties);
  if (properties.tag == "?" || own || skipping()) return;
  const size_t end = WordEnd(text_, at);
  // An anchor may stand before the tag.
  const bool first = text_[at] == '!';
  diags_->Emit(diag::kYamlTag, SpanOf(at, end), {.help = "quote the text if it begins with a `!`"},
               first ? text_.substr(at, end - at) : properties.tag);
}

size_t Builder::PropertiesEnd(size_t at) const {
  size_t end = at;
  while (at < text_.size() && (text_[at] == '!' || text_[at] == '&')) {
    end = WordEnd(text_, at);
    at = SkipBlanks(text_, end);
  }
  return end;
}

void Builder::Null(size_t at, Properties properties) {
  // Where a null is written, the parser's position is its own; else it is that of what follows.
  const bool has_properties = StandHere(at, properties);
  const size_t own = has_properties ? SkipBlanks(text_, PropertiesEnd(at)) : at;
  const size_t word = NullWordAt(text_, own);
  const bool in_list = !frames_.empty() && frames_.back().node.kind == NodeKind::kList;
  size_t begin = 0;
  if (word > 0 || has_properties) {
    Advance(at);
    cursor_ = word > 0 ? own + word : PropertiesEnd(at);
    begin = word > 0 ? own : at;
  } else {
    begin = SkipBlanks(text_, cursor_);
    const char indicator = in_list ? '-' : ExpectsKey() || frames_.empty() ? '\0' : ':';
    const bool found = indicator != '\0' && text_.substr(begin).starts_with(indicator);
    if (found) cursor_ = begin + 1;
    if (!found && indicator == ':') CheckLoneKey();
  }
  if (skipping()) return;
  if (in_list && frames_.back().closer && word == 0 && !has_properties) {
    diags_->Emit(diag::kYamlSyntax, SpanOf(at, at + 1), "an item is missing before this");
  }
  Put({.span = SpanOf(begin, std::max(cursor_, begin))});
}

// yaml-cpp takes a line without a `:` for a key of a block map. Only in `{a, b}` it is one.
void Builder::CheckLoneKey() {
  if (skipping() || frames_.back().drop || OpenBracket().known()) return;
  diags_->Emit(diag::kYamlSyntax, frames_.back().key_span, "a `:` is missing after this key");
}

void Builder::Scalar(size_t at, Properties properties, std::string_view value) {
  CheckTag(at, properties);
  Advance(at);
  const bool has_properties = StandHere(at, properties);
  const size_t begin = has_properties ? SkipBlanks(text_, PropertiesEnd(at)) : at;
  const char first = begin < text_.size() ? text_[begin] : '\0';
  if (first == '"' || first == '\'') return QuotedScalar(begin, value);
  if (first == '|' || first == '>') {
    return PutScalar(begin, BlockEnd(text_, begin, OuterColumn()), {}, value, true);
  }
  const auto end = PlainEnd(text_, begin, value);
  if (end && *end > begin) {
    return PutScalar(begin, *end, text_.substr(begin, *end - begin), value, false);
  }
  // Nothing stands behind the tag, or it runs into the text; it has been refused.
  if (!has_properties) Misread(begin);
  PutScalar(at, PropertiesEnd(at), {}, value, false);
}

void Builder::QuotedScalar(size_t at, std::string_view value) {
  const auto end = QuotedEnd(text_, at);
  if (end) return PutScalar(at, *end, text_.substr(at + 1, *end - at - 2), value, true);
  // yaml-cpp closes a quote at the end of the file by itself.
  unsound_ = diags_->Emit(diag::kYamlSyntax, SpanOf(at, at + 1), "this quote is not closed");
  PutScalar(at, text_.size(), {}, value, true);
}

void Builder::PutScalar(size_t begin, size_t end, std::string_view raw, std::string_view value,
                        bool quoted) {
  cursor_ = std::max(cursor_, end);
  const Span span = SpanOf(begin, end);
  const bool as_written = raw == value && raw.data() != nullptr;
  if (!as_written) {
    if (text_.substr(begin, end - begin).contains('\n')) long_scalars_.push_back(span);
    if (!skipping()) value = decoded_->emplace_back(value);
  }
  if (skipping()) return;
  Put({.kind = NodeKind::kScalar,
       .quoted = quoted,
       .span = span,
       .text = as_written ? raw : value});
}

void Builder::Open(NodeKind kind, size_t at, Properties properties) {
  CheckTag(at, properties);
  Advance(at);
  if (StandHere(at, properties)) at = SkipBlanks(text_, PropertiesEnd(at));
  cursor_ = std::max(cursor_, at);
  const std::string_view brackets = kind == NodeKind::kList ? "[]" : "{}";
  const bool flow = at < text_.size() && text_[at] == brackets[0];
  const char closer = flow ? brackets[1] : '\0';
  if (flow) cursor_ = at + 1;
  if (skipping() || frames_.size() == kDepthMax) {
    if (!too_deep_) {
      too_deep_ = diags_->Emit(diag::kYamlTooDeep, SpanOf(at, at + 1), int64_t{kDepthMax});
    }
    skipped_ += closer;
    return;
  }
  frames_.push_back({.node = {.kind = kind}, .begin = at, .closer = closer});
}

void Builder::PassCloser(char closer) {
  if (closer == '\0') return;
  size_t at = SkipBlanks(text_, cursor_);
  while (at < text_.size() && std::string_view(",:?").contains(text_[at])) {
    at = SkipBlanks(text_, at + 1);
  }
  if (at < text_.size() && text_[at] == closer) cursor_ = at + 1;
}

void Builder::Close() {
  if (skipping()) {
    PassCloser(skipped_.back());
    skipped_.pop_back();
    if (!skipping()) Put({.span = SpanOf(cursor_, cursor_)});
    return;
  }
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  PassCloser(frame.closer);
  frame.node.span = SpanOf(frame.begin, cursor_);
  if (frame.node.kind == NodeKind::kMap) DropRepeatedKeys(frame.node);
  Put(std::move(frame.node));
}

void Builder::Put(Node node) {
  if (frames_.empty()) {
    root_ = std::move(node);
    return;
  }
  Frame& frame = frames_.back();
  if (frame.node.kind == NodeKind::kList) {
    frame.node.items.push_back(std::move(node));
    return;
  }
  if (!frame.has_key) return PutKey(node);
  frame.has_key = false;
  if (std::exchange(frame.drop, false)) return;
  if (node.kind == NodeKind::kNull) node.span = frame.key_span;
  frame.node.entries.push_back({frame.key, frame.key_span, std::move(node)});
}

void Builder::PutKey(const Node& node) {
  Frame& frame = frames_.back();
  frame.has_key = true;
  frame.key = node.text;
  frame.key_span = node.span;
  const bool merge = node.text == "<<" && !node.quoted;
  frame.drop = merge || node.kind != NodeKind::kScalar;
  if (merge)
    diags_->Emit(diag::kYamlMergeKey, node.span);
  else if (frame.drop)
    diags_->Emit(diag::kYamlKeyKind, node.span);
}

void Builder::DropRepeatedKeys(Node& map) {
  std::vector<Node::Entry>& entries = map.entries;
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(entries[i].key, i); });

  std::vector<bool> repeated(entries.size());
  for (size_t i = 1, first = 0; i < order.size(); ++i) {
    if (entries[order[i]].key != entries[order[first]].key) {
      first = i;
      continue;
    }
    repeated[order[i]] = true;
    const Node::Entry& entry = entries[order[i]];
    diags_->Emit(diag::kYamlDuplicateKey, entry.key_span,
                 {.labels = {{entries[order[first]].key_span, "the first stands here"}}},
                 entry.key);
  }
  std::erase_if(entries, [&](const Node::Entry& entry) {
    return repeated[static_cast<size_t>(&entry - entries.data())];
  });
}

}  // namespace kb
