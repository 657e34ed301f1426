// Breach: how a render would break the lock of one service, and why, as far as can be told.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cli/compile.h"
#include "cli/plan_source.h"
#include "freeze/content.h"
#include "render/render.h"

namespace kb::cli {

struct Breach {
  const freeze::Block* block;
  int service;
  std::span<const uint32_t> artifacts;      // the service's own, as the changes count them
  std::span<const freeze::Change> changes;  // by subject
};

// What an explanation may look at. The tree is only read.
struct Evidence {
  const Compilation& c;
  const render::Renderer& renderer;
  const PlanSource& source;
  const std::string& out;  // the tree that the frozen texts may still stand in
};

// Reports the breach at its place in the lock, with the lines of model and templates behind what
// changes, and appends the differences to `diff`, until they are more than a person reads.
void Explain(const Breach& breach, const Evidence& evidence, std::string& diff, Diagnostics& diags);

}  // namespace kb::cli
