// Rendered: what of a plan belongs to a service, in the words of freeze.lock.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/digest.h"
#include "cli/plan_source.h"
#include "freeze/content.h"

namespace kb::cli {

// Of each service, which artifacts are its own, rising: all of its folders on servers and of what
// it renders once. An image that services of one module share belongs to each of them, whichever
// of them the plan has it from. The libraries of the scripts and PLAN.json belong to none.
std::vector<std::vector<uint32_t>> ArtifactsOf(const lower::Plan& plan,
                                               std::span<const int> services);

// Renders those artifacts for their digests, which are set by artifact.
void DigestSome(const PlanSource& source, std::span<const uint32_t> artifacts, unsigned threads,
                Digests& digests, Diagnostics& diags);

// What the service renders now. Borrows its arguments; `digests` are by artifact.
freeze::Content ContentOf(const lower::Plan& plan, const PlanSource& source, int service,
                          std::span<const uint32_t> artifacts, std::span<const Sha256> digests);

}  // namespace kb::cli
