#include "run/ship.h"

#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "write/posix.h"

namespace kb::run {
namespace {

constexpr size_t kBlock = 512;
constexpr std::array<char, 2 * kBlock> kZeros = {};

// Where ustar cuts a path: the name behind the slash has at most 100 bytes, the prefix 155.
std::optional<size_t> PrefixOf(std::string_view path) {
  if (path.size() <= 100) return 0;
  for (size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (slash <= 155 && path.size() - slash - 1 <= 100) return slash;
  }
  return std::nullopt;
}

// The header of POSIX.1-1988 (ustar), owned by root and without a time.
std::optional<std::string> Header(std::string_view path, bool executable, size_t size) {
  const auto cut = PrefixOf(path);
  if (!cut || size >= (1ULL << 33U)) return std::nullopt;
  std::string header(kBlock, '\0');
  const auto put = [&](size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  put(0, path.substr(*cut ? *cut + 1 : 0));
  put(100, executable ? "0000755" : "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", size));
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, std::string_view("ustar\00000", 8));
  put(345, path.substr(0, *cut));
  unsigned sum = 0;
  for (char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum));
  header[154] = '\0';
  return header;
}

// One credentials file. `wanted` keys in order; lines go to `lines`.
Result<void> ReadKeys(const std::string& folder, const std::string& name,
                      std::span<const CredentialName> wanted, Secret& lines) {
  const std::string path = JoinPath(folder, name);
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return write::SystemError("read", path);
  if ((status.st_mode & 077) != 0) {
    return Fail(fmt::format("{} may be read by others than its owner: chmod 0600 it", path));
  }
  auto bytes = ReadFile(path);
  if (!bytes) return std::unexpected(std::move(bytes).error());
  const Secret text(std::move(*bytes));
  if (text.text().find('\0') != std::string::npos) {
    return Fail(fmt::format("{} holds a NUL byte", path));
  }
  std::map<std::string_view, std::vector<std::string_view>> values;
  size_t number = 0;
  for (std::string_view line : Split(text.text(), '\n')) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    const bool is_key = !key.empty() && !IsDigit(key[0]) &&
                        std::ranges::all_of(key, [](char c) { return IsAlnum(c) || c == '_'; });
    if (equals == std::string_view::npos || !is_key) {
      return Fail(fmt::format("{}, line {}: neither KEY=value nor a comment", path, number));
    }
    values[key].push_back(line.substr(equals + 1));
  }
  for (const CredentialName& credential : wanted) {
    const auto found = values.find(credential.key);
    if (found == values.end()) return Fail(fmt::format("{} has no {}", path, credential.key));
    if (found->second.size() > 1) {
      return Fail(fmt::format("{} has {} {} times", path, credential.key, found->second.size()));
    }
    const std::string_view value = found->second.front();
    if (value.empty()) return Fail(fmt::format("{} in {} is empty", credential.key, path));
    if (std::ranges::any_of(value, [](char c) { return (c >= 0 && c < ' ') || c == 127; })) {
      return Fail(fmt::format("{} in {} holds a control character", credential.key, path));
    }
    for (std::string_view part :
         {std::string_view(name), std::string_view(" "), std::string_view(credential.key),
          std::string_view("="), value, std::string_view("\n")}) {
      lines.Append(part);
    }
  }
  return {};
}

}  // namespace

Result<std::string_view> Store::BytesOf(int index) {
  const TreeFile& file = tree_->files[static_cast<size_t>(index)];
  const auto found = contents_.find(file.sha256);
  if (found != contents_.end()) return found->second;
  KB_TRY(bytes, ReadVerified(*tree_, file));
  return contents_.emplace(file.sha256, std::move(bytes)).first->second;
}

Result<Archive> PackFiles(std::span<const Shipped> files, Store& store) {
  Archive archive;
  const auto add = [&](std::string_view piece) {
    if (!piece.empty()) archive.pieces.push_back(piece), archive.size += piece.size();
  };
  const auto fill = [&](size_t size) { add(std::string_view(kZeros.data(), size)); };
  for (const Shipped& file : files) {
    KB_TRY(bytes, store.BytesOf(file.file));
    const bool executable = store.tree().files[static_cast<size_t>(file.file)].executable;
    auto header = Header(file.path, executable, bytes.size());
    if (!header) return Fail(fmt::format("`{}` is too long or too large for a tar", file.path));
    archive.headers.push_back(std::make_unique<const std::string>(std::move(*header)));
    add(*archive.headers.back());
    add(bytes);
    fill((kBlock - bytes.size() % kBlock) % kBlock);
  }
  fill(2 * kBlock);
  return archive;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  explicit_bzero(text_.data(), text_.size());
  text_ = other.Release();
  return *this;
}

Secret::~Secret() { explicit_bzero(text_.data(), text_.size()); }

// A short text is copied by a move, not handed over.
std::string Secret::Release() {
  std::string text = text_;
  explicit_bzero(text_.data(), text_.size());
  text_.clear();
  return text;
}

// Growing copies the text, so that the old one is wiped here.
void Secret::Append(std::string_view more) {
  if (text_.size() + more.size() > text_.capacity()) {
    std::string larger;
    larger.reserve(2 * (text_.size() + more.size()));
    larger = text_;
    explicit_bzero(text_.data(), text_.size());
    text_ = std::move(larger);
  }
  text_ += more;
}

Result<Secret> ReadCredentials(const std::string& folder, std::vector<CredentialName> names) {
  std::ranges::sort(names);
  const auto again = std::ranges::unique(names);
  names.erase(again.begin(), again.end());
  Secret lines;
  for (size_t begin = 0; begin < names.size();) {
    size_t end = begin;
    while (end < names.size() && names[end].file == names[begin].file) ++end;
    const std::span<const CredentialName> wanted(names.data() + begin, end - begin);
    const auto read = ReadKeys(folder, names[begin].file, wanted, lines);
    if (!read) return std::unexpected(read.error());
    begin = end;
  }
  return lines;
}

}  // namespace kb::run
