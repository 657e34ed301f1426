// Site: an output tree that is to be run, the servers it speaks of, and where runs leave their
// traces.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"
#include "run/schedule.h"
#include "run/ship.h"
#include "run/transport.h"
#include "run/tree.h"

namespace kb::cli {

struct Site {
  run::Tree tree;
  run::Expected expected;
  run::Ways ways;
  std::string agent;    // the text of lib/agent.sh
  std::string state;    // folder of journal, lock and trees
  std::string logs;     // folder
  std::string reports;  // folder
};

// What Complain says with kUsage, or Fail: a command line that names what is not there is a mistake
// of another kind than a tree that cannot be read.
struct Trouble {
  Status status = Status::kEnvironment;
  std::string message;
};
template <class T>
using Tried = std::expected<T, Trouble>;

// Opens the tree that the command line names, compares every file with its manifest, and refuses to
// act from anywhere but the install host unless that is said.
Tried<Site> OpenSite(const Options& options);
// The same with a tree of that path.
Tried<Site> OpenSite(const Options& options, const std::string& tree);

// --limit, --module, --jobs and the others of that kind.
Tried<run::Selection> SelectionOf(const Options& options, const run::Plan& plan,
                                  run::StepKind kind);

// "user@host" for the journal.
std::string WhoRuns();
// A name for a run that no other has: when it began, and a few random digits.
std::string NewRunId();

}  // namespace kb::cli
