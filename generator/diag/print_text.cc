#include <algorithm>

#include "diag/excerpt.h"
#include "diag/print_formats.h"

namespace kb {
namespace {

constexpr std::string_view kRed = "\x1b[1;31m", kYellow = "\x1b[1;33m", kGreen = "\x1b[1;32m",
                           kBlue = "\x1b[1;34m", kCyan = "\x1b[1;36m", kBold = "\x1b[1m",
                           kPlain = "\x1b[0m";

std::string_view ColorOf(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return kGreen;
    case Severity::kWarning:
      return kYellow;
    case Severity::kError:
      return kRed;
  }
  return kPlain;
}

class TextPrinter {
 public:
  TextPrinter(const Diagnostic& diagnostic, const Sources& sources, bool color)
      : sources_(&sources), color_(color), gutter_(GutterOf(diagnostic)) {}

  void Head(const Diagnostic& diagnostic) {
    Paint(ColorOf(diagnostic.severity),
          fmt::format("{}[{}]", SeverityName(diagnostic.severity), CodeName(diagnostic.code)));
    Paint(kBold, fmt::format(": {}", Printable(diagnostic.message)));
    out_ += '\n';
  }

  struct Mark {
    std::string_view arrow;
    char underline;
    std::string_view color;
    bool hidden = false;
  };
  void Block(const Mark& mark, Span span, std::string_view message) {
    const Place place = sources_->Locate(span.begin);
    const size_t begin = span.begin - place.line_begin;
    const size_t end = span.end - place.line_begin;
    std::string line(place.line_text);
    if (mark.hidden)
      std::fill(line.begin() + begin, line.begin() + std::min(end, line.size()), '*');
    const Excerpt excerpt = MakeExcerpt(line, begin, end);
    out_.append(gutter_, ' ');
    Paint(kBlue, mark.arrow);
    out_ += fmt::format(" {}:{}:{}\n", Printable(place.path), place.line, place.column);
    Bar("");
    out_ += '\n';
    Bar(fmt::format("{}", place.line));
    if (!excerpt.text.empty()) out_.append(" ").append(excerpt.text);
    out_ += '\n';
    Bar("");
    out_.append(excerpt.indent + 1, ' ');
    std::string underline(excerpt.width, mark.underline);
    if (!message.empty()) underline.append(" ").append(Printable(message));
    Paint(mark.color, underline);
    out_ += '\n';
  }

  void Remark(std::string_view word, std::string_view text) {
    out_.append(gutter_ + 1, ' ');
    Paint(kBlue, "=");
    out_ += ' ';
    Paint(kCyan, fmt::format("{}:", word));
    out_ += ' ';
    const std::string indent = "\n" + std::string(gutter_ + word.size() + 5, ' ');
    for (char c : Printable(text)) {
      if (c == '\n')
        out_ += indent;
      else
        out_ += c;
    }
    out_ += '\n';
  }

  std::string Take() && { return std::move(out_); }

 private:
  // As wide as the longest line number of all blocks, so that their bars stand in one column.
  size_t GutterOf(const Diagnostic& diagnostic) const {
    uint32_t line = diagnostic.span.known() ? sources_->Locate(diagnostic.span.begin).line : 1;
    for (const Label& label : diagnostic.labels) {
      if (label.span.known()) line = std::max(line, sources_->Locate(label.span.begin).line);
    }
    return fmt::formatted_size("{}", line);
  }

  void Bar(std::string_view number) { Paint(kBlue, fmt::format("{:>{}} |", number, gutter_)); }

  void Paint(std::string_view color, std::string_view text) {
    if (color_) out_ += color;
    out_ += text;
    if (color_) out_ += kPlain;
  }

  const Sources* sources_;  // outlives the printer
  bool color_;
  size_t gutter_;
  std::string out_;
};

void AppendCount(std::string& out, size_t count, Severity severity) {
  if (count == 0) return;
  if (!out.empty()) out += ", ";
  out += fmt::format("{} {}{}", count, SeverityName(severity), count == 1 ? "" : "s");
}

}  // namespace

std::string PrintText(const Diagnostic& diagnostic, const Sources& sources,
                      const PrintOptions& options) {
  TextPrinter printer(diagnostic, sources, options.color);
  printer.Head(diagnostic);
  if (diagnostic.span.known()) {
    printer.Block({"-->", '^', ColorOf(diagnostic.severity), diagnostic.hidden}, diagnostic.span,
                  "");
  }
  for (const Label& label : diagnostic.labels) {
    if (label.span.known())
      printer.Block({":::", '-', kBlue}, label.span, label.message);
    else
      printer.Remark("note", label.message);
  }
  if (!diagnostic.source.empty()) printer.Remark("rule", diagnostic.source);
  if (!diagnostic.help.empty()) printer.Remark("help", diagnostic.help);
  printer.Remark("explain", "kbgen explain " + CodeName(diagnostic.code));
  return std::move(printer).Take();
}

std::string PrintAllText(const std::vector<Diagnostic>& diagnostics, const Sources& sources,
                         const PrintOptions& options) {
  if (diagnostics.empty()) return {};
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    out.append(PrintText(diagnostic, sources, options)).append("\n");
  }
  std::string counts;
  for (Severity severity : {Severity::kError, Severity::kWarning, Severity::kInfo}) {
    AppendCount(counts, CountOf(diagnostics, severity), severity);
  }
  return out.append(counts).append("\n");
}

}  // namespace kb
