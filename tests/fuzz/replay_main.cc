// Runs a fuzz harness over files: what once made it fail never does again, with any compiler.
#include <cstdio>

#include "base/files.h"
#include "fuzz/fuzz.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string folder = argv[i];
    const auto names = kb::ListDirectory(folder);
    if (!names || names->empty()) {
      std::fprintf(stderr, "nothing to replay in %s\n", folder.c_str());
      return 3;
    }
    for (const std::string& name : *names) {
      const auto bytes = kb::ReadFile(kb::JoinPath(folder, name));
      if (!bytes) {
        std::fprintf(stderr, "%s\n", bytes.error().message.c_str());
        return 3;
      }
      // A copy of exactly this size, so that AddressSanitizer sees a read behind its end.
      const std::vector<uint8_t> exact(bytes->begin(), bytes->end());
      LLVMFuzzerTestOneInput(exact.data(), exact.size());
    }
    std::printf("%s: %zu inputs\n", folder.c_str(), names->size());
  }
  return 0;
}
