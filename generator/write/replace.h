// Replace: exchanges a file that people keep, as a whole and for good, one run at a time.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "write/posix.h"

namespace kb::write {

// Keeps every other run from replacing `path` for as long as the handle is open; whoever wants to
// read the file, decide and write it again opens it first. The lock lies on the file's folder: no
// lock file stays behind, and the kernel frees it when a run dies.
Result<Fd> HoldFile(const std::string& path);

// Makes `path` hold `bytes`, below the folder that HoldFile gave. Whenever the run or the machine
// dies, the old bytes stand there or the new ones; when this returns, the new ones do for good.
// What a run that died left beside the file is used up by the next one.
Result<void> ReplaceFile(const Fd& folder, const std::string& path, std::string_view bytes);

}  // namespace kb::write
