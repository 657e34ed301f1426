// Inquiry: looks at servers without a schedule and without changing anything.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/errand.h"
#include "run/schedule.h"

namespace kb::run {

// A file that a service has on a server, as the manifest says it.
struct PlacedFile {
  int server = -1;
  int service = -1;
  std::string path;   // there
  std::string mode;   // "0640"
  std::string owner;  // "999:999"
};
Result<std::vector<PlacedFile>> ReadPlacedFiles(const Tree& tree);

// What the agent says of one file: "same", "differs", "missing", "mode"; or a sentence about the
// service, with another word.
struct DriftLine {
  int service = -1;
  std::string text;
};

struct Sight {
  int server = -1;
  std::optional<Hello> hello;
  std::string reason;  // why there is no hello, or no more than that
  std::vector<DriftLine> drift;
};

// Asks all servers at once: hello, and drift for each service that has files there.
std::vector<Sight> Inquire(const Errand& errand, const std::vector<int>& servers,
                           const std::vector<PlacedFile>& files);

}  // namespace kb::run
