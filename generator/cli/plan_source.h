// PlanSource: a plan as the writer of trees wants to see it.
#pragma once

#include <string>

#include "lower/plan.h"
#include "render/render.h"
#include "write/tree.h"

namespace kb::cli {

// Borrows both, which must outlive it.
class PlanSource : public write::Source {
 public:
  PlanSource(const lower::Plan& plan, const render::Renderer& renderer)
      : plan_(plan), renderer_(renderer) {}

  size_t size() const override { return plan_.artifacts.size(); }
  write::Item Describe(size_t index) const override;
  std::string PathOf(size_t index) const override { return plan_.PathOf(plan_.artifacts[index]); }
  bool IsExecutable(size_t index) const override;
  bool Render(size_t index, std::string& out, Diagnostics& diags) const override {
    return renderer_.Render(plan_.artifacts[index], out, nullptr, diags);
  }

  // The artifact of that path, or size().
  size_t Find(std::string_view path) const;

 private:
  const lower::Plan& plan_;
  const render::Renderer& renderer_;
};

// The members of MANIFEST.json that stand before the files.
std::string ManifestHeader(const lower::Plan& plan);

// How many threads are worth starting for a plan: --jobs, else by processors and size.
unsigned ThreadsFor(const lower::Plan& plan, unsigned jobs);

}  // namespace kb::cli
