#include "secrets/env_file.h"

#include <algorithm>

#include "base/strings.h"

namespace kb::secrets {
namespace {

bool IsKey(std::string_view text) {
  if (text.empty() || IsDigit(text[0])) return false;
  return std::ranges::all_of(text, [](char c) { return IsAlnum(c) || c == '_'; });
}

EnvLine ReadLine(std::string_view text) {
  EnvLine line{.kind = EnvLine::Kind::kUnreadable, .text = text, .key = {}, .value = {}};
  if (text.find('\0') != std::string_view::npos) return line;
  if (text.empty() || text[0] == '#') {
    line.kind = EnvLine::Kind::kComment;
    return line;
  }
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || !IsKey(text.substr(0, equals))) return line;
  line.kind = EnvLine::Kind::kPair;
  line.key = text.substr(0, equals);
  line.value = text.substr(equals + 1);
  return line;
}

void AppendPair(Secret& out, std::string_view key, const Secret& value) {
  out.Append(key), out.Append('='), out.Append(value.Reveal()), out.Append('\n');
}

}  // namespace

EnvFile::EnvFile(Secret bytes) : bytes_(std::move(bytes)) {
  std::string_view rest = bytes_.Reveal();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    lines_.push_back(ReadLine(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

const EnvLine* EnvFile::Find(std::string_view key) const {
  const auto found = std::ranges::find_if(lines_, [&](const EnvLine& line) {
    return line.kind == EnvLine::Kind::kPair && line.key == key;
  });
  return found == lines_.end() ? nullptr : &*found;
}

Secret EnvFile::ValueOf(std::string_view key) const {
  const EnvLine* line = Find(key);
  return line == nullptr ? Secret() : Secret(line->value);
}

Secret EnvFile::With(std::span<const EnvChange> changes) const {
  Secret out;
  size_t room = bytes_.size() + 1;
  for (const EnvChange& change : changes) {
    room += change.key.size() + 2 + (change.value == nullptr ? 0 : change.value->size());
  }
  out.Reserve(room);
  for (const EnvLine& line : lines_) {
    const auto change = std::ranges::find_if(changes, [&](const EnvChange& c) {
      return line.kind == EnvLine::Kind::kPair && c.key == line.key;
    });
    if (change == changes.end()) {
      out.Append(line.text), out.Append('\n');
    } else if (change->value != nullptr) {
      AppendPair(out, change->key, *change->value);
    }
  }
  for (const EnvChange& change : changes) {
    if (change.value != nullptr && Find(change.key) == nullptr) {
      AppendPair(out, change.key, *change.value);
    }
  }
  return out;
}

std::string Masked(const EnvFile& file, std::span<const std::string_view> known_keys) {
  std::string out;
  for (const EnvLine& line : file.lines()) {
    if (line.kind == EnvLine::Kind::kPair) {
      const bool known = std::ranges::find(known_keys, line.key) != known_keys.end();
      if (known || LooksLikeVariable(line.key)) out += line.key;
      out += '=';
    } else if (line.text.starts_with('#')) {
      out += '#';
    }
    out += '\n';
  }
  return out;
}

bool LooksLikeVariable(std::string_view key) {
  return !key.empty() &&
         std::ranges::all_of(key, [](char c) { return IsUpper(c) || IsDigit(c) || c == '_'; });
}

bool HasControl(std::string_view value) {
  return std::ranges::any_of(value, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
}

}  // namespace kb::secrets
