#include <fmt/core.h>

#include "diag/kinds.h"
#include "freeze/content.h"
#include "freeze/line.h"

namespace kb::freeze {
namespace {

// More than a person reads; the count always says how many there are.
constexpr size_t kNamedMax = 5;

std::string ThawHelp(std::string_view service) {
  return fmt::format("bring it back, or `kbgen thaw {} --by … --why … --on …`", service);
}

// Servers of the lock that the service has no more.
void CheckServers(const Block& block, const graph::Graph& graph, int service, Diagnostics& diags) {
  std::string names;
  size_t lost = 0;
  for (const std::string_view line : block.lines) {
    if (SubjectOf(line).kind != Subject::Kind::kServer) break;
    const std::string name = NameOf(line);
    const int server = graph.model->FindServer(name);
    if (server >= 0 && graph.HasMember(service, server)) continue;
    if (++lost <= kNamedMax) names.append(names.empty() ? "`" : ", `").append(name).append("`");
  }
  if (lost == 0) return;
  if (lost > kNamedMax) names += fmt::format(" and {} more", lost - kNamedMax);
  const graph::Service& s = graph.services[static_cast<size_t>(service)];
  diags.Emit(diag::kFrozenServer, block.service.span,
             {.labels = {{s.model->nodes.span, "this no longer selects what is frozen"}},
              .help = ThawHelp(block.service.text)},
             block.service.text, Describe(block.frozen), names);
}

}  // namespace

void CheckLock(const Lock& lock, const graph::Graph& graph, Diagnostics& diags) {
  if (lock.blocks.empty() || graph.model->name.empty()) return;
  if (lock.topology.text != graph.model->name.text) {
    diags.Emit(diag::kLockElsewhere, lock.topology.span,
               {.labels = {{graph.model->name.span, "this topology"}},
                .help = "a topology that freezes services has a folder of its own"},
               lock.topology.text, graph.model->name.text);
    return;
  }
  for (const Block& block : lock.blocks) {
    const int service = graph.FindService(block.service.text);
    if (service < 0) {
      diags.Emit(diag::kFrozenUnknown, block.service.span, {.help = ThawHelp(block.service.text)},
                 block.service.text, Describe(block.frozen));
      continue;
    }
    // A selector that finds nothing has been reported.
    const bool found = !graph.services[static_cast<size_t>(service)].members.empty();
    if (found && graph.model->servers_whole) CheckServers(block, graph, service, diags);
  }
}

}  // namespace kb::freeze
