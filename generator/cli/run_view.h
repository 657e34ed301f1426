// RunView: how a run is shown, and how its command is written.
#pragma once

#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/operation.h"
#include "run/board.h"
#include "run/watcher.h"

namespace kb::cli {

// A table on a terminal, lines in a pipe, events for a program; never nothing.
std::unique_ptr<run::Watcher> MakeView(const Options& options, const run::Board& board,
                                       const std::string& title, bool dry);

// The command line that does the same once more.
std::string CommandLine(const Options& options, const Operation& operation);

}  // namespace kb::cli
