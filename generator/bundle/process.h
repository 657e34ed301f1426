// Process: runs a program of the system (ssh-keygen, git, docker, dpkg-deb) to its end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kb::bundle {

struct Command {
  std::vector<std::string> words;  // the first is looked up in PATH
  std::string_view input = {};     // its stdin, unless there is a file
  int input_file = -1;             // read from its present offset
  int output_file = -1;            // instead of Ran::out
};

struct Ran {
  int status = 0;   // 128 + signal when it was killed
  std::string out;  // its stdout
  std::string err;  // its stderr, without blanks at the end
};

// An Error only if it cannot be started; what its status means is the caller's to say. Its language
// is C: some answers are read.
Result<Ran> Run(const Command& command);

// The same, where every status but 0 is an Error that holds what the program said.
Result<std::string> RunWell(const Command& command);

}  // namespace kb::bundle
