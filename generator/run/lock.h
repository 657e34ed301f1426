// Lock: one run at a time. A symbolic link whose target names the process that holds it, so that
// bash can take and read it as well.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace kb::run {

// "<pid>.<start time of /proc/<pid>/stat>.<boot id>" of this process: no two ever have the same.
Result<std::string> ProcessId();
// Whether the process of such a text still lives. A text of another form: yes, for safety.
bool IsAlive(std::string_view process_id);

class RunLock {
 public:
  // The folder is made when it is missing. Fails, with who holds it, when that process lives. One
  // that does not is replaced: first `<path>.over.<its text>` is made, which only one can do.
  static Result<RunLock> Take(const std::string& path);

  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;
  ~RunLock();  // gives it back, if it is still ours

 private:
  RunLock(std::string path, std::string id);

  std::string path_;
  std::string id_;
};

}  // namespace kb::run
