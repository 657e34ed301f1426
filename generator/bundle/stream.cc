#include "bundle/stream.h"

#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/core.h>

#include "base/strings.h"
#include "write/posix.h"

namespace kb::bundle {
namespace {

constexpr size_t kBlock = 512;
// 128 MiB: what zstd needs to read what level 12 wrote is far below; a frame that asks for more
// wants the reader's memory.
constexpr int kWindowLog = 27;

// One zstd frame, to its end.
class Frame {
 public:
  explicit Frame(int fd) : fd_(fd), stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kWindowLog);
    in_.resize(ZSTD_DStreamInSize());
    out_.resize(ZSTD_DStreamOutSize());
  }

  // The next bytes, at most `size`; empty: the frame has ended.
  Result<std::string_view> Some(size_t size) {
    while (at_ == have_) {
      if (ended_) return std::string_view();
      if (auto filled = Fill(); !filled) return std::unexpected(std::move(filled).error());
    }
    const std::string_view some(out_.data() + at_, std::min(size, have_ - at_));
    at_ += some.size();
    return some;
  }

  // Whether the file ends where the frame does.
  Result<void> ExpectEnd() {
    if (input_.pos < input_.size) return TrailingBytes();
    KB_TRY(more, Read());
    return more ? TrailingBytes() : Result<void>();
  }

 private:
  static Result<void> TrailingBytes() {
    return Fail("something follows the archive: a second frame or other bytes");
  }

  Result<bool> Read() {
    ssize_t got = 0;
    do got = read(fd_, in_.data(), in_.size());
    while (got < 0 && errno == EINTR);
    if (got < 0) return write::SystemError("read", "the bundle");
    input_ = {in_.data(), static_cast<size_t>(got), 0};
    return got > 0;
  }

  Result<void> Fill() {
    if (input_.pos == input_.size && !full_) {
      KB_TRY(more, Read());
      if (!more) return Fail("the bundle ends too early");
    }
    ZSTD_outBuffer output = {out_.data(), out_.size(), 0};
    const size_t left = ZSTD_decompressStream(stream_.get(), &output, &input_);
    if (ZSTD_isError(left) != 0) {
      return Fail(fmt::format("this is no zstd archive: {}", ZSTD_getErrorName(left)));
    }
    ended_ = left == 0;
    full_ = output.pos == output.size;
    at_ = 0;
    have_ = output.pos;
    return {};
  }

  int fd_;
  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
  std::string in_, out_;
  ZSTD_inBuffer input_ = {nullptr, 0, 0};
  size_t at_ = 0, have_ = 0;
  bool ended_ = false;
  bool full_ = false;  // zstd may hold more than fitted
};

using Block = std::array<char, kBlock>;

std::string_view Field(const Block& block, size_t at, size_t size) {
  return {block.data() + at, size};
}

bool IsZero(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char c) { return c == '\0'; });
}

// Text up to the first NUL; after it there is nothing else.
std::optional<std::string_view> TextIn(std::string_view field) {
  const size_t end = std::min(field.find('\0'), field.size());
  if (!IsZero(field.substr(end))) return std::nullopt;
  return field.substr(0, end);
}

// Octal digits, then blanks or NULs to the end of the field.
std::optional<uint64_t> NumberIn(std::string_view field) {
  uint64_t number = 0;
  size_t i = 0;
  for (; i < field.size() && field[i] >= '0' && field[i] <= '7'; ++i) {
    number = number * 8 + static_cast<uint64_t>(field[i] - '0');
  }
  if (i == 0) return std::nullopt;
  for (; i < field.size(); ++i) {
    if (field[i] != ' ' && field[i] != '\0') return std::nullopt;
  }
  return number;
}

// What is wrong with the entry as a kind of thing, or nothing.
std::string StrangeType(char type, std::string_view name) {
  switch (type) {
    case '0':
      return {};
    case '1':
      return fmt::format("`{}` is a hard link", name);
    case '2':
      return fmt::format("`{}` is a symbolic link", name);
    case '3':
    case '4':
      return fmt::format("`{}` is a device", name);
    case '5':
      return fmt::format("`{}` is an entry of a folder", name);
    case '6':
      return fmt::format("`{}` is a FIFO", name);
    case 'x':
    case 'g':
      return fmt::format("`{}` has extended attributes (pax)", name);
    default:
      return fmt::format("`{}` is an entry of another kind", name);
  }
}

uint64_t ChecksumOf(const Block& block) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

// The file that a header announces, its path with the top folder.
Result<File> ReadHeader(const Block& block) {
  const auto name = TextIn(Field(block, 0, 100));
  const auto prefix = TextIn(Field(block, 345, 155));
  if (!name || !prefix) return Fail("a header is damaged");
  std::string path(*prefix);
  if (!path.empty()) path += '/';
  path += *name;
  if (NumberIn(Field(block, 148, 8)) != ChecksumOf(block)) {
    return Fail(fmt::format("the header of `{}` is damaged", path));
  }
  if (std::string strange = StrangeType(block[156], path); !strange.empty()) return Fail(strange);
  if (!IsPortable(path)) return Fail(fmt::format("`{}` is no name for a file of a bundle", path));
  const auto mode = NumberIn(Field(block, 100, 8));
  if (mode != kPlainMode && mode != kScriptMode) {
    return Fail(fmt::format("`{}` has the mode {:04o}", path, mode.value_or(0)));
  }
  const bool nobodys = NumberIn(Field(block, 108, 8)) == 0 && NumberIn(Field(block, 116, 8)) == 0 &&
                       IsZero(Field(block, 265, 64));
  if (!nobodys) return Fail(fmt::format("`{}` has an owner", path));
  if (NumberIn(Field(block, 136, 12)) != 0) return Fail(fmt::format("`{}` has a time", path));
  const auto size = NumberIn(Field(block, 124, 12));
  const auto major = NumberIn(Field(block, 329, 8)), minor = NumberIn(Field(block, 337, 8));
  const bool ustar = Field(block, 257, 8) == std::string_view("ustar\00000", 8);
  if (!size || !ustar || major.value_or(0) != 0 || minor.value_or(0) != 0 ||
      !IsZero(Field(block, 157, 100)) || !IsZero(Field(block, 500, 12))) {
    return Fail(fmt::format("the header of `{}` is not one that kbgen writes", path));
  }
  return File{path, static_cast<uint32_t>(*mode), *size, {}};
}

class ArchiveReader {
 public:
  ArchiveReader(int fd, const Visitor& visitor) : frame_(fd), visitor_(visitor) {}

  Result<std::string> Read() {
    std::string last;
    while (true) {
      Block block;
      KB_TRY(whole, Take(block));
      if (!whole) return Fail("the archive has no end");
      if (IsZero({block.data(), kBlock})) break;
      KB_TRY(file, ReadHeader(block));
      const size_t slash = file.path.find('/');
      const std::string top = file.path.substr(0, slash);
      if (slash == std::string::npos || (!top_.empty() && top != top_)) {
        return Fail(fmt::format("`{}` is outside of the bundle's folder", file.path));
      }
      top_ = top;
      file.path.erase(0, slash + 1);
      if (file.path == last) return Fail(fmt::format("`{}` is there twice", file.path));
      if (file.path < last) return Fail(fmt::format("`{}` is out of order", file.path));
      last = file.path;
      if (auto begun = visitor_.begin(file); !begun)
        return std::unexpected(std::move(begun).error());
      if (auto passed = PassData(file); !passed) return std::unexpected(std::move(passed).error());
    }
    if (auto ended = ReadEnd(); !ended) return std::unexpected(std::move(ended).error());
    if (top_.empty()) return Fail("the archive is empty");
    return top_;
  }

 private:
  // False: the stream ended before the block began.
  Result<bool> Take(Block& block) {
    size_t have = 0;
    while (have < kBlock) {
      KB_TRY(some, frame_.Some(kBlock - have));
      if (some.empty() && have == 0) return false;
      if (some.empty()) return Fail("the archive ends inside of a block");
      std::memcpy(block.data() + have, some.data(), some.size());
      have += some.size();
    }
    return true;
  }

  Result<void> PassData(const File& file) {
    for (uint64_t left = file.size; left > 0;) {
      KB_TRY(some, frame_.Some(static_cast<size_t>(std::min<uint64_t>(left, 1 << 16))));
      if (some.empty()) return Fail(fmt::format("the archive ends inside of `{}`", file.path));
      if (auto passed = visitor_.data(some); !passed) return passed;
      left -= some.size();
    }
    for (size_t left = (kBlock - file.size % kBlock) % kBlock; left > 0;) {
      KB_TRY(some, frame_.Some(left));
      if (some.empty() || !IsZero(some)) {
        return Fail(fmt::format("something hides behind `{}`", file.path));
      }
      left -= some.size();
    }
    return {};
  }

  // The second block of zeros, and nothing behind it.
  Result<void> ReadEnd() {
    Block block;
    KB_TRY(second, Take(block));
    if (!second || !IsZero({block.data(), kBlock})) return Fail("the archive has no end");
    KB_TRY(third, Take(block));
    if (third) return Fail("something follows the end of the archive");
    return frame_.ExpectEnd();
  }

  Frame frame_;
  const Visitor& visitor_;
  std::string top_;
};

}  // namespace

Result<std::string> ReadArchive(int fd, const Visitor& visitor) {
  if (lseek(fd, 0, SEEK_SET) != 0) return write::SystemError("read", "the bundle");
  return ArchiveReader(fd, visitor).Read();
}

}  // namespace kb::bundle
