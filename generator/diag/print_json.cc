#include <nlohmann/json.hpp>

#include "diag/print_formats.h"

namespace kb {
namespace {

using Json = nlohmann::ordered_json;

// A key is never missing: what is not known is null.
void AddPlace(Json& object, Span span, const Sources& sources) {
  if (!span.known()) {
    for (const char* key : {"path", "line", "column", "end_line", "end_column"})
      object[key] = nullptr;
    return;
  }
  const Place begin = sources.Locate(span.begin);
  const Place end = sources.Locate(span.end);
  object["path"] = begin.path;
  object["line"] = begin.line;
  object["column"] = begin.column;
  object["end_line"] = end.line;
  object["end_column"] = end.column;
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json ToJson(const Diagnostic& diagnostic, const Sources& sources) {
  Json object = {{"code", CodeName(diagnostic.code)},
                 {"severity", SeverityName(diagnostic.severity)},
                 {"message", diagnostic.message}};
  AddPlace(object, diagnostic.span, sources);
  Json labels = Json::array();
  for (const Label& label : diagnostic.labels) {
    Json& entry = labels.emplace_back(Json{{"message", label.message}});
    AddPlace(entry, label.span, sources);
  }
  object["labels"] = std::move(labels);
  object["help"] = TextOrNull(diagnostic.help);
  object["rule"] = TextOrNull(diagnostic.source);
  return object;
}

}  // namespace

std::string PrintJson(const std::vector<Diagnostic>& diagnostics, const Sources& sources) {
  Json list = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) list.push_back(ToJson(diagnostic, sources));
  const Json run = {{"version", 1},
                    {"diagnostics", std::move(list)},
                    {"errors", CountOf(diagnostics, Severity::kError)},
                    {"warnings", CountOf(diagnostics, Severity::kWarning)}};
  // Messages quote the author's bytes, which may not be UTF-8; `replace` never throws.
  return run.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kb
