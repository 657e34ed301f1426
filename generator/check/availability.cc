// Quorum and availability, and the order in which services can be installed.
#include <algorithm>

#include "base/strings.h"
#include "check/rules.h"
#include "diag/kinds.h"

namespace kb::check {

void CheckPlacement(const Context& c, Diagnostics& diags) {
  for (const graph::Service& service : c.graph.services) {
    const module::Manifest& manifest = *service.manifest;
    const auto count = static_cast<int64_t>(service.members.size());
    const Span span = service.model->nodes.span;
    const int64_t expected = service.model->nodes.expected;
    const bool reported = !c.model.servers_whole || (expected >= 0 && expected != count);
    if (count == 0 || reported) continue;  // with the selector, or with the inventory
    if (manifest.min && count < *manifest.min) {
      diags.Emit(diag::kTooFewMembers, span, {.help = "select more servers"}, service.name().text,
                 count, int64_t{*manifest.min}, manifest.name.text);
    }
    if (manifest.max && count > *manifest.max) {
      diags.Emit(diag::kTooManyMembers, span,
                 {.help = "select fewer servers, or make two services of it"}, service.name().text,
                 count, manifest.name.text, int64_t{*manifest.max});
    }
    if (manifest.odd && count % 2 == 0) {
      diags.Emit(diag::kEvenQuorum, span, {.help = "add a member or take one away"},
                 service.name().text, count);
    }
  }
}

void CheckSinglePoints(const Context& c, Diagnostics& diags) {
  for (const graph::Service& service : c.graph.services) {
    const bool serves = service.manifest->fronts || std::ranges::any_of(service.manifest->endpoints,
                                                                        &module::Endpoint::clients);
    if (!serves || service.members.size() != 1) continue;
    if (!service.model->single_reason.empty()) continue;
    diags.Emit(diag::kSinglePoint, service.model->nodes.span,
               {.help = "add a second server, or say why one is enough under `single:`"},
               service.name().text);
  }
  for (const graph::Balancer& balancer : c.graph.balancers) {
    if (balancer.targets < 0 || c.graph.services[balancer.targets].members.size() != 1) continue;
    if (!c.graph.services[balancer.targets].model->single_reason.empty()) continue;
    diags.Emit(
        diag::kLoneTarget, balancer.model->targets.span,
        {.help = "add a second server, or say why one is enough under `single:` of that service"},
        balancer.model->name.text, balancer.model->targets.text);
  }
}

namespace {

enum class Mark : uint8_t { kNew, kOpen, kDone };

// Depth first; the path of open services is the circle when an open one is met again.
void Visit(const Context& c, int service, std::vector<Mark>& marks, std::vector<int>& path,
           Diagnostics& diags) {
  marks[service] = Mark::kOpen;
  path.push_back(service);
  std::vector<int> next;
  for (const graph::Need& need : c.graph.services[service].needs) {
    if (!need.to.known()) continue;
    next.push_back(need.to.service);
  }
  for (int other : next) {
    if (marks[other] == Mark::kNew) {
      Visit(c, other, marks, path, diags);
    } else if (marks[other] == Mark::kOpen) {
      std::vector<std::string> names;
      for (auto it = std::ranges::find(path, other); it != path.end(); ++it) {
        names.emplace_back(c.graph.services[*it].name().text);
      }
      names.push_back(names.front());
      diags.Emit(diag::kNeedsCircle, c.graph.services[service].model->span,
                 {.help = "take away the need that an installation can do without"},
                 Join(names, " → "));
    }
  }
  path.pop_back();
  marks[service] = Mark::kDone;
}

}  // namespace

void CheckNeedsOrder(const Context& c, Diagnostics& diags) {
  std::vector<Mark> marks(c.graph.services.size(), Mark::kNew);
  std::vector<int> path;
  for (size_t i = 0; i < marks.size(); ++i) {
    if (marks[i] == Mark::kNew) Visit(c, static_cast<int>(i), marks, path, diags);
  }
}

}  // namespace kb::check
