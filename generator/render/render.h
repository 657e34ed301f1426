// Render: executes the templates of a plan into bytes, and knows for every byte where it came from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "diag/diagnostic.h"
#include "lower/plan.h"
#include "tmpl/template.h"

namespace kb::render {

// Renders any artifact of a plan. Thread-safe; borrows the plan and the sources.
class Renderer {
 public:
  // Compiles the templates of every module that the plan uses. What cannot be proved is reported;
  // a renderer whose templates had errors must not render.
  Renderer(const lower::Plan& plan, const Sources& sources, Diagnostics& diags);
  ~Renderer();

  // Appends the text of `artifact` to `out`, and checks that YAML and JSON parse back. False when
  // something was reported. `trace` may be null.
  bool Render(const lower::Artifact& artifact, std::string& out, std::vector<tmpl::Segment>* trace,
              Diagnostics& diags) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Compiles every template of a module, with all it can see, whether a topology uses it or not.
void CheckTemplates(const module::Manifest& manifest, const module::Library& library,
                    const Sources& sources, Diagnostics& diags);

}  // namespace kb::render
