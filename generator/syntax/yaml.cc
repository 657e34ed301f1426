#include "syntax/yaml.h"

#include <algorithm>
#include <optional>
#include <span>
#include <spanstream>
#include <string_view>

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/strings.h"
#include "diag/kinds.h"
#include "syntax/builder.h"
#include "syntax/bytes.h"
#include "syntax/extent.h"

namespace kb {
namespace {

// The only thing that yaml-cpp sees of us. `YAML::Load` is not used: it knows no end of a scalar,
// resolves aliases, and lets the first of two equal keys win.
class Events : public YAML::EventHandler {
 public:
  Events(Builder& builder, size_t size) : builder_(&builder), size_(size) {}

  void OnDocumentStart(const YAML::Mark& mark) override { builder_->Begin(At(mark)); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_->Null(At(mark), {.anchored = anchor != YAML::NullAnchor});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { builder_->Alias(At(mark)); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { builder_->Anchor(At(mark)); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    builder_->Scalar(At(mark), {tag, anchor != YAML::NullAnchor}, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    builder_->Open(NodeKind::kList, At(mark), {tag, anchor != YAML::NullAnchor});
  }
  void OnSequenceEnd() override { builder_->Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    builder_->Open(NodeKind::kMap, At(mark), {tag, anchor != YAML::NullAnchor});
  }
  void OnMapEnd() override { builder_->Close(); }

 private:
  // At the end of the file, marks may lie behind it.
  size_t At(const YAML::Mark& mark) const {
    return std::min(static_cast<size_t>(std::max(mark.pos, 0)), size_);
  }

  Builder* builder_;  // outlives the events
  size_t size_;
};

// yaml-cpp's words, by how they begin, and ours.
struct Wording {
  std::string_view theirs, ours, help;
};
constexpr std::string_view kEscapeWords = "unknown escape character";
constexpr Wording kWordings[] = {
    {"illegal map value", "a `:` cannot stand here", "quote the text if the `:` belongs to it"},
    {"illegal map key", "a key cannot stand here", ""},
    {"illegal block entry", "the `-` of an item cannot stand here", ""},
    {"illegal flow end", "nothing is open that this closes", ""},
    {"end of map not found", "this does not belong to the map above it",
     "compare the indentation, and look for text behind a closing quote or bracket"},
    {"end of sequence not found", "this does not belong to the list above it",
     "compare the indentation, and look for text behind a closing quote or bracket"},
    {"end of map flow not found", "a `}` or a comma is missing before this", ""},
    {"end of sequence flow not found", "a `]` or a comma is missing before this", ""},
    {"unknown token", "a value cannot begin with this character", "quote the value"},
    {"unexpected character in block scalar", "a block of text begins on the next line", ""},
    {"cannot set zero indentation", "the indentation of a block of text is at least 1", ""},
    {kEscapeWords, "this is no escape",
     "a backslash in double quotes is written `\\\\`; single quotes have no escapes"},
    {"bad character found while scanning hex",
     "an escape holds a character that is not a hex digit", ""},
    {"invalid unicode", "an escape names no character", ""},
    {"illegal document indicator in scalar", "a document marker stands inside of quotes", ""},
    {"illegal tab", "a tab stands in the indentation", ""},
    {"illegal EOF in scalar", "a quote is not closed", ""},
    {"tag handle with no suffix", "a tag is not complete", "quote the value"},
    {"end of verbatim tag not found", "a tag is not complete", "quote the value"},
    {"illegal character found while scanning tag", "this cannot stand in a tag", "quote the value"},
};

// What begins with `&` or `*` and is not even an anchor or alias.
constexpr std::string_view kAnchorWords[] = {"the referenced anchor is not defined",
                                             "alias not found after", "anchor not found after",
                                             "illegal character found while scanning alias",
                                             "illegal character found while scanning anchor"};

// Line by line, the tabs before the first character that counts.
std::vector<size_t> FindIndentTabs(std::string_view text) {
  std::vector<size_t> tabs;
  for (size_t at = 0; (at = text.find('\t', at)) != std::string_view::npos;) {
    const size_t begin = LineBegin(text, at);
    const size_t first = std::min(text.find_first_not_of(" \t", begin), text.size());
    const bool counts = first < text.size() && text[first] != '\n' && text[first] != '#';
    if (at < first && counts) tabs.push_back(at);
    at = LineEnd(text, at);
  }
  return tabs;
}

class YamlReader {
 public:
  YamlReader(Span file, const Sources& sources, Diagnostics& diags)
      : text_(sources.Text(file)),
        diags_(&diags),
        document_{.file = file, .root = {.span = {file.begin, file.begin}}},
        builder_(file, text_, diags, *document_.decoded),
        indent_tabs_(FindIndentTabs(text_)) {}

  Checked<Document> Read() {
    std::ispanstream stream{std::span<const char>(text_)};
    Events events(builder_, text_.size());
    bool found = false;
    try {
      YAML::Parser parser(stream);
      // Once, and never again: at a token that it does not understand, yaml-cpp stays where it is
      // and calls that a document (jbeder/yaml-cpp#1040). What is left is ours to report.
      found = parser.HandleNextDocument(events);
    } catch (const YAML::DeepRecursion& exception) {
      return std::unexpected(builder_.too_deep() ? *builder_.too_deep() : Report(exception));
    } catch (const YAML::Exception& exception) {
      return std::unexpected(Report(exception));
    } catch (const std::exception& exception) {
      return std::unexpected(diags_->Emit(diag::kYamlSyntax, document_.file, exception.what()));
    }
    return Finish(found);
  }

 private:
  Checked<Document> Finish(bool found) {
    if (builder_.unsound()) return std::unexpected(*builder_.unsound());
    for (size_t tab : indent_tabs_) ReportTab(tab);
    if (const auto reported = ReportRest()) return std::unexpected(*reported);
    // A file of comments has no document, and keeps the null that it began with.
    if (found) document_.root = std::move(builder_).TakeRoot();
    return std::move(document_);
  }

  // What follows the document. A second one is refused, and the first still counts.
  std::optional<Reported> ReportRest() {
    size_t at = SkipBlanks(text_, builder_.cursor());
    bool ended = false;
    while (IsDocumentMarker(text_, at) && text_[at] == '.') {
      ended = true;
      at = SkipBlanks(text_, at + 3);
    }
    if (at >= text_.size()) return std::nullopt;
    if (!ended && !IsDocumentMarker(text_, at)) {
      return diags_->Emit(diag::kYamlTrailing, builder_.SpanOf(at, LineEnd(text_, at)));
    }
    diags_->Emit(diag::kYamlManyDocs, builder_.SpanOf(at, WordEnd(text_, at)));
    return std::nullopt;
  }

  // Tabs inside of text are the author's business.
  std::optional<Reported> ReportTab(size_t at) {
    const Span span = builder_.SpanOf(at, at + 1);
    const auto& scalars = builder_.long_scalars();
    const auto after = std::ranges::upper_bound(scalars, span.begin, {}, &Span::begin);
    if (after != scalars.begin() && span.begin < std::prev(after)->end) return std::nullopt;
    return diags_->Emit(diag::kYamlTab, span, {.help = "indent with spaces"});
  }

  Reported Report(const YAML::Exception& exception) {
    size_t at = static_cast<size_t>(std::max(exception.mark.pos, 0));
    // A tab is a likelier reason than what the parser made of it.
    for (size_t tab : indent_tabs_) {
      if (LineBegin(text_, tab) != LineBegin(text_, std::min(at, text_.size()))) continue;
      if (const auto reported = ReportTab(tab)) return *reported;
    }
    size_t end = at + 1;
    if (exception.msg.starts_with(kEscapeWords)) {
      // The parser has already gone past it.
      end = at;
      at = text_.rfind('\\', at);
    } else if (at >= text_.size()) {
      // Behind the last thing that was written, not on the empty line below it.
      at = end = Trim(text_).empty() ? 0 : text_.find_last_not_of(" \t\n") + 1;
    }
    while (end < text_.size() && (static_cast<uint8_t>(text_[end]) & 0xC0) == 0x80) ++end;
    return ReportAt(builder_.SpanOf(at, end), exception.msg);
  }

  Reported ReportAt(Span span, std::string_view theirs) {
    const auto begins = [&](std::string_view words) { return theirs.starts_with(words); };
    if (std::ranges::any_of(kAnchorWords, begins)) {
      return diags_->Emit(diag::kYamlAnchor, span,
                          {.help = "quote the text if it begins with `*` or `&`"});
    }
    Diagnostics::Extra extra;
    const Span bracket = builder_.OpenBracket();
    const bool in_brackets = theirs.find("flow not found") != std::string_view::npos;
    if (in_brackets && bracket.known()) extra.labels = {{bracket, "opened here"}};
    const auto wording = std::ranges::find_if(kWordings, begins, &Wording::theirs);
    if (wording == std::end(kWordings)) {
      return diags_->Emit(diag::kYamlSyntax, span, std::move(extra), theirs);
    }
    extra.help = wording->help;
    return diags_->Emit(diag::kYamlSyntax, span, std::move(extra), wording->ours);
  }

  std::string_view text_;
  Diagnostics* diags_;  // outlives the reader
  Document document_;
  Builder builder_;
  std::vector<size_t> indent_tabs_;
};

}  // namespace

Checked<Document> ParseYaml(Span file, const Sources& sources, Diagnostics& diags) {
  // yaml-cpp takes U+0004 for the end of the file and guesses encodings from zero bytes.
  const Checked<Done> bytes = CheckBytes(file, sources, diags);
  if (!bytes) return std::unexpected(bytes.error());
  return YamlReader(file, sources, diags).Read();
}

}  // namespace kb
