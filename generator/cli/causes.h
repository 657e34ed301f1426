// Causes: the places of model, manifests and templates that are behind a change.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/trace.h"
#include "diag/diagnostic.h"

namespace kb::cli {

// Gathers them, each place once.
class Causes {
 public:
  // A line of an artifact that is new, and where it came from.
  void AddLine(std::string_view artifact, uint32_t line, const std::vector<Origin>& origins);
  // A place that explains by itself.
  void AddPlace(Span span, std::string message);

  bool empty() const { return causes_.empty(); }
  // Those that explain most first, no more than a person follows.
  std::vector<Label> Labels(const Sources& sources) const;

 private:
  struct Cause {
    Origin origin;
    std::string message;  // empty: made of the following
    size_t lines = 0;
    std::string first;  // line, as a person opens it
  };
  Cause& At(const Origin& origin);

  std::vector<Cause> causes_;
  std::map<std::pair<uint32_t, uint32_t>, size_t> by_span_;
};

}  // namespace kb::cli
