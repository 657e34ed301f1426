#include "bundle/patterns.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "bundle/reference.h"

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

}  // namespace

std::string_view Unquoted(std::string_view text) {
  text = Trim(text);
  if (text.ends_with(',')) text.remove_suffix(1);
  const bool quoted =
      text.size() > 1 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0];
  return quoted ? text.substr(1, text.size() - 2) : text;
}

void FindAnywhere(std::string_view text, NeedKind host, const Inside& inside,
                  const Report& report) {
  FindUrls(text, inside, report);
  FindHosts(text, host, inside, report);
  FindPpas(text, report);
  FindRemotes(text, inside, report);
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

void Blank(std::string& text, size_t begin, size_t end) {
  for (size_t i = begin; i < std::min(end, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

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

}  // namespace kb::bundle
