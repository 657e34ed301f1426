#include "bundle/sums.h"

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::bundle {
namespace {

int ValueOf(char c) {
  if (IsDigit(c)) return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ReadDigest(std::string_view hex, Sha256& digest) {
  for (size_t i = 0; i < digest.size(); ++i) {
    const int high = ValueOf(hex[2 * i]);
    const int low = ValueOf(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    digest[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return true;
}

}  // namespace

std::string PrintSums(std::span<const File> files) {
  std::string text;
  for (const File& file : files) {
    text += fmt::format("{:04o} {}  {}\n", file.mode, Hex(file.digest), file.path);
  }
  return text;
}

Result<std::vector<File>> ReadSums(std::string_view text) {
  constexpr size_t kPath = 5 + 64 + 2;
  std::vector<File> files;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    File file;
    const bool good = end != std::string_view::npos && line.size() > kPath &&
                      (line.starts_with("0644 ") || line.starts_with("0755 ")) &&
                      ReadDigest(line.substr(5, 64), file.digest) && line.substr(69, 2) == "  " &&
                      IsPortable(line.substr(kPath));
    if (!good) {
      return Fail(fmt::format("{}, line {}: not a line of a bundle", kSumsName, files.size() + 1));
    }
    file.path = line.substr(kPath);
    file.mode = line.starts_with("0755") ? kScriptMode : kPlainMode;
    if (!files.empty() && !(files.back().path < file.path)) {
      return Fail(fmt::format("{}, line {}: out of order", kSumsName, files.size() + 1));
    }
    files.push_back(std::move(file));
    text.remove_prefix(end + 1);
  }
  return files;
}

}  // namespace kb::bundle
