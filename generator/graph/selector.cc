#include "graph/selector.h"

#include <algorithm>
#include <numeric>

#include "base/strings.h"
#include "diag/kinds.h"

namespace kb::graph {
namespace {

// "db-01, db-02 and 3 more", so that a message about a large selection stays readable.
std::string Sample(const model::Model& model, const std::vector<int>& servers) {
  constexpr size_t kShown = 8;
  std::vector<std::string> names;
  for (int server : servers) {
    if (names.size() == kShown) break;
    names.emplace_back(model.servers[server].name().text);
  }
  std::string text = Join(names, ", ");
  if (servers.size() > kShown) text += fmt::format(" and {} more", servers.size() - kShown);
  return text;
}

}  // namespace

ServerIndex::ServerIndex(const model::Model& model) : model_(model) {
  for (size_t i = 0; i < model.servers.size(); ++i) {
    for (model::Column column :
         {model::Column::kHostname, model::Column::kPool, model::Column::kRole,
          model::Column::kSubrole, model::Column::kDockerStack, model::Column::kCore}) {
      postings_[static_cast<size_t>(column)][model.servers[i][column].text].push_back(
          static_cast<int>(i));
    }
  }
}

std::vector<int> ServerIndex::Matching(const model::Selector::Match& match,
                                       Diagnostics& diags) const {
  const Postings& postings = postings_[static_cast<size_t>(match.column)];
  std::vector<int> found;
  for (const Word& value : match.values) {
    const auto servers = postings.find(value.text);
    if (servers != postings.end()) {
      found.insert(found.end(), servers->second.begin(), servers->second.end());
      continue;
    }
    if (!model_.servers_whole) continue;
    std::vector<std::string_view> known;
    for (const auto& [name, list] : postings) known.push_back(name);
    std::ranges::sort(known);  // the order of a hash table must not choose the hint
    const std::string_view near = Nearest(value.text, known);
    Diagnostics::Extra extra;
    if (!near.empty()) {
      // The mistake may be the inventory's.
      const model::Server& server = model_.servers[postings.at(near).front()];
      extra = {.labels = {{server[match.column].span, "this one is called so"}},
               .help = fmt::format("did you mean `{}`?", near)};
    }
    diags.Emit(diag::kSelectsNothing, value.span, std::move(extra), value.text);
  }
  std::ranges::sort(found);
  const auto repeats = std::ranges::unique(found);
  found.erase(repeats.begin(), repeats.end());
  return found;
}

// Values that are a letter or two away from what the selector asks for: the likely reason why it
// finds too few.
std::vector<Label> ServerIndex::NearMisses(const model::Selector& selector) const {
  constexpr size_t kShown = 3;
  std::vector<Label> labels;
  for (const model::Selector::Match& match : selector.matches) {
    std::vector<std::string_view> wanted;
    for (const Word& value : match.values) wanted.push_back(value.text);
    for (const model::Server& server : model_.servers) {
      const Word& cell = server[match.column];
      const bool asked_for = std::ranges::find(wanted, cell.text) != wanted.end();
      // `redis-01` and `redis-02` are neighbours, not misspellings of each other.
      if (asked_for || match.column == model::Column::kHostname || labels.size() == kShown)
        continue;
      const std::string_view near = Nearest(cell.text, wanted);
      if (!near.empty()) labels.push_back({cell.span, fmt::format("nearly `{}`", near)});
    }
  }
  return labels;
}

std::vector<int> ServerIndex::Select(const model::Selector& selector, std::string_view what,
                                     Diagnostics& diags) const {
  std::vector<int> servers;
  if (selector.matches.empty()) {
    if (selector.all) {
      servers.resize(model_.servers.size());
      std::iota(servers.begin(), servers.end(), 0);
    } else if (selector.span.known()) {
      diags.Emit(diag::kEmptySelector, selector.span);
      return servers;
    }
  }
  for (size_t i = 0; i < selector.matches.size(); ++i) {
    std::vector<int> matching = Matching(selector.matches[i], diags);
    if (i == 0) {
      servers = std::move(matching);
      continue;
    }
    std::vector<int> both;
    std::ranges::set_intersection(servers, matching, std::back_inserter(both));
    servers = std::move(both);
  }
  const bool wrong =
      selector.expected >= 0 && static_cast<size_t>(selector.expected) != servers.size();
  if (wrong && model_.servers_whole) {
    diags.Emit(
        diag::kSelectorCount, selector.expect.span,
        {.labels = NearMisses(selector),
         .help = servers.empty() ? "it finds no server" : "it finds " + Sample(model_, servers)},
        what, selector.expected, static_cast<int64_t>(servers.size()));
  }
  return servers;
}

}  // namespace kb::graph
