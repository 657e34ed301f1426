#include "cli/plan_source.h"

#include <algorithm>
#include <string_view>
#include <thread>

#include <fmt/core.h>

namespace kb::cli {

write::Item PlanSource::Describe(size_t index) const {
  const lower::Artifact& artifact = plan_.artifacts[index];
  write::Item item;
  item.path = plan_.PathOf(artifact);
  item.host_path = plan_.HostPathOf(artifact);
  item.executable = IsExecutable(index);
  if (artifact.server >= 0) item.server = plan_.graph->model->servers[artifact.server].name().text;
  const module::Output* output = plan_.OutputOf(artifact);
  if (output != nullptr) {
    const graph::Service& service = plan_.graph->services[artifact.service];
    item.service = service.name().text;
    item.module = service.manifest->name.text;
    if (output->step >= 0) item.step = service.manifest->steps[output->step].name.text;
  }
  if (item.host_path.empty()) return item;
  item.owner = output != nullptr ? output->owner : "0:0";
  item.host_mode = output != nullptr ? output->mode : item.executable ? 0755 : 0644;
  return item;
}

bool PlanSource::IsExecutable(size_t index) const {
  const lower::Artifact& artifact = plan_.artifacts[index];
  const module::Output* output = plan_.OutputOf(artifact);
  if (output == nullptr) return plan_.estate[artifact.output].bytes.starts_with("#!");
  return output->step >= 0 || (output->mode & 0111) != 0;
}

size_t PlanSource::Find(std::string_view path) const {
  size_t index = 0;
  while (index < size() && PathOf(index) != path) ++index;
  return index;
}

std::string ManifestHeader(const lower::Plan& plan) {
  // A name is [a-z0-9._-], so it needs no escaping.
  return fmt::format("\"kbgen\": 1,\n  \"topology\": \"{}\",", plan.graph->model->name.text);
}

unsigned ThreadsFor(const lower::Plan& plan, unsigned jobs) {
  if (jobs > 0) return jobs;
  // A thread costs more to start than a few hundred files to write.
  constexpr size_t kArtifactsAThread = 256;
  const size_t useful = plan.artifacts.size() / kArtifactsAThread + 1;
  return static_cast<unsigned>(
      std::min<size_t>(useful, std::max(1u, std::thread::hardware_concurrency())));
}

}  // namespace kb::cli
