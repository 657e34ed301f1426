// Rules: the functions behind rules.def. Each looks at the whole graph and reports what breaks it.
#pragma once

#include "check/check.h"

namespace kb::check {

struct Context {
  const graph::Graph& graph;
  const model::Model& model;
  const Sources& sources;
};

#define KB_RULE(function, family) void function(const Context& c, Diagnostics& diags);
#include "check/rules.def"
#undef KB_RULE

}  // namespace kb::check
