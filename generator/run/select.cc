// Which tasks a selection has, and in which order they are preferred.
#include <algorithm>
#include <ranges>

#include <fmt/core.h>

#include "run/schedule.h"

namespace kb::run {
namespace {

bool Chosen(const std::vector<int>& chosen, int index) {
  return chosen.empty() || std::ranges::find(chosen, index) != chosen.end();
}

// Steps of one kind so that each stands behind those that it comes after, and services behind
// those that they need; otherwise as in the plan. The plan has no circles.
class Order {
 public:
  Order(const Plan& plan, StepKind kind)
      : plan_(plan),
        kind_(kind),
        service_seen_(plan.services.size()),
        step_seen_(plan.steps.size()) {}

  std::vector<int> All() {
    for (size_t i = 0; i < plan_.services.size(); ++i) Visit(static_cast<int>(i));
    return std::move(steps_);
  }

 private:
  // Chains are as long as a topology has services; a stack of them is no danger.
  void Visit(int service) {
    if (service_seen_[service]) return;
    service_seen_[service] = true;
    for (int other : plan_.services[service].needs) Visit(other);
    for (int step : plan_.services[service].steps) VisitStep(step);
  }
  void VisitStep(int step) {
    if (step_seen_[step]) return;
    step_seen_[step] = true;
    for (int other : plan_.steps[step].after) VisitStep(other);
    if (plan_.steps[step].kind == kind_) steps_.push_back(step);
  }

  const Plan& plan_;
  StepKind kind_;
  std::vector<bool> service_seen_;
  std::vector<bool> step_seen_;
  std::vector<int> steps_;
};

}  // namespace

Result<std::vector<Task>> SelectTasks(const Plan& plan, const Expected& expected,
                                      const Selection& selection) {
  std::vector<Task> tasks;
  std::vector<bool> servers(plan.servers.size());
  std::vector<bool> services(plan.services.size());
  for (int step : Order(plan, selection.kind).All()) {
    const Step& row = plan.steps[step];
    if (!Chosen(selection.services, row.service)) continue;
    services[row.service] = true;
    for (size_t i = 0; i < row.servers.size(); ++i) {
      if (!Chosen(selection.servers, row.servers[i])) continue;
      servers[row.servers[i]] = true;
      tasks.push_back({step, row.servers[i], expected.inputs[step][i]});
    }
  }
  for (int service : selection.services) {
    if (services[service]) continue;
    return Fail(fmt::format("`{}` has no step of the kind {}", plan.services[service].name,
                            Name(selection.kind)));
  }
  for (int server : selection.servers) {
    if (servers[server]) continue;
    return Fail(fmt::format("no step of the kind {} runs on `{}`", Name(selection.kind),
                            plan.servers[server].name));
  }
  return tasks;
}

}  // namespace kb::run
