// Process: runs a real program on a text and gives back what it printed, so that tests read what
// kbgen wrote with the consumer itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kb::test {

struct Ran {
  int status = -1;  // exit status; 128 + n when a signal ended it; -1 if it did not start
  std::string out;
  std::string err;
};

// `argv[0]` is looked up in PATH; `input` goes to its stdin.
Ran Run(const std::vector<std::string>& argv, std::string_view input = {});

// Whether a program is there; tests that need it are skipped by name when it is not.
bool HasProgram(std::string_view name);

// Splits what `printf '%s\0' …` printed.
std::vector<std::string> SplitNul(std::string_view text);

// A fresh directory that is removed with everything in it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // Writes a file of that name into it and gives its whole path.
  std::string Write(std::string_view name, std::string_view bytes) const;

 private:
  std::string path_;
};

}  // namespace kb::test
