// Render: executes the templates of a plan into bytes, and knows for every byte where it came from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "diag/diagnostic.h"
#include "lower/plan.h"
#include "tmpl/template.h"

namespace kb::render {

// Renders any artifact of a plan. Thread-safe; borrows the plan, which must outlive it.
class Renderer {
 public:
  explicit Renderer(const lower::Plan& plan);
  ~Renderer();

  // Appends the text of `artifact` to `out`, and checks that YAML and JSON parse back. False when
  // something was reported. `trace` may be null.
  bool Render(const lower::Artifact& artifact, std::string& out, std::vector<tmpl::Segment>* trace,
              Diagnostics& diags) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kb::render
