#include <malloc.h>

#include <cstdio>

#include "cli/app.h"
#include "cli/main.h"

namespace kb::cli {

int Main(int argc, const char* const* argv) {
  // glibc keeps what it got for large blocks once one was freed. Here they are few, and in turn:
  // the tables of the inventory, a plan of megabytes, a digest for each of a million files.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  const auto app = BuildApp();
  // CLI11 throws for help and for mistakes alike; it ends here.
  try {
    app->parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    app->parser.exit(error);
    return static_cast<int>(asked ? Status::kDone : Status::kUsage);
  }
  const Status status = app->chosen(app->options);
  // A result that did not arrive is no result: the disk may be full.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::perror("kbgen: cannot write the result");
    return static_cast<int>(Status::kEnvironment);
  }
  return static_cast<int>(status);
}

}  // namespace kb::cli
