// Files: the only door to the file system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kb {

// Reads a whole file. The error names the path and the system's reason.
Result<std::string> ReadFile(const std::string& path);

bool PathExists(const std::string& path);

// Names in a directory, sorted bytewise; directories end in '/'. Dot entries are left out.
Result<std::vector<std::string>> ListDirectory(const std::string& path);

// Every regular file below `root`, as sorted paths relative to it.
Result<std::vector<std::string>> ListTree(const std::string& root);

// Writes through a temporary name in the same directory and a rename, so that no reader sees half
// a file. Missing parent directories are made. `mode` is set exactly, whatever the umask.
Result<void> WriteFileAtomically(const std::string& path, std::string_view bytes, uint32_t mode);

std::string DirectoryOf(std::string_view path);  // "" when there is none
// An absolute `relative` stands alone. A `../` at its beginning takes the last folder of `base`
// away, by name: a folder that is a link is not followed.
std::string JoinPath(std::string_view base, std::string_view relative);

}  // namespace kb
