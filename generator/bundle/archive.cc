#include "bundle/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "write/posix.h"

namespace kb::bundle {
namespace {

using write::Fd;
using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;
using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;
using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

// Of zstd, beyond which its memory grows faster than what it saves. Part of the format: another
// level makes other bytes.
constexpr const char* kLevel = "12";
constexpr size_t kPiece = 1 << 16;

std::unexpected<Error> Says(archive* a, std::string_view doing) {
  const char* reason = archive_error_string(a);
  return Fail(fmt::format("cannot {}: {}", doing, reason != nullptr ? reason : "unknown reason"));
}

la_ssize_t Pass(archive*, void* fd, const void* bytes, size_t size) {
  const bool good =
      write::WriteAll(*static_cast<int*>(fd), {static_cast<const char*>(bytes), size});
  return good ? static_cast<la_ssize_t>(size) : -1;
}

// One thread: with several, where blocks end depends on the machine.
Result<Writer> OpenBundle(int& fd) {
  Writer writer(archive_write_new(), &archive_write_free);
  archive* a = writer.get();
  const bool good =
      archive_write_set_format_ustar(a) == ARCHIVE_OK &&
      archive_write_add_filter_zstd(a) == ARCHIVE_OK &&
      archive_write_set_filter_option(a, "zstd", "compression-level", kLevel) == ARCHIVE_OK &&
      archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
      archive_write_open(a, &fd, nullptr, &Pass, nullptr) == ARCHIVE_OK;
  if (!good) return Says(a, "begin the bundle");
  return writer;
}

// Reads `source` piece by piece; the digest must be what was measured before.
Result<void> CopyFile(archive* a, const Item& item) {
  const Fd fd(open(item.source.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.ok()) return write::SystemError("read", item.source);
  Hasher hasher;
  std::string buffer(kPiece, '\0');
  while (true) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return write::SystemError("read", item.source);
    if (got == 0) break;
    hasher.Add({buffer.data(), static_cast<size_t>(got)});
    if (archive_write_data(a, buffer.data(), static_cast<size_t>(got)) != got) {
      return Says(a, "write the bundle");
    }
  }
  if (hasher.Finish() != item.file.digest) {
    return Fail(fmt::format("`{}` changed while it was read", item.source));
  }
  return {};
}

Result<void> Put(archive* a, const std::string& top, const Item& item) {
  const Entry entry(archive_entry_new(), &archive_entry_free);
  archive_entry_set_pathname(entry.get(), (top + "/" + item.file.path).c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), item.file.mode);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(item.file.size));
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_uid(entry.get(), 0);
  archive_entry_set_gid(entry.get(), 0);
  if (archive_write_header(a, entry.get()) != ARCHIVE_OK) {
    return Says(a, "put `" + item.file.path + "` into the bundle");
  }
  if (!item.source.empty()) return CopyFile(a, item);
  const auto size = static_cast<la_ssize_t>(item.bytes.size());
  if (archive_write_data(a, item.bytes.data(), item.bytes.size()) != size) {
    return Says(a, "write the bundle");
  }
  return {};
}

// ---------------------------------------------------------------- images

struct Part {
  std::string name;
  la_int64_t at = 0;  // of its header, in the file
};

Result<Reader> OpenImage(int fd) {
  Reader reader(archive_read_new(), &archive_read_free);
  if (archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
      archive_read_open_fd(reader.get(), fd, kPiece) != ARCHIVE_OK) {
    return Says(reader.get(), "read the saved image");
  }
  return reader;
}

Result<std::vector<Part>> PartsOf(int fd) {
  KB_TRY(reader, OpenImage(fd));
  std::vector<Part> parts;
  archive_entry* entry = nullptr;
  int got = ARCHIVE_OK;
  while ((got = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    parts.push_back({archive_entry_pathname(entry), archive_read_header_position(reader.get())});
  }
  if (got != ARCHIVE_EOF) return Says(reader.get(), "read the saved image");
  std::ranges::sort(parts, {}, &Part::name);
  return parts;
}

Result<std::string> DataOf(archive* a) {
  std::string bytes, buffer(kPiece, '\0');
  while (true) {
    const la_ssize_t got = archive_read_data(a, buffer.data(), buffer.size());
    if (got < 0) return Says(a, "read the saved image");
    if (got == 0) return bytes;
    bytes.append(buffer, 0, static_cast<size_t>(got));
  }
}

// Engines write the members of these few objects in the order of a hash table.
bool IsIndex(std::string_view name) {
  return name == "manifest.json" || name == "repositories" || name == "index.json" ||
         name == "oci-layout";
}

Result<void> CopyPart(archive* from, archive_entry* entry, archive* to) {
  std::string index;
  const std::string name = archive_entry_pathname(entry);
  if (IsIndex(name)) {
    KB_TRY(text, DataOf(from));
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return Fail(fmt::format("the saved image's {} is no JSON", name));
    index = json.dump();
  }
  const Entry clean(archive_entry_new(), &archive_entry_free);
  archive_entry_set_pathname(clean.get(), name.c_str());
  archive_entry_set_filetype(clean.get(), archive_entry_filetype(entry));
  const bool folder = archive_entry_filetype(entry) == AE_IFDIR;
  archive_entry_set_perm(clean.get(), folder ? 0755 : 0644);
  if (const char* link = archive_entry_symlink(entry)) archive_entry_set_symlink(clean.get(), link);
  if (const char* link = archive_entry_hardlink(entry))
    archive_entry_set_hardlink(clean.get(), link);
  const la_int64_t size =
      index.empty() ? archive_entry_size(entry) : static_cast<la_int64_t>(index.size());
  archive_entry_set_size(clean.get(), size);
  archive_entry_set_mtime(clean.get(), 0, 0);
  if (archive_write_header(to, clean.get()) != ARCHIVE_OK) return Says(to, "write the image");
  if (!index.empty()) {
    const bool good = archive_write_data(to, index.data(), index.size()) == size;
    return good ? Result<void>() : Says(to, "write the image");
  }
  std::string buffer(kPiece, '\0');
  while (true) {
    const la_ssize_t got = archive_read_data(from, buffer.data(), buffer.size());
    if (got < 0) return Says(from, "read the saved image");
    if (got == 0) return {};
    if (archive_write_data(to, buffer.data(), static_cast<size_t>(got)) != got) {
      return Says(to, "write the image");
    }
  }
}

}  // namespace

Item MakeItem(std::string path, std::string bytes, uint32_t mode) {
  const Sha256 digest = Digest(bytes);
  return {{std::move(path), mode, bytes.size(), digest}, std::move(bytes), {}};
}

Result<void> WriteArchive(int fd, const std::string& top, std::span<const Item> items) {
  KB_TRY(writer, OpenBundle(fd));
  for (const Item& item : items) {
    if (auto put = Put(writer.get(), top, item); !put) return put;
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return Says(writer.get(), "end the bundle");
  return {};
}

Result<void> NormalizeImage(int from, int to) {
  if (lseek(from, 0, SEEK_SET) != 0) return write::SystemError("read", "the saved image");
  KB_TRY(parts, PartsOf(from));
  const Writer writer(archive_write_new(), &archive_write_free);
  archive* a = writer.get();
  // Layers may be larger, and names longer, than ustar can say.
  const bool good = archive_write_set_format_pax_restricted(a) == ARCHIVE_OK &&
                    archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
                    archive_write_open(a, &to, nullptr, &Pass, nullptr) == ARCHIVE_OK;
  if (!good) return Says(a, "write the image");
  for (const Part& part : parts) {
    if (lseek(from, part.at, SEEK_SET) != part.at) return write::SystemError("read", part.name);
    KB_TRY(reader, OpenImage(from));
    archive_entry* entry = nullptr;
    if (archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
      return Says(reader.get(), "read the saved image");
    }
    if (auto copied = CopyPart(reader.get(), entry, a); !copied) return copied;
  }
  if (archive_write_close(a) != ARCHIVE_OK) return Says(a, "write the image");
  return {};
}

}  // namespace kb::bundle
