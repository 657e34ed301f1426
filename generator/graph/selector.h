// Selector: finds the servers that a selector means.
#pragma once

#include <array>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "diag/diagnostic.h"
#include "model/model.h"

namespace kb::graph {

// Servers by column and value, so that resolving is linear in what is found, not in the inventory.
class ServerIndex {
 public:
  explicit ServerIndex(const model::Model& model);

  // The servers in inventory order. Values that no server has, and a number other than `expect`,
  // are reported; `what` names the owner in messages ("service `redis`").
  std::vector<int> Select(const model::Selector& selector, std::string_view what,
                          Diagnostics& diags) const;

 private:
  using Postings = std::unordered_map<std::string_view, std::vector<int>>;

  std::vector<int> Matching(const model::Selector::Match& match, Diagnostics& diags) const;
  std::vector<Label> NearMisses(const model::Selector& selector) const;

  const model::Model& model_;
  std::array<Postings, model::kColumns> postings_;
};

}  // namespace kb::graph
