// Summary: what a run has come to, and what to do next.
#pragma once

#include <string>

#include "run/board.h"
#include "run/executor.h"

namespace kb::run {

struct SummaryWords {
  std::string again;  // the command that continues
  std::string logs;   // where more can be read; empty: nowhere
};

std::string Summarize(const Board& board, const Course& course, const SummaryWords& words);

// What would run and why: that there is no receipt, or in what it differs.
std::string Explain(const Tree& tree, const Expected& expected, const Course& course);

}  // namespace kb::run
