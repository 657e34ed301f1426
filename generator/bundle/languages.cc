#include "bundle/languages.h"

#include <algorithm>
#include <string>

#include "base/strings.h"
#include "bundle/patterns.h"
#include "bundle/recipe.h"
#include "bundle/shell_script.h"

namespace kb::bundle {
namespace {

void AuditShell(std::string_view bytes, const Inside& inside, const Report& report) {
  const ShellScript script(bytes, 0);
  std::string text(bytes);
  for (const auto& [begin, end] : script.comments()) Blank(text, begin, end);
  AuditScript(script, inside, report);
  FindAnywhere(text, NeedKind::kDownload, inside, report);
}

// ---------------------------------------------------------------- units

void AuditUnit(std::string_view bytes, const Inside& inside, const Report& report) {
  std::string text = WithoutComments(bytes, "#;");
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    while (end < text.size() && end > begin && text[end - 1] == '\\') {
      end = std::min(text.find('\n', end + 1), text.size());
    }
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const size_t equals = std::min(line.find('='), line.size());
    const std::string_view name = Trim(line.substr(0, equals));
    if (name == "Documentation") {
      Blank(text, begin, end);
    } else if (name.starts_with("Exec") && equals < line.size()) {
      size_t at = equals + 1;
      while (at < line.size() && std::string_view("-@:+!").find(line[at]) != std::string_view::npos)
        ++at;
      const ShellScript script(line.substr(at), static_cast<uint32_t>(begin + at));
      AuditScript(script, inside, report);
    }
    begin = end + 1;
  }
  FindAnywhere(text, NeedKind::kServer, inside, report);
  FindSettings(text, inside, report);
}

bool HasEnding(std::string_view path, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings,
                             [&](std::string_view ending) { return path.ends_with(ending); });
}

}  // namespace

Language LanguageOf(std::string_view path, std::string_view bytes, bool script) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::string_view first = bytes.substr(0, bytes.find('\n'));
  if (name == "Dockerfile" || name == "Containerfile" || name.starts_with("Dockerfile.") ||
      name.ends_with(".Dockerfile")) {
    return Language::kDockerfile;
  }
  if (first.starts_with("#!") && first.find("python") != std::string_view::npos)
    return Language::kPython;
  if (HasEnding(name, {".md"})) return Language::kProse;
  if (HasEnding(name, {".json"})) return Language::kData;
  if (HasEnding(name, {".sql", ".lua"})) return Language::kSql;
  if (HasEnding(name, {".py"})) return Language::kPython;
  if (HasEnding(name, {".service", ".timer", ".mount", ".socket", ".path", ".target", ".slice"})) {
    return Language::kUnit;
  }
  const bool shell = first.starts_with("#!") && first.find("sh") != std::string_view::npos;
  if (shell || script || HasEnding(name, {".sh", ".bash"})) return Language::kShell;
  return Language::kConfig;
}

void AuditLanguage(Language language, std::string_view bytes, const Inside& inside,
                   const Report& report) {
  switch (language) {
    case Language::kShell:
      return AuditShell(bytes, inside, report);
    case Language::kDockerfile:
      return AuditRecipe(bytes, inside, report);
    case Language::kUnit:
      return AuditUnit(bytes, inside, report);
    case Language::kProse:
      return;
    case Language::kData:
      FindAnywhere(bytes, NeedKind::kServer, inside, report);
      return FindSettings(bytes, inside, report);
    case Language::kSql:
      return FindAnywhere(WithoutComments(bytes, "-"), NeedKind::kServer, inside, report);
    case Language::kPython:
      return FindAnywhere(WithoutComments(bytes, "#"), NeedKind::kDownload, inside, report);
    case Language::kConfig: {
      const std::string text = WithoutComments(bytes, "#;");
      FindAnywhere(text, NeedKind::kServer, inside, report);
      return FindSettings(text, inside, report);
    }
  }
}

}  // namespace kb::bundle
