#include "bundle/reference.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/strings.h"

namespace kb::bundle {
namespace {

// Endings of public names that no file has. `sh`, `py`, `rs`, `pl`, `so` and the like are left out:
// a script is called that way more often than a host, and a host is caught by its URL.
constexpr std::array<std::string_view, 60> kEndings = {
    "com",  "org",    "net",    "io",    "dev",   "eu",      "de",      "cloud",    "app",
    "co",   "us",     "uk",     "fr",    "nl",    "ch",      "at",      "it",       "es",
    "se",   "no",     "fi",     "dk",    "cz",    "be",      "ca",      "au",       "jp",
    "cn",   "in",     "br",     "info",  "biz",   "edu",     "gov",     "mil",      "int",
    "arpa", "online", "site",   "store", "tech",  "xyz",     "ai",      "me",       "tv",
    "cc",   "to",     "gg",     "run",   "build", "systems", "network", "software", "services",
    "aws",  "azure",  "google", "works", "zone",  "host"};

std::optional<uint32_t> AddressOf(std::string_view text) {
  const auto parts = Split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  uint32_t address = 0;
  for (std::string_view part : parts) {
    const auto number = ParseUnsigned(part);
    if (!number || *number > 255) return std::nullopt;
    address = address << 8 | static_cast<uint32_t>(*number);
  }
  return address;
}

bool InNetwork(uint32_t address, std::string_view cidr) {
  const size_t slash = cidr.find('/');
  const auto base = AddressOf(cidr.substr(0, slash));
  const auto bits =
      slash == std::string_view::npos ? std::nullopt : ParseUnsigned(cidr.substr(slash + 1));
  if (!base || !bits || *bits > 32) return false;
  const uint32_t mask = *bits == 0 ? 0 : ~uint32_t{0} << (32 - *bits);
  return (address & mask) == (*base & mask);
}

bool IsPrivate(uint32_t address, const Inside& inside) {
  if (InNetwork(address, "127.0.0.0/8") || InNetwork(address, "169.254.0.0/16") || address == 0) {
    return true;
  }
  if (!inside.private_network.empty()) return InNetwork(address, inside.private_network);
  constexpr unsigned kTen = 10;  // RFC 1918
  return address >> 24 == kTen || InNetwork(address, "172.16.0.0/12") ||
         InNetwork(address, "192.168.0.0/16");
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return IsAlnum(c) || c == '-' || c == '_'; });
}

bool IsLowerName(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(
             name,
             [](char c) { return IsLower(c) || IsDigit(c) || c == '.' || c == '_' || c == '-'; }) &&
         (IsLower(name[0]) || IsDigit(name[0])) && IsAlnum(name.back());
}

bool IsTag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 128 && (IsAlnum(tag[0]) || tag[0] == '_') &&
         std::ranges::all_of(tag,
                             [](char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace

bool IsIpv4(std::string_view text) { return AddressOf(text).has_value(); }

bool IsPublicName(std::string_view text, size_t labels) {
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto parts = Split(text, '.');
  if (parts.size() < std::max<size_t>(labels, 2)) return false;
  if (!std::ranges::all_of(parts, IsLabel)) return false;
  std::string ending(parts.back());
  for (char& c : ending) c = IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

bool IsOutside(std::string_view host, const Inside& inside) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.find_first_of("$%{}<>*@|()`'\"") != std::string_view::npos) return false;
  if (const auto address = AddressOf(host)) return !IsPrivate(*address, inside);
  if (host.find(':') != std::string_view::npos) {  // IPv6: only what is surely inside is
    return !(host == "::1" || host == "::" || host.starts_with("fe80") || host.starts_with("fd"));
  }
  if (host.find('.') == std::string_view::npos) return false;
  if (!std::ranges::all_of(Split(host, '.'), IsLabel)) return false;
  if (host.ends_with(".localhost") || host == "localhost.localdomain") return false;
  const bool own = !inside.domain.empty() &&
                   (host == inside.domain || (host.ends_with(inside.domain) &&
                                              host[host.size() - inside.domain.size() - 1] == '.'));
  return !own;
}

std::string_view HostOf(std::string_view url) {
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  url = url.substr(0, url.find_first_of("/?#"));
  if (const size_t at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  if (url.starts_with('[')) return url.substr(1, url.find(']') - 1);
  return url.substr(0, url.find(':'));
}

bool IsImage(std::string_view text, bool definite) {
  const size_t digest = text.find("@sha256:");
  const bool pinned = digest != std::string_view::npos;
  std::string_view name = text.substr(0, digest);
  const size_t slash = name.rfind('/');
  const size_t colon = name.rfind(':');
  const bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || slash < colon);
  if (tagged && !IsTag(name.substr(colon + 1))) return false;
  if (tagged) name = name.substr(0, colon);
  const auto parts = Split(name, '/');
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string_view part = parts[i];
    // Only the registry may have a port.
    if (i == 0 && parts.size() > 1) part = part.substr(0, part.find(':'));
    if (!IsLowerName(part)) return false;
  }
  if (definite) return true;
  if (pinned) return true;
  // A port after a name is no tag.
  return tagged && !IsIpv4(name) && std::ranges::any_of(name, IsLower);
}

}  // namespace kb::bundle
