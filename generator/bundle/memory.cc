#include "bundle/memory.h"

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "write/replace.h"

namespace kb::bundle {

Result<std::optional<Memory>> ReadMemory(const std::string& path) {
  if (!PathExists(path)) return std::nullopt;
  KB_TRY(text, ReadFile(path));
  const auto words = Split(Trim(text), ' ');
  const auto serial = words.size() == 3 ? ParseUnsigned(words[1]) : std::nullopt;
  if (!serial) return Fail(fmt::format("`{}` does not read `TOPOLOGY SERIAL TREE`", path));
  return Memory{std::string(words[0]), *serial, std::string(words[2])};
}

Result<void> Allows(const Memory& memory, const UnpackedBundle& bundle) {
  if (memory.topology != bundle.topology) {
    return Fail(
        fmt::format("it is a bundle of `{}`, not of `{}`", bundle.topology, memory.topology));
  }
  if (bundle.serial < memory.serial) {
    return Fail(fmt::format("it is older (serial {}) than the newest that was accepted ({})",
                            bundle.serial, memory.serial));
  }
  if (bundle.serial == memory.serial && bundle.tree != memory.tree) {
    return Fail(fmt::format("serial {} was accepted for another tree", bundle.serial));
  }
  return {};
}

Result<void> WriteMemory(const std::string& path, const UnpackedBundle& bundle) {
  KB_TRY(folder, write::HoldFile(path));
  return write::ReplaceFile(folder, path,
                            fmt::format("{} {} {}\n", bundle.topology, bundle.serial, bundle.tree));
}

}  // namespace kb::bundle
