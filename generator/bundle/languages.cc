#include "bundle/languages.h"

#include <algorithm>
#include <map>
#include <string>

#include <fmt/core.h>

#include "base/strings.h"
#include "bundle/reference.h"
#include "bundle/shell_script.h"

namespace kb::bundle {
namespace {

bool IsUrlPart(char c) {
  return static_cast<unsigned char>(c) > ' ' &&
         std::string_view("\"'`<>)]},;\\|").find(c) == std::string_view::npos;
}

bool IsHostPart(char c) { return IsAlnum(c) || c == '.' || c == '-' || c == '_'; }

std::string_view LineAt(std::string_view text, size_t at) {
  const size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

// Names of vocabularies that look like addresses and are never fetched.
bool IsVocabulary(std::string_view line) {
  return line.find("xmlns") != std::string_view::npos ||
         line.find("\"$schema\"") != std::string_view::npos ||
         line.find("DOCTYPE") != std::string_view::npos;
}

bool IsAptLine(std::string_view line) {
  const std::string_view bare = Trim(line);
  return bare.starts_with("deb ") || bare.starts_with("deb-src ") || bare.starts_with("URIs:") ||
         bare.find("'deb ") != std::string_view::npos ||
         bare.find("\"deb ") != std::string_view::npos ||
         bare.find(" deb [") != std::string_view::npos ||
         bare.find("\"deb [") != std::string_view::npos;
}

void FindUrls(std::string_view text, const Inside& inside, const Report& report) {
  for (size_t at = 0; (at = text.find("://", at)) != std::string_view::npos; at += 3) {
    size_t begin = at;
    while (begin > 0 && (IsAlnum(text[begin - 1]) || text[begin - 1] == '+' ||
                         text[begin - 1] == '-' || text[begin - 1] == '.')) {
      --begin;
    }
    if (begin == at) continue;
    size_t end = at + 3;
    while (end < text.size() && IsUrlPart(text[end])) ++end;
    const std::string_view url = text.substr(begin, end - begin);
    const std::string_view scheme = text.substr(begin, at - begin);
    if (scheme == "file" || scheme == "unix" || scheme == "fd" || scheme == "npipe") continue;
    const std::string_view line = LineAt(text, at);
    if (scheme == "docker" || scheme == "docker-image" || scheme == "oci" ||
        scheme == "containers-storage") {
      const std::string_view ref = url.substr(scheme.size() + 3);
      if (scheme == "docker" || scheme == "docker-image" || scheme == "oci") {
        const auto where = static_cast<uint32_t>(begin);
        if (IsImage(ref, true)) report(NeedKind::kImage, std::string(ref), where);
      }
      continue;
    }
    if (!IsOutside(HostOf(url), inside) || IsVocabulary(line)) continue;
    const NeedKind kind = IsAptLine(line) ? NeedKind::kSource : NeedKind::kDownload;
    report(kind, kind == NeedKind::kSource ? std::string(Trim(line)) : std::string(url),
           static_cast<uint32_t>(begin));
  }
}

// What follows a host name: an address in a registry, an import path, or nothing.
void ReportHost(std::string_view text, size_t begin, size_t end, NeedKind kind,
                const Inside& inside, const Report& report) {
  const std::string_view host = text.substr(begin, end - begin);
  size_t stop = end;
  while (stop < text.size() && IsUrlPart(text[stop]) && text[stop] != '=') ++stop;
  const std::string_view whole = text.substr(begin, stop - begin);
  const std::string_view rest = whole.substr(host.size());
  const bool path = rest.starts_with('/') && rest.size() > 1;
  const bool port = rest.starts_with(':') && rest.size() > 1 && IsDigit(rest[1]);
  const size_t labels = path || port ? 2 : 3;
  const bool well_known =
      host.ends_with(".com") || host.ends_with(".org") || host.ends_with(".net");
  if (!IsPublicName(host, well_known ? 2 : labels) || !IsOutside(host, inside)) return;
  const auto at = static_cast<uint32_t>(begin);
  if (path && IsImage(whole, false)) {
    report(NeedKind::kImage, std::string(whole), at);
  } else {
    report(path ? NeedKind::kDownload : kind, std::string(path ? whole : host), at);
  }
}

// Names of hosts that stand alone.
void FindHosts(std::string_view text, NeedKind kind, const Inside& inside, const Report& report) {
  for (size_t at = 0; at < text.size();) {
    if (!IsAlnum(text[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    while (at < text.size() && IsHostPart(text[at])) ++at;
    const char before = begin > 0 ? text[begin - 1] : ' ';
    // A part of a path, a variable, a mail address or a URL, which was looked at as a whole.
    if (before == '/' || before == '$' || before == '@' || before == '.' || before == '_' ||
        before == '-' || before == '%' || before == '\\') {
      continue;
    }
    if (text.substr(at).starts_with("://")) {
      while (at < text.size() && IsUrlPart(text[at])) ++at;
      continue;
    }
    size_t end = at;
    while (end > begin && !IsAlnum(text[end - 1])) --end;
    if (text.substr(begin, end - begin).find('.') == std::string_view::npos) continue;
    ReportHost(text, begin, end, kind, inside, report);
  }
}

// "ppa:owner/name".
void FindPpas(std::string_view text, const Report& report) {
  for (size_t at = 0; (at = text.find("ppa:", at)) != std::string_view::npos; at += 4) {
    if (at > 0 && IsAlnum(text[at - 1])) continue;
    size_t end = at;
    while (end < text.size() && IsUrlPart(text[end])) ++end;
    if (end - at > 4)
      report(NeedKind::kSource, std::string(text.substr(at, end - at)), static_cast<uint32_t>(at));
  }
}

// git@host:owner/name
void FindRemotes(std::string_view text, const Inside& inside, const Report& report) {
  for (size_t at = 0; (at = text.find("git@", at)) != std::string_view::npos; at += 4) {
    size_t end = at + 4;
    while (end < text.size() && IsHostPart(text[end])) ++end;
    const bool remote = end < text.size() && text[end] == ':';
    if (!remote || !IsOutside(text.substr(at + 4, end - at - 4), inside)) continue;
    while (end < text.size() && IsUrlPart(text[end])) ++end;
    report(NeedKind::kCheckout, std::string(text.substr(at, end - at)), static_cast<uint32_t>(at));
  }
}

std::string_view Unquoted(std::string_view text) {
  text = Trim(text);
  if (text.ends_with(',')) text.remove_suffix(1);
  const bool quoted =
      text.size() > 1 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0];
  return quoted ? text.substr(1, text.size() - 2) : text;
}

struct Setting {
  std::string name;  // lower case
  std::string_view value;
  uint32_t at = 0;
};

// Each line that reads `name: value`, `name = value` or `name value`.
std::vector<Setting> SettingsOf(std::string_view text) {
  std::vector<Setting> settings;
  size_t begin = 0;
  for (std::string_view line : Split(text, '\n')) {
    std::string_view bare = Trim(line);
    while (bare.starts_with("- ") || bare.starts_with("{ ")) bare = Trim(bare.substr(2));
    size_t end = 0;
    while (end < bare.size() && (IsAlnum(bare[end]) || std::string_view("_.-\"'").find(bare[end]) !=
                                                           std::string_view::npos)) {
      ++end;
    }
    Setting setting{.at = static_cast<uint32_t>(begin)};
    setting.name = Unquoted(bare.substr(0, end));
    for (char& c : setting.name) c = IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    std::string_view rest = Trim(bare.substr(end));
    if (rest.starts_with(':') || rest.starts_with('=')) rest.remove_prefix(1);
    setting.value = Unquoted(rest);
    if (!setting.name.empty() && !setting.value.empty()) settings.push_back(std::move(setting));
    begin += line.size() + 1;
  }
  return settings;
}

void FindSettings(std::string_view text, const Inside& inside, const Report& report) {
  static const std::vector<std::string_view> kServers = {
      "ntp", "fallbackntp", "dns", "fallbackdns", "pool", "server", "nameserver", "relayhost"};
  for (const Setting& setting : SettingsOf(text)) {
    const bool image = setting.name == "image" || setting.name.ends_with("_image") ||
                       setting.name.ends_with(".image");
    if (image && IsImage(setting.value, false)) {
      report(NeedKind::kImage, std::string(setting.value), setting.at);
    }
    if (std::ranges::find(kServers, setting.name) == kServers.end()) continue;
    for (std::string_view word : Split(setting.value, ' ')) {
      const bool host = IsIpv4(word) || IsPublicName(word, 2);
      if (host && IsOutside(word, inside)) report(NeedKind::kServer, std::string(word), setting.at);
    }
  }
}

void FindAnywhere(std::string_view text, NeedKind host, const Inside& inside,
                  const Report& report) {
  FindUrls(text, inside, report);
  FindHosts(text, host, inside, report);
  FindPpas(text, report);
  FindRemotes(text, inside, report);
}

void Blank(std::string& text, size_t begin, size_t end) {
  for (size_t i = begin; i < std::min(end, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

// Lines that begin with one of the marks, and what follows a blank and the first of them.
std::string WithoutComments(std::string_view bytes, std::string_view marks) {
  std::string text(bytes);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const size_t first = std::min(text.find_first_not_of(" \t", begin), end);
    const bool whole = first < end && (marks.find(text[first]) != std::string::npos ||
                                       text.compare(first, 2, "//") == 0);
    if (whole) {
      Blank(text, first, end);
    } else {
      for (size_t at = first + 1; at < end; ++at) {
        const bool blank = text[at - 1] == ' ' || text[at - 1] == '\t';
        if (text[at] == marks[0] && blank) Blank(text, at, end);
      }
    }
    begin = end + 1;
  }
  return text;
}

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

// ---------------------------------------------------------------- recipes of images

class Recipe {
 public:
  Recipe(std::string_view bytes, const Inside& inside, const Report& report)
      : bytes_(bytes), inside_(inside), report_(report) {}

  void Audit() {
    Directive();
    std::string text = WithoutComments(bytes_, "#");
    for (size_t begin = 0; begin < text.size();) {
      size_t end = std::min(text.find('\n', begin), text.size());
      while (end < text.size() && Continues(text, begin, end))
        end = std::min(text.find('\n', end + 1), text.size());
      Instruction(std::string_view(text).substr(begin, end - begin), static_cast<uint32_t>(begin));
      begin = end + 1;
    }
    FindAnywhere(text, NeedKind::kDownload, inside_, report_);
  }

 private:
  // Lines of blanks in the middle were comments.
  static bool Continues(std::string_view text, size_t begin, size_t end) {
    std::string_view line = text.substr(begin, end - begin);
    while (!line.empty()) {
      const size_t last = line.rfind('\n');
      const std::string_view one = Trim(line.substr(last == std::string_view::npos ? 0 : last + 1));
      if (!one.empty()) return one.ends_with('\\');
      if (last == std::string_view::npos) return false;
      line = line.substr(0, last);
    }
    return false;
  }

  // The one comment that fetches: `# syntax=docker/dockerfile:1`.
  void Directive() {
    const std::string_view line = Trim(bytes_.substr(0, bytes_.find('\n')));
    const size_t equals = line.find('=');
    const bool directive = line.starts_with('#') && equals != std::string_view::npos &&
                           Trim(line.substr(1, equals - 1)) == "syntax";
    if (directive) report_(NeedKind::kImage, std::string(Trim(line.substr(equals + 1))), 0);
  }

  void Image(std::string_view ref, uint32_t at) {
    std::string image(ref);
    for (const auto& [name, value] : arguments_) {
      for (const std::string& form : {"${" + name + "}", "$" + name}) {
        if (const size_t where = image.find(form); where != std::string::npos) {
          image.replace(where, form.size(), value);
        }
      }
    }
    const bool stage = std::ranges::find(stages_, image) != stages_.end();
    if (image != "scratch" && !stage) report_(NeedKind::kImage, image, at);
  }

  void Instruction(std::string_view line, uint32_t at) {
    const size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return;
    const size_t end = std::min(line.find_first_of(" \t", first), line.size());
    std::string name(line.substr(first, end - first));
    for (char& c : name) c = IsLower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    const std::string_view rest = line.substr(end);
    std::vector<std::string_view> words;
    for (std::string_view word : Split(rest, ' ')) {
      if (!Trim(word).empty()) words.push_back(Trim(word));
    }
    if (name == "ARG" && !words.empty()) Argument(words[0]);
    if (name == "FROM") From(words, at + static_cast<uint32_t>(first));
    if (name == "COPY" || name == "ADD") CopyFrom(words, at + static_cast<uint32_t>(first));
    if (name == "RUN") Run(rest, at + static_cast<uint32_t>(end));
  }

  void Argument(std::string_view word) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) return;
    arguments_[std::string(word.substr(0, equals))] = Unquoted(word.substr(equals + 1));
  }

  void From(const std::vector<std::string_view>& words, uint32_t at) {
    size_t i = 0;
    while (i < words.size() && words[i].starts_with("--")) ++i;
    if (i >= words.size()) return;
    Image(words[i], at);
    if (i + 2 < words.size()) stages_.emplace_back(words[i + 2]);
  }

  void CopyFrom(const std::vector<std::string_view>& words, uint32_t at) {
    constexpr std::string_view kFrom = "--from=";
    for (std::string_view word : words) {
      if (!word.starts_with(kFrom)) continue;
      const std::string_view source = word.substr(kFrom.size());
      if (!ParseUnsigned(source)) Image(source, at);  // a number is a stage
    }
  }

  void Run(std::string_view text, uint32_t at) {
    constexpr std::string_view kFrom = ",from=";
    for (std::string_view word : Split(text, ' ')) {
      const size_t from = word.find(kFrom);
      if (word.starts_with("--mount=") && from != std::string_view::npos) {
        const std::string_view source = word.substr(from + kFrom.size());
        Image(source.substr(0, source.find(',')), at);
      }
    }
    ShellScript script(text, at);
    for (const auto& [name, value] : arguments_) script.Set(name, value);
    AuditScript(script, inside_, report_);
  }

  std::string_view bytes_;
  const Inside& inside_;
  const Report& report_;
  std::map<std::string, std::string> arguments_;
  std::vector<std::string> stages_;
};

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
      return Recipe(bytes, inside, report).Audit();
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
