// Compile: the spine. Reads a topology and takes it through every stage up to the plan.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "freeze/lock.h"
#include "graph/graph.h"
#include "lower/plan.h"
#include "model/load.h"
#include "module/library.h"

namespace kb {

struct CompileOptions {
  std::string model = "model/topology.yaml";
  std::vector<std::string> module_dirs;  // --modules; searched before the built-in ones
};

// Everything that the stages made, in the order in which they made it; later members borrow from
// earlier ones, so it is never moved.
struct Compilation {
  Sources sources;
  Diagnostics diags;
  module::Library library;
  model::Model model;
  graph::Graph graph;
  freeze::Lock lock;
  lower::Plan plan;  // usable only when Compile returned Done
};

// files → syntax → model → graph → check, freeze → lower. What is wrong with the input is in
// `c.diags`; an Error means that a file could not be read.
Result<Checked<Done>> Compile(const CompileOptions& options, Compilation& c);

// Where the lock of a topology stands.
std::string LockPath(const std::string& model);

}  // namespace kb
