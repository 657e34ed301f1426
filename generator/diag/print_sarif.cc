#include <map>

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "diag/kinds.h"
#include "diag/print_formats.h"

namespace kb {
namespace {

using Json = nlohmann::ordered_json;

std::string_view LevelOf(Severity severity) {
  return severity == Severity::kInfo ? "note" : SeverityName(severity);
}

// A path as a relative URI reference: everything but unreserved characters and `/` is encoded.
std::string UriOf(std::string_view path) {
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (char c : path) {
    const bool plain = IsAlnum(c) || std::string_view("-._~/").contains(c);
    if (plain)
      uri += c;
    else
      uri += fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return uri;
}

Json LocationOf(Span span, const Sources& sources) {
  const Place begin = sources.Locate(span.begin);
  const Place end = sources.Locate(span.end);
  return {{"physicalLocation",
           {{"artifactLocation", {{"uri", UriOf(begin.path)}}},
            {"region",
             {{"startLine", begin.line},
              {"startColumn", begin.column},
              {"endLine", end.line},
              {"endColumn", end.column}}}}}};
}

// The sentence of a kind, whatever it is about: its holes are left open.
std::string Describe(std::string_view format) {
  std::string text;
  while (!format.empty()) {
    const size_t hole = format.find('{');
    text += format.substr(0, hole);
    if (hole == std::string_view::npos) break;
    text += "…";
    format.remove_prefix(std::min(format.find('}', hole), format.size() - 1) + 1);
  }
  return text;
}

Json RuleOf(const Diagnostic& diagnostic) {
  Json rule = {{"id", CodeName(diagnostic.code)}};
  const diag::KindRow* kind = diag::FindKind(diagnostic.code);
  if (kind) rule["name"] = kind->name;
  rule["shortDescription"] = {{"text", kind ? Describe(kind->format) : diagnostic.message}};
  rule["defaultConfiguration"] = {{"level", LevelOf(kind ? kind->severity : diagnostic.severity)}};
  return rule;
}

Json ResultOf(const Diagnostic& diagnostic, size_t rule_index, const Sources& sources) {
  std::string message = diagnostic.message;
  if (!diagnostic.help.empty()) message.append("\nhelp: ").append(diagnostic.help);
  Json result = {{"ruleId", CodeName(diagnostic.code)},
                 {"ruleIndex", rule_index},
                 {"level", LevelOf(diagnostic.severity)}};
  Json related = Json::array();
  for (const Label& label : diagnostic.labels) {
    if (!label.span.known()) {
      message.append("\nnote: ").append(label.message);
      continue;
    }
    Json location = {{"id", related.size()}};
    location.update(LocationOf(label.span, sources));
    location["message"] = {{"text", label.message}};
    related.push_back(std::move(location));
  }
  result["message"] = {{"text", std::move(message)}};
  result["locations"] = Json::array();
  if (diagnostic.span.known()) {
    result["locations"].push_back(LocationOf(diagnostic.span, sources));
  }
  if (!related.empty()) result["relatedLocations"] = std::move(related);
  return result;
}

}  // namespace

std::string PrintSarif(const std::vector<Diagnostic>& diagnostics, const Sources& sources,
                       const PrintOptions& options) {
  std::map<uint16_t, const Diagnostic*> by_code;
  for (const Diagnostic& diagnostic : diagnostics) by_code.emplace(diagnostic.code, &diagnostic);
  Json rules = Json::array();
  std::map<uint16_t, size_t> index_of;
  for (const auto& [code, diagnostic] : by_code) {
    index_of.emplace(code, rules.size());
    rules.push_back(RuleOf(*diagnostic));
  }
  Json results = Json::array();
  for (const Diagnostic& diagnostic : diagnostics) {
    results.push_back(ResultOf(diagnostic, index_of[diagnostic.code], sources));
  }

  Json driver = {{"name", "kbgen"}};
  if (!options.tool_version.empty()) driver["version"] = options.tool_version;
  driver["rules"] = std::move(rules);
  Json run = {{"tool", {{"driver", std::move(driver)}}},
              {"columnKind", "unicodeCodePoints"},
              {"results", std::move(results)}};
  const Json log = {{"$schema",
                     "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/"
                     "sarif-schema-2.1.0.json"},
                    {"version", "2.1.0"},
                    {"runs", Json::array({std::move(run)})}};
  return log.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace kb
