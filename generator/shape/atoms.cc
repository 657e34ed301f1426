#include "shape/atoms.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include <fmt/core.h>

#include "base/strings.h"

namespace kb {
namespace {

bool IsOneOf(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

bool IsPathBody(std::string_view text) {
  for (std::string_view part : Split(text, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
    for (char c : part) {
      if (!IsAlnum(c) && !IsOneOf(c, "._@+-")) return false;
    }
  }
  return true;
}

struct Unit {
  std::string_view name;
  int64_t factor;
};

// Value times factor of the written unit, divided by the factor of the wanted one.
std::optional<int64_t> ParseUnit(std::string_view text, std::string_view wanted,
                                 std::span<const Unit> units) {
  const size_t digits = std::ranges::find_if_not(text, IsDigit) - text.begin();
  const auto number = ParseUnsigned(text.substr(0, digits));
  if (!number || *number > 1'000'000'000) return std::nullopt;
  const auto written = std::ranges::find(units, text.substr(digits), &Unit::name);
  const auto target = std::ranges::find(units, wanted, &Unit::name);
  if (written == units.end() || target == units.end()) return std::nullopt;
  if (*number != 0 &&
      written->factor > std::numeric_limits<int64_t>::max() / static_cast<int64_t>(*number)) {
    return std::nullopt;
  }
  const int64_t base = static_cast<int64_t>(*number) * written->factor;
  if (base % target->factor != 0) return std::nullopt;
  return base / target->factor;
}

}  // namespace

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > 63 || !(IsLower(text[0]) || IsDigit(text[0]))) return false;
  return std::ranges::all_of(text,
                             [](char c) { return IsLower(c) || IsDigit(c) || IsOneOf(c, "_.-"); });
}

bool IsIdentifier(std::string_view text) {
  if (text.empty() || IsDigit(text[0])) return false;
  return std::ranges::all_of(text, [](char c) { return IsAlnum(c) || c == '_'; });
}

bool IsHostName(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (std::string_view label : Split(text, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    if (!std::ranges::all_of(label, [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; })) {
      return false;
    }
  }
  return true;
}

bool IsAbsolutePath(std::string_view text) {
  if (text.size() < 2 || text[0] != '/') return false;
  if (text.ends_with('/')) text.remove_suffix(1);  // a folder may say that it is one
  return IsPathBody(text.substr(1));
}

bool IsRelativePath(std::string_view text) {
  return !text.empty() && text[0] != '-' && IsPathBody(text);
}

bool IsAtom(std::string_view text) {
  if (text.empty() || text[0] == '-') return false;
  return std::ranges::all_of(text, [](char c) { return IsAlnum(c) || IsOneOf(c, "._:/@+-"); });
}

std::optional<uint32_t> ParseIpv4(std::string_view text) {
  const auto parts = Split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  uint32_t address = 0;
  for (std::string_view part : parts) {
    const auto byte = ParseUnsigned(part);
    if (!byte || *byte > 255) return std::nullopt;
    address = address << 8 | static_cast<uint32_t>(*byte);
  }
  return address;
}

std::string Ipv4Text(uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255,
                     address & 255);
}

bool Cidr::Contains(uint32_t other) const {
  return bits == 0 || (address >> (32 - bits)) == (other >> (32 - bits));
}

bool Cidr::Overlaps(const Cidr& other) const {
  return bits <= other.bits ? Contains(other.address) : other.Contains(address);
}

std::optional<Cidr> ParseCidr(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = ParseIpv4(text.substr(0, slash));
  const auto bits = ParseUnsigned(text.substr(slash + 1));
  if (!address || !bits || *bits > 32) return std::nullopt;
  const uint32_t host_part = *bits == 32 ? 0 : *address & (0xffffffffU >> *bits);
  if (host_part != 0) return std::nullopt;
  return Cidr{*address, static_cast<int>(*bits)};
}

std::optional<int64_t> ParseInt(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto number = ParseUnsigned(negative ? text.substr(1) : text);
  if (!number || *number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  return negative ? -static_cast<int64_t>(*number) : static_cast<int64_t>(*number);
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  const auto number = ParseUnsigned(text);
  if (!number || *number == 0 || *number > 65535) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

std::optional<int64_t> ParseDuration(std::string_view text, std::string_view unit) {
  static constexpr std::array<Unit, 6> kUnits{{{"ms", 1},
                                               {"s", 1000},
                                               {"m", 60'000},
                                               {"min", 60'000},
                                               {"h", 3'600'000},
                                               {"d", 86'400'000}}};
  return ParseUnit(text, unit, kUnits);
}

std::optional<int64_t> ParseSize(std::string_view text, std::string_view unit) {
  static constexpr std::array<Unit, 9> kUnits{{{"B", 1},
                                               {"kB", 1LL << 10},
                                               {"KiB", 1LL << 10},
                                               {"MB", 1LL << 20},
                                               {"MiB", 1LL << 20},
                                               {"GB", 1LL << 30},
                                               {"GiB", 1LL << 30},
                                               {"TB", 1LL << 40},
                                               {"TiB", 1LL << 40}}};
  return ParseUnit(text, unit, kUnits);
}

std::optional<ImageRef> ParseImageRef(std::string_view text) {
  if (!IsAtom(text)) return std::nullopt;
  ImageRef ref{.whole = text, .name = text, .tag = {}, .digest = {}};
  if (const size_t at = ref.name.find('@'); at != std::string_view::npos) {
    ref.digest = ref.name.substr(at + 1);
    ref.name = ref.name.substr(0, at);
    const bool hex = ref.digest.size() == 71 && ref.digest.starts_with("sha256:") &&
                     std::ranges::all_of(ref.digest.substr(7), [](char c) {
                       return IsDigit(c) || (c >= 'a' && c <= 'f');
                     });
    if (!hex) return std::nullopt;
  }
  // A colon after the last slash starts the tag; before it, it is the registry's port.
  const size_t slash = ref.name.rfind('/');
  const size_t colon = ref.name.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    ref.tag = ref.name.substr(colon + 1);
    ref.name = ref.name.substr(0, colon);
    const bool good =
        !ref.tag.empty() && ref.tag.size() <= 128 && !IsOneOf(ref.tag[0], ".-") &&
        std::ranges::all_of(ref.tag, [](char c) { return IsAlnum(c) || IsOneOf(c, "_.-"); });
    if (!good) return std::nullopt;
  }
  for (std::string_view part : Split(ref.name, '/')) {
    if (part.empty() || !(IsLower(part[0]) || IsDigit(part[0]))) return std::nullopt;
    const bool good = std::ranges::all_of(
        part, [](char c) { return IsLower(c) || IsDigit(c) || IsOneOf(c, "._:-"); });
    if (!good) return std::nullopt;
  }
  return ref;
}

}  // namespace kb
