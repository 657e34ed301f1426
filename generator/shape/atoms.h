// Atoms: the small typed values of the model. Each parses whole or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diag/source.h"

namespace kb {

// A text of the model and where it was written. The bytes live in the Sources or in a Document.
struct Word {
  std::string_view text;
  Span span;

  bool empty() const { return text.empty(); }
};

bool IsName(std::string_view text);          // [a-z0-9][a-z0-9_.-]*, at most 63 bytes
bool IsIdentifier(std::string_view text);    // [A-Za-z_][A-Za-z0-9_]*: a variable of a shell
bool IsHostName(std::string_view text);      // RFC 1123, labels joined by dots
bool IsAbsolutePath(std::string_view text);  // /a/b.c of [A-Za-z0-9._@+-], no `..`, no `//`
bool IsRelativePath(std::string_view text);
// May stand bare in every language kbgen writes: [A-Za-z0-9._:/@+-]+, not starting with '-'.
bool IsAtom(std::string_view text);

// Host byte order, so that addresses sort as numbers.
std::optional<uint32_t> ParseIpv4(std::string_view text);
std::string Ipv4Text(uint32_t address);

struct Cidr {
  uint32_t address = 0;
  int bits = 0;

  bool Contains(uint32_t other) const;
  bool Overlaps(const Cidr& other) const;
};
// The host part must be zero: 10.20.0.0/16, not 10.20.0.1/16.
std::optional<Cidr> ParseCidr(std::string_view text);

std::optional<int64_t> ParseInt(std::string_view text);
std::optional<uint16_t> ParsePort(std::string_view text);  // 1 to 65535

// "30s" as a whole number of `unit` (ms, s, min, h, d). Nothing when it is not whole or has no
// unit.
std::optional<int64_t> ParseDuration(std::string_view text, std::string_view unit);
// "256MB" as a whole number of `unit`: B, kB, MB, GB, TB; all are powers of 1024, as PostgreSQL
// and Docker read them.
std::optional<int64_t> ParseSize(std::string_view text, std::string_view unit);

// registry/path/name:tag@sha256:…
struct ImageRef {
  std::string_view whole;
  std::string_view name;  // without tag and digest
  std::string_view tag;   // empty when absent
  std::string_view digest;
};
std::optional<ImageRef> ParseImageRef(std::string_view text);

}  // namespace kb
