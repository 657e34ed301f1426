// Configuration keys: names and values that the pinned version of a program knows, and kernel
// parameters that several modules ask for.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/files.h"
#include "base/strings.h"
#include "check/rules.h"
#include "diag/kinds.h"

namespace kb::check {
namespace {

// A row of a catalogue. docs/MODULES.md: columns key, type, default, allowed, context, since,
// removed, note; a `unit=` in the note is the base unit of plain numbers.
struct Key {
  std::string_view name, type, allowed, note;
};
using Catalogue = std::unordered_map<std::string_view, Key>;

Catalogue ReadCatalogue(std::string_view text) {
  Catalogue catalogue;
  bool header = true;
  for (std::string_view line : Split(text, '\n')) {
    const auto cells = Split(line, '\t');
    if (!std::exchange(header, false) && cells.size() >= 4) {
      catalogue.emplace(cells[0], Key{cells[0], cells[1], cells[3],
                                      cells.size() > 7 ? cells[7] : std::string_view()});
    }
  }
  return catalogue;
}

std::optional<double> ParseNumber(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool InRange(double number, std::string_view allowed) {
  const size_t dots = allowed.find("..");
  if (dots == std::string_view::npos) return true;
  const auto low = ParseNumber(allowed.substr(0, dots));
  const auto high = ParseNumber(allowed.substr(dots + 2));
  return (!low || number >= *low) && (!high || number <= *high);
}

bool IsBoolean(std::string_view word) {
  std::string value(word);
  for (char& c : value) {
    if (IsUpper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  static constexpr std::array<std::string_view, 10> kWords{"on", "off", "true", "false", "yes",
                                                           "no", "1",   "0",    "t",     "f"};
  return std::ranges::find(kWords, value) != kWords.end();
}

// Numbers may carry a unit (256MB, 30s): then only the form is checked, because the range is given
// in the program's base unit.
bool NumberAllowed(const Key& key, std::string_view value) {
  if (const auto number = ParseNumber(value)) return InRange(*number, key.allowed);
  const bool has_unit = key.note.find("unit=") != std::string_view::npos;
  const size_t digits = value.find_first_not_of("0123456789.");
  if (!has_unit || digits == 0 || digits == std::string_view::npos) return false;
  static constexpr std::array<std::string_view, 11> kUnits{"B",  "kB", "MB",  "GB", "TB", "us",
                                                           "ms", "s",  "min", "h",  "d"};
  return std::ranges::find(kUnits, Trim(value.substr(digits))) != kUnits.end();
}

bool Allowed(const Key& key, std::string_view value) {
  if (key.type == "bool") return IsBoolean(value);
  if (key.type == "integer" || key.type == "int" || key.type == "real")
    return NumberAllowed(key, value);
  if (key.type == "enum" && !key.allowed.empty()) {
    const auto choices = Split(key.allowed, '|');
    return std::ranges::find(choices, value) != choices.end() ||
           (key.note.find("boolean words") != std::string_view::npos && IsBoolean(value));
  }
  return true;
}

// Whether the segments of a name are those of a pattern; `$x` and `<x>` stand for any one segment.
bool Matches(std::string_view pattern, std::string_view name) {
  const auto wanted = Split(pattern, '.'), found = Split(name, '.');
  if (wanted.size() != found.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool any = wanted[i].starts_with('$') || wanted[i].starts_with('<');
    if (any ? found[i].empty() : wanted[i] != found[i]) return false;
  }
  return true;
}

// The row for a name: its own, or that of a family (`listeners.tcp.$name`). A pattern itself is no
// name.
const Key* FindKey(const Catalogue& catalogue, std::string_view name) {
  if (name.find_first_of("$<") != std::string_view::npos) return nullptr;
  if (const auto own = catalogue.find(name); own != catalogue.end()) return &own->second;
  for (const auto& [pattern, key] : catalogue) {
    if (pattern.find_first_of("$<") != std::string_view::npos && Matches(pattern, name))
      return &key;
  }
  return nullptr;
}

void CheckPairs(const tmpl::Value& pairs, const Catalogue& catalogue, std::string_view module,
                Diagnostics& diags) {
  std::vector<std::string_view> names;
  for (const auto& [name, key] : catalogue) names.push_back(name);
  std::ranges::sort(names);  // the order of a hash table must not choose the hint
  for (const tmpl::Value& pair : pairs.list()) {
    const std::string_view name = pair.list()[0].str();
    const std::string_view value = pair.list()[1].str();
    const Key* key = FindKey(catalogue, name);
    if (key == nullptr) {
      const std::string_view near = Nearest(name, names);
      diags.Emit(diag::kUnknownConfigKey, pair.list()[0].origin,
                 {.help = near.empty() ? "" : fmt::format("did you mean `{}`?", near)}, name,
                 module);
    } else if (!Allowed(*key, value)) {
      diags.Emit(diag::kWrongConfigValue, pair.list()[1].origin, value, name, key->type,
                 key->allowed);
    }
  }
}

}  // namespace

void CheckCatalogues(const Context& c, Diagnostics& diags) {
  std::map<std::string, Catalogue> catalogues;
  for (const graph::Service& service : c.graph.services) {
    for (size_t i = 0; i < service.manifest->settings.size(); ++i) {
      const module::Setting& setting = service.manifest->settings[i];
      if (setting.keys.empty()) continue;
      const std::string path = JoinPath(service.manifest->folder, setting.keys);
      const Span file = c.graph.library->File(path);
      if (!file.known()) {
        diags.Emit(diag::kMissingTemplate, setting.name.span, setting.keys);
        continue;
      }
      auto known = catalogues.find(path);
      if (known == catalogues.end())
        known = catalogues.emplace(path, ReadCatalogue(c.sources.Text(file))).first;
      CheckPairs(service.settings[i], known->second, service.manifest->name.text, diags);
    }
  }
}

// Two services of one module have their files, units and containers under the same names.
void CheckTwins(const Context& c, Diagnostics& diags) {
  std::map<std::pair<int, int>, bool> told;
  for (size_t server = 0; server < c.graph.services_on.size(); ++server) {
    std::map<const module::Manifest*, int> present;
    for (int s : c.graph.services_on[server]) {
      const module::Manifest* manifest = c.graph.services[s].manifest;
      const bool shares = std::ranges::any_of(manifest->outputs, [](const module::Output& output) {
        return output.area == module::Area::kServer && output.step < 0 &&
               output.path.find("{service}") == std::string::npos;
      });
      const auto [first, fresh] = present.emplace(manifest, s);
      if (fresh || !shares || !told.emplace(std::pair{first->second, s}, true).second) continue;
      diags.Emit(diag::kTwins, c.graph.services[s].model->nodes.span,
                 {.labels = {{c.graph.services[first->second].model->nodes.span, "the other one"},
                             {c.model.servers[server].name().span, "a server that has both"}},
                  .help = "give them different servers"},
                 c.graph.services[first->second].name().text, c.graph.services[s].name().text,
                 c.model.servers[server].name().text);
    }
  }
}

// Two modules on one host that want different values of one parameter would undo each other.
void CheckKernelParameters(const Context& c, Diagnostics& diags) {
  std::map<std::pair<const module::Manifest*, const module::Manifest*>, bool> told;
  for (size_t server = 0; server < c.graph.services_on.size(); ++server) {
    std::map<std::string_view, std::pair<const module::Manifest*, Word>> wanted;
    for (int s : c.graph.services_on[server]) {
      const module::Manifest& manifest = *c.graph.services[s].manifest;
      for (const auto& [name, value] : manifest.host.sysctl) {
        const auto [first, fresh] = wanted.emplace(name.text, std::pair{&manifest, value});
        if (fresh || first->second.second.text == value.text) continue;
        if (!told.emplace(std::pair{first->second.first, &manifest}, true).second) continue;
        diags.Emit(diag::kKernelConflict, value.span,
                   {.labels = {{first->second.second.span, "the other value"},
                               {c.model.servers[server].name().span, "a server that has both"}}},
                   name.text, first->second.first->name.text, manifest.name.text);
      }
    }
  }
}

}  // namespace kb::check
