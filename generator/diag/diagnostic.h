// Diagnostics: everything kbgen has to say about the author's text.
#pragma once

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "diag/source.h"

namespace kb {

enum class Severity : uint8_t { kInfo, kWarning, kError };

// One row of kinds.def: the code is stable for ever, Args are the types that the text's holes take.
template <class... Args>
struct DiagKind {
  uint16_t code;
  Severity severity;
  std::string_view format;
};

// A second place that explains the first ("first declared here").
struct Label {
  Span span;
  std::string message;
};

struct Diagnostic {
  uint16_t code = 0;
  Severity severity = Severity::kError;
  Span span;            // unknown: the message speaks of no single place
  std::string message;  // lower case, no full stop, code in backquotes
  std::vector<Label> labels;
  std::string help;     // what to do; empty if the message says it
  std::string source;   // the document that demands it, "RULES.md: quorum"; may be empty
  bool hidden = false;  // what stands at the span must not be shown: it may be a secret
};

// Proof that an error was shown: only Diagnostics makes one.
class Reported {
  friend class Diagnostics;
  Reported() = default;
};

// A value, or the knowledge that the reason for its absence has been reported.
template <class T>
using Checked = std::expected<T, Reported>;

struct Done {};

// Gathers diagnostics; knows nothing of how they are shown. Not for several threads: parallel
// work fills one each and appends them in a fixed order.
class Diagnostics {
 public:
  struct Extra {
    std::vector<Label> labels = {};
    std::string help = {};
    std::string source = {};
    bool hidden = false;
  };

  template <class... Args>
  Reported Emit(const DiagKind<Args...>& kind, Span span,
                const std::type_identity_t<Args>&... args) {
    return Add(kind.code, kind.severity, span, fmt::format(fmt::runtime(kind.format), args...), {});
  }
  // As Emit, with further places and a hint: `Emit(kind, span, {.help = "…"}, args…)`.
  template <class... Args>
  Reported Emit(const DiagKind<Args...>& kind, Span span, Extra extra,
                const std::type_identity_t<Args>&... args) {
    return Add(kind.code, kind.severity, span, fmt::format(fmt::runtime(kind.format), args...),
               std::move(extra));
  }

  bool has_errors() const { return errors_ > 0; }
  size_t errors() const { return errors_; }
  // Stops the pipeline when any error was reported so far.
  Checked<Done> Gate() const;
  static Diagnostics Of(std::vector<Diagnostic> diagnostics);
  void Append(Diagnostics&& other);
  // By place (file order of Sources, then offset), then code; exact repeats are removed.
  std::vector<Diagnostic> Sorted() const;
  const std::vector<Diagnostic>& all() const { return all_; }

 private:
  Reported Add(uint16_t code, Severity severity, Span span, std::string message, Extra extra);

  std::vector<Diagnostic> all_;
  size_t errors_ = 0;
};

}  // namespace kb
