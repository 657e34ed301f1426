#include "cli/frozen.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/breach.h"
#include "cli/rendered.h"
#include "freeze/line.h"
#include "write/pass.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;
using freeze::Change;

Json ChangeJson(const Change& change) {
  using Kind = freeze::Subject::Kind;
  const Kind kind = freeze::SubjectOf(change.line()).kind;
  const bool changed = !change.was.empty() && !change.now.empty();
  return {{"kind", change.was.empty()   ? "added"
                   : change.now.empty() ? "removed"
                                        : "changed"},
          {"what", kind == Kind::kServer ? "server"
                   : kind == Kind::kStep ? "step"
                                         : "file"},
          {"name", freeze::NameOf(change.line())},
          {"how", changed ? Json(freeze::DescribeChange(change.was, change.now)) : Json()}};
}

}  // namespace

FrozenGuard::FrozenGuard(const Compilation& c, const render::Renderer& renderer,
                         const PlanSource& source, FrozenOptions options)
    : c_(c), renderer_(renderer), source_(source), options_(std::move(options)) {
  if (c.lock.blocks.empty()) return;
  std::vector<int> services;
  for (const freeze::Block& block : c.lock.blocks) {
    services.push_back(c.graph.FindService(block.service.text));
  }
  auto artifacts = ArtifactsOf(c.plan, services);
  for (size_t i = 0; i < services.size(); ++i) {
    watched_.push_back({&c.lock.blocks[i], services[i], std::move(artifacts[i])});
  }
}

write::Inspect FrozenGuard::AsInspect() {
  if (watched_.empty()) return nullptr;
  return [this](std::span<const Sha256> digests, Diagnostics& diags) { Inspect(digests, diags); };
}

void FrozenGuard::RenderAndInspect(Diagnostics& diags) {
  if (watched_.empty()) return;
  std::vector<uint32_t> all;
  for (const Watched& watched : watched_)
    std::ranges::copy(watched.artifacts, std::back_inserter(all));
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());  // shared images
  Digests digests(source_.size());
  DigestSome(source_, all, options_.threads, digests, diags);
  if (!diags.has_errors()) Inspect(digests, diags);
}

void FrozenGuard::Inspect(std::span<const Sha256> digests, Diagnostics& diags) {
  for (const Watched& watched : watched_) {
    auto changes = freeze::Compare(
        *watched.block, ContentOf(c_.plan, source_, watched.service, watched.artifacts, digests),
        options_.threads);
    if (changes.empty()) continue;
    const Broken& broken = broken_.emplace_back(&watched, std::move(changes));
    Explain({watched.block, watched.service, watched.artifacts, broken.changes},
            {c_, renderer_, source_, options_.out}, differences_, diags);
  }
}

Json FrozenGuard::ToJson() const {
  if (broken_.empty()) return nullptr;
  Json services = Json::array();
  for (const Broken& broken : broken_) {
    const freeze::Block& block = *broken.watched->block;
    Json changes = Json::array();
    for (const Change& change : broken.changes) changes.push_back(ChangeJson(change));
    services.push_back({{"service", block.service.text},
                        {"on", block.frozen.on},
                        {"by", block.frozen.by},
                        {"why", block.frozen.why},
                        {"changes", std::move(changes)}});
  }
  return {{"frozen", std::move(services)}, {"diff", differences_}};
}

}  // namespace kb::cli
