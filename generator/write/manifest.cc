#include "write/manifest.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "base/workers.h"
#include "write/posix.h"

namespace kb::write {
namespace {

constexpr size_t kReadSize = 64 * 1024;
// Lines that are made at once: enough that starting threads does not count, few enough that they
// take two megabytes.
constexpr size_t kPieces = 32;
constexpr size_t kPieceItems = 128;
constexpr std::string_view kLineStart = "    {\"path\": \"";
constexpr std::string_view kDigestStart = "\", \"sha256\": \"";

void AppendJson(std::string_view text, std::string& out) {
  const auto special = [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  };
  for (;;) {
    const auto at = static_cast<size_t>(std::ranges::find_if(text, special) - text.begin());
    out += text.substr(0, at);
    if (at == text.size()) return;
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x20) {
      out.append(1, '\\').append(1, c);
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    }
    text.remove_prefix(at + 1);
  }
}

void AppendMember(std::string_view name, std::string_view value, std::string& out) {
  if (value.empty()) return;
  out.append(", \"").append(name).append("\": \"");
  AppendJson(value, out);
  out += '"';
}

void AppendItem(const Item& item, const Sha256& digest, std::string& out) {
  out += kLineStart;
  AppendJson(item.path, out);
  out += kDigestStart;
  out += Hex(digest);
  out += item.executable ? "\", \"mode\": \"0755\"" : "\", \"mode\": \"0644\"";
  AppendMember("server", item.server, out);
  AppendMember("service", item.service, out);
  AppendMember("module", item.module, out);
  AppendMember("step", item.step, out);
  AppendMember("host_path", item.host_path, out);
  AppendMember("owner", item.owner, out);
  if (item.host_mode != 0) AppendMember("host_mode", fmt::format("{:04o}", item.host_mode), out);
  out += '}';
}

// In place of what `out` held.
void MakeItems(const Source& source, std::span<const Sha256> digests, size_t begin, size_t end,
               std::string& out) {
  out.clear();
  for (size_t i = begin; i < end; ++i) {
    out += i == 0 ? "\n" : ",\n";
    AppendItem(source.Describe(i), digests[i], out);
  }
}

// Reads exactly `size` bytes unless the file ends before.
size_t ReadUpTo(int fd, char* buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count = read(fd, buffer + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

// Undoes AppendJson up to the closing quote and drops what was read.
std::optional<std::string> TakeJson(std::string_view& text) {
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return text.remove_prefix(i), value;
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    if (++i >= text.size()) return std::nullopt;
    if (text[i] == '"' || text[i] == '\\') {
      value += text[i];
    } else if (text[i] == 'u' && i + 4 < text.size()) {
      value +=
          static_cast<char>(std::strtoul(std::string(text.substr(i + 1, 4)).c_str(), nullptr, 16));
      i += 4;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Relative, and every component is a name.
bool StaysInside(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    if (name.empty() || name == "." || name == "..") return false;
    begin = end + 1;
  }
  return true;
}

void ReadLine(std::string_view line,
              const std::function<void(std::string_view, std::string_view)>& entry) {
  if (!line.starts_with(kLineStart)) return;
  line.remove_prefix(kLineStart.size());
  const std::optional<std::string> path = TakeJson(line);
  if (!path || !StaysInside(*path) || !line.starts_with(kDigestStart)) return;
  const std::string_view digest = line.substr(kDigestStart.size(), 2 * sizeof(Sha256));
  if (digest.size() == 2 * sizeof(Sha256)) entry(*path, digest);
}

}  // namespace

uint64_t StreamManifest(const Source& source, std::span<const Sha256> digests,
                        const Options& options, const std::function<bool(std::string_view)>& sink) {
  uint64_t passed = 0;
  const auto pass = [&](std::string_view piece) {
    passed += piece.size();
    return sink(piece);
  };
  std::string head = "{\n";
  if (!options.header.empty()) head.append("  ").append(options.header).append("\n");
  if (!pass(head += "  \"files\": [")) return passed;
  std::vector<std::string> pieces(kPieces);
  for (size_t begin = 0; begin < digests.size(); begin += kPieces * kPieceItems) {
    const size_t left = digests.size() - begin;
    const size_t count = std::min(kPieces, (left + kPieceItems - 1) / kPieceItems);
    ForEach(count, options.threads, [&](size_t piece, unsigned) {
      const size_t first = begin + piece * kPieceItems;
      MakeItems(source, digests, first, std::min(first + kPieceItems, digests.size()),
                pieces[piece]);
    });
    for (size_t i = 0; i < count; ++i) {
      if (!pass(pieces[i])) return passed;
    }
  }
  pass(digests.empty() ? "]\n}\n" : "\n  ]\n}\n");
  return passed;
}

Result<uint64_t> WriteManifest(int folder, const std::string& name, const Source& source,
                               std::span<const Sha256> digests, const Options& options) {
  Fd file(openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.ok()) return SystemError("write", name);
  bool good = true;
  const uint64_t size = StreamManifest(source, digests, options, [&](std::string_view piece) {
    return good = WriteAll(file.get(), piece);
  });
  if (!good || !file.Close()) return SystemError("write", name);
  return size;
}

bool ManifestEquals(int fd, const Source& source, std::span<const Sha256> digests,
                    const Options& options) {
  bool equal = true;
  std::string buffer;
  StreamManifest(source, digests, options, [&](std::string_view piece) {
    buffer.resize(piece.size());
    equal = ReadUpTo(fd, buffer.data(), buffer.size()) == piece.size() &&
            std::memcmp(buffer.data(), piece.data(), piece.size()) == 0;
    return equal;
  });
  char more;
  return equal && ReadUpTo(fd, &more, 1) == 0;
}

void ReadManifest(int fd, const std::function<void(std::string_view, std::string_view)>& entry) {
  std::string text;
  std::string buffer(kReadSize, '\0');
  while (const size_t size = ReadUpTo(fd, buffer.data(), buffer.size())) {
    text.append(buffer, 0, size);
    size_t begin = 0;
    for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      ReadLine(std::string_view(text).substr(begin, end - begin), entry);
    }
    text.erase(0, begin);
  }
}

}  // namespace kb::write
