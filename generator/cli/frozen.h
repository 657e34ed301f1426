// Frozen: holds what is rendered against the lock, and explains what breaks it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/digest.h"
#include "cli/compile.h"
#include "cli/plan_source.h"
#include "freeze/content.h"
#include "write/tree.h"

namespace kb::cli {

// Borrows everything that it is given.
struct FrozenOptions {
  std::string out;  // the tree that the old texts may stand in
  unsigned threads = 1;
};

class FrozenGuard {
 public:
  FrozenGuard(const Compilation& c, const render::Renderer& renderer, const PlanSource& source,
              FrozenOptions options);

  // For the writer of trees; null when nothing is frozen.
  write::Inspect AsInspect();

  // Renders what is frozen, and nothing else, and inspects it.
  void RenderAndInspect(Diagnostics& diags);

  // What a person reads beside the diagnostics: the differences, as far as the old texts are there.
  const std::string& differences() const { return differences_; }
  // Every broken service with its changes; null when none is.
  nlohmann::ordered_json ToJson() const;

 private:
  struct Watched {
    const freeze::Block* block;
    int service;
    std::vector<uint32_t> artifacts;
  };
  struct Broken {
    const Watched* watched;
    std::vector<freeze::Change> changes;
  };

  void Inspect(std::span<const Sha256> digests, Diagnostics& diags);

  const Compilation& c_;
  const render::Renderer& renderer_;
  const PlanSource& source_;
  FrozenOptions options_;
  std::vector<Watched> watched_;
  std::vector<Broken> broken_;
  std::string differences_;
};

}  // namespace kb::cli
