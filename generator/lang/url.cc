#include <algorithm>

#include "base/strings.h"
#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// URLs (RFC 3986), one a line. Whatever is not unreserved is percent-encoded, so a value is one
// name, one password, one segment of a path, one part of a query: never a delimiter. The token of a
// secret stands as it is. Until an `@` comes, what stands in an authority may be a user as well as
// a host: there only a text is encoded, and an atom must be the same for both.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,
  kScheme,
  kColon,     // behind the scheme's
  kSlash,     // behind the first slash
  kUser,      // in the user, or in the host when no `@` comes
  kPassword,  // behind its `:`, or in the port
  kHost,      // behind the `@`
  kPort,
  kAddress,     // in […]
  kAddressEnd,  // behind its `]`
  kPath,
  kQuery,
  kFragment,
  kNoUrl,
};

enum Flag : uint8_t {
  kFirstDigit = 1,   // behind a `%`
  kSecondDigit = 2,  // behind the first digit of one
  kNamed = 4,        // the `@` has come
};

bool IsUnreserved(char c) { return IsAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

Context Go(Context at, State state) {
  at.state = state;
  return at;
}

Context InAuthority(Context at, char c) {
  const bool named = at.flags & kNamed;
  switch (c) {
    case '/':
      return Go(at, kPath);
    case '?':
      return Go(at, kQuery);
    case '#':
      return Go(at, kFragment);
    case '@':
      at.flags |= kNamed;
      return Go(at, named || at.state == kAddressEnd ? kNoUrl : kHost);
    case ',':
      // Several hosts, as the clients of clusters take them.
      return Go(at, named ? kHost : kUser);
    case ':':
      if (at.state == kPassword || at.state == kPort) return Go(at, kNoUrl);
      return Go(at, named || at.state == kAddressEnd ? kPort : kPassword);
    case '[':
      return Go(at, at.state == kUser || at.state == kHost ? kAddress : kNoUrl);
    default:
      return at.state == kAddressEnd || c == ']' ? Go(at, kNoUrl) : at;
  }
}

Context InPath(Context at, char c) {
  if (c == '[' || c == ']') return Go(at, kNoUrl);
  if (c == '#') return Go(at, at.state == kFragment ? kNoUrl : kFragment);
  if (c == '?' && at.state == kPath) return Go(at, kQuery);
  return at;
}

Context InScheme(Context at, char c) {
  if (c == ':') return Go(at, at.state == kScheme ? kColon : kNoUrl);
  const bool fits = IsAlpha(c) || (at.state == kScheme && (IsDigit(c) || HasAny("+-.", {&c, 1})));
  return Go(at, fits ? kScheme : kNoUrl);
}

Context Step(Context at, char c) {
  constexpr std::string_view kReserved = ":/?#[]@!$&'()*+,;=";
  if (at.state == kNoUrl) return at;
  if (at.flags & (kFirstDigit | kSecondDigit)) {
    const uint8_t rest = at.flags & kFirstDigit ? kSecondDigit : 0;
    at.flags = static_cast<uint8_t>((at.flags & kNamed) | rest);
    return IsHex(c) ? at : Go(at, kNoUrl);
  }
  if (c == '\n') {
    const bool half = at.state != kLine && (at.state < kUser || at.state == kAddress);
    return half ? Go(at, kNoUrl) : Context{};
  }
  if (at.state == kLine || at.state == kScheme) return InScheme(at, c);
  if (at.state == kColon || at.state == kSlash) {
    return Go(at, c != '/' ? kNoUrl : at.state == kColon ? kSlash : kUser);
  }
  if (c == '%') {
    at.flags |= kFirstDigit;
    return at.state == kAddress ? Go(at, kNoUrl) : at;
  }
  if (!IsUnreserved(c) && kReserved.find(c) == std::string_view::npos) return Go(at, kNoUrl);
  if (at.state == kAddress) return c == ']' ? Go(at, kAddressEnd) : at;
  return at.state >= kPath ? InPath(at, c) : InAuthority(at, c);
}

Context AfterHole(Context at) { return at.state == kLine ? Go(at, kScheme) : at; }

std::string_view Encode(std::string_view value, Context, std::string& out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  if (HasNul(value)) return kNulRefused;
  for (const char c : value) {
    if (IsUnreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    ((out += '%') += kDigits[byte >> 4]) += kDigits[byte & 0xF];
  }
  return {};
}

std::string_view EncodeInPath(std::string_view value, Context at, std::string& out) {
  if (const auto why = Encode(value, at, out); !why.empty()) return why;
  if (out.ends_with("/.") || out.ends_with("/..")) {
    return "`.` and `..` are steps in a path, encoded or not";
  }
  return {};
}

template <EscapeFn Text>
std::string_view WriteAtom(std::string_view value, Context at, std::string& out) {
  return IsSecretToken(value) ? WriteBare(value, at, out) : Text(value, at, out);
}

std::string_view WriteUnreserved(std::string_view value, Context at, std::string& out) {
  if (!std::ranges::all_of(value, IsUnreserved)) {
    return "here a name or an address is made of letters, digits and - . _ ~; one with colons "
           "stands "
           "in […]";
  }
  return WriteBare(value, at, out);
}

std::string_view WriteDigits(std::string_view value, Context, std::string& out) {
  if (value.empty() || !std::ranges::all_of(value, IsDigit)) return "a port is made of digits";
  out += value;
  return {};
}

std::string_view WriteAddress(std::string_view value, Context, std::string& out) {
  const auto fits = [](char c) { return IsHex(c) || c == ':' || c == '.'; };
  if (!std::ranges::all_of(value, fits)) return "between brackets stands an IPv6 address";
  out += value;
  return {};
}

std::string_view WriteScheme(std::string_view value, Context, std::string& out) {
  Context read;
  for (const char c : value) {
    read = InScheme(read, c);
    if (read.state != kScheme) return "a scheme is made of letters, digits and + - .";
  }
  out += value;
  return {};
}

std::string_view NotEmpty(std::string_view value, Context at, std::string& out) {
  if (value.empty()) return "a user or a host cannot be empty";
  return Encode(value, at, out);
}

Fit AdmitAuthority(Context at, ValueClass value) {
  const bool text = value == ValueClass::kText;
  switch (at.state) {
    case kUser:
    case kPassword:
      if (text) return Write(at.state == kUser ? NotEmpty : Encode);
      return Write(WriteAtom<WriteUnreserved>);
    case kHost:
      if (text) return Refuse("a host is an atom");
      return Write(WriteUnreserved);
    case kPort:
      if (text) return Refuse("a port is a number");
      return Write(WriteDigits);
    case kAddress:
      if (text) return Refuse("an address is an atom");
      return Write(WriteAddress);
    default:
      return Refuse("behind an address stands its port, or a path");
  }
}

Fit Admit(Context at, ValueClass value) {
  const bool text = value == ValueClass::kText;
  if (at.flags & (kFirstDigit | kSecondDigit)) return Refuse("a percent sign has two digits");
  switch (at.state) {
    case kLine:
      if (text) return Refuse("a scheme is an atom");
      return Write(WriteScheme);
    case kScheme:
    case kColon:
    case kSlash:
    case kNoUrl:
      return Refuse("a line is a URL: scheme://…");
    case kPath:
      return Write(text ? EncodeInPath : WriteAtom<EncodeInPath>);
    case kQuery:
    case kFragment:
      return Write(text ? Encode : WriteAtom<Encode>);
    default:
      return AdmitAuthority(at, value);
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kUser:
      return "in the user or the host";
    case kPassword:
      return "in the password or the port";
    case kHost:
    case kAddress:
    case kAddressEnd:
      return "in the host";
    case kPort:
      return "in the port";
    case kPath:
      return "in the path";
    case kQuery:
      return "in the query";
    case kFragment:
      return "in the fragment";
    default:
      return "in the scheme";
  }
}

bool MayEnd(Context at) {
  const bool whole = at.state == kLine || (at.state >= kUser && at.state < kNoUrl);
  return whole && at.state != kAddress && !(at.flags & (kFirstDigit | kSecondDigit));
}

constexpr Language kUrl = {
    .name = "url",
    .comment = {},
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken = [](Context at) -> std::string_view {
      return at.state == kNoUrl ? "this is no URL, or not all of it is percent-encoded" : "";
    },
};

}  // namespace

const Language& Url() { return kUrl; }

}  // namespace kb::lang
