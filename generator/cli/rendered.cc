#include "cli/rendered.h"

#include <string>

#include "freeze/line.h"
#include "write/pass.h"

namespace kb::cli {
namespace {

// Whether a service would have this image, too, if the plan did not have it from another one.
bool Shares(const lower::Plan& plan, int service, const lower::Artifact& image) {
  const auto& services = plan.graph->services;
  const auto manifest_of = [&](int s) { return services[static_cast<size_t>(s)].manifest; };
  if (manifest_of(service) != manifest_of(image.service)) return false;
  const lower::Artifact own = {service, -1, image.output};
  if (plan.PathOf(own) != plan.PathOf(image)) return false;
  tmpl::Arena arena;
  return plan.scopes->Exists(service, *plan.OutputOf(own), plan.scopes->Make(service, -1, arena));
}

}  // namespace

std::vector<std::vector<uint32_t>> ArtifactsOf(const lower::Plan& plan,
                                               std::span<const int> services) {
  std::vector<std::vector<uint32_t>> owned(services.size());
  std::vector<int> place(plan.graph->services.size(), -1);  // in `services`
  for (size_t i = 0; i < services.size(); ++i) {
    place[static_cast<size_t>(services[i])] = static_cast<int>(i);
  }
  for (uint32_t item = 0; item < plan.artifacts.size(); ++item) {
    const lower::Artifact& artifact = plan.artifacts[item];
    const module::Output* output = plan.OutputOf(artifact);
    if (output == nullptr) continue;
    const int own = place[static_cast<size_t>(artifact.service)];
    if (own >= 0) owned[static_cast<size_t>(own)].push_back(item);
    if (output->area != module::Area::kImages) continue;
    for (size_t i = 0; i < services.size(); ++i) {
      if (services[i] != artifact.service && Shares(plan, services[i], artifact)) {
        owned[i].push_back(item);
      }
    }
  }
  return owned;
}

void DigestSome(const PlanSource& source, std::span<const uint32_t> artifacts, unsigned threads,
                Digests& digests, Diagnostics& diags) {
  const auto keep = [&](uint32_t i, std::string_view bytes, write::Scratch&) -> Result<void> {
    digests[i] = Digest(bytes);
    return {};
  };
  // Keeping a digest cannot fail.
  KB_CHECK(write::RenderSome(source, artifacts, threads, keep, diags).has_value());
}

freeze::Content ContentOf(const lower::Plan& plan, const PlanSource& source, int service,
                          std::span<const uint32_t> artifacts, std::span<const Sha256> digests) {
  const auto line = [&source, artifacts, digests](size_t i) {
    const write::Item item = source.Describe(artifacts[i]);
    const uint32_t tree_mode = item.executable ? 0755 : 0644;
    return freeze::FileLine({.path = item.path,
                             .sha256 = Hex(digests[artifacts[i]]),
                             .owner = item.owner,
                             .mode = item.host_path.empty() ? tree_mode : item.host_mode,
                             .host_path = item.host_path});
  };
  return {.head = freeze::HeadLines(*plan.graph, service),
          .files = artifacts.size(),
          .file_line = line};
}

}  // namespace kb::cli
