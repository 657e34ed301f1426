// What a provider of load balancers takes, and who renders what stands outside of the servers.
#include <algorithm>
#include <array>
#include <map>

#include <fmt/core.h>

#include "check/rules.h"
#include "diag/kinds.h"

namespace kb::check {
namespace {

struct Range {
  int64_t least, most;
  std::string_view unit, help;
};

void CheckRange(const model::Balancer& balancer, const model::Health& health, std::string_view what,
                int64_t value, Range range, Diagnostics& diags) {
  if (value >= range.least && value <= range.most) return;
  const auto spelt = [&](int64_t number) { return fmt::format("{}{}", number, range.unit); };
  diags.Emit(diag::kHealthRange, health.span, {.help = std::string(range.help)}, balancer.name.text,
             what, spelt(range.least), spelt(range.most), spelt(value));
}

// Hetzner's API answers 422 "Must be between …" to anything else.
void CheckHealthOfHetzner(const model::Balancer& balancer, Diagnostics& diags) {
  Span seen;
  for (const model::BalancerListener& listener : balancer.listeners) {
    const model::Health& health = listener.health;
    if (!health.span.known() || health.span == seen) continue;
    seen = health.span;
    CheckRange(balancer, health, "an interval", health.interval_s,
               {3, 60, "s", "every target is probed once in this time"}, diags);
    CheckRange(balancer, health, "a timeout", health.timeout_s,
               {1, std::max(health.interval_s, int64_t{3}), "s",
                "a probe ends before the next one begins"},
               diags);
    if (health.retries > 0)
      CheckRange(balancer, health, "retries", health.retries, {1, 5, "", "3 is usual"}, diags);
  }
}

// How many listeners ("services") each of Hetzner's types takes.
void CheckSizeOfHetzner(const model::Balancer& balancer, Diagnostics& diags) {
  struct Size {
    std::string_view type;
    size_t listeners;
  };
  for (const auto& [type, most] : {Size{"lb11", 5}, Size{"lb21", 15}, Size{"lb31", 30}}) {
    if (balancer.size.text != type || balancer.listeners.size() <= most) continue;
    diags.Emit(diag::kTooManyListeners, balancer.size.span, {.help = "take a larger `size:`"},
               balancer.name.text, static_cast<int64_t>(balancer.listeners.size()), type,
               static_cast<int64_t>(most));
  }
}

}  // namespace

void CheckProvider(const Context& c, Diagnostics& diags) {
  std::map<std::string_view, const model::Balancer*> called, addresses;
  const auto once = [&](auto& seen, const Word& word, const model::Balancer& balancer,
                        std::string_view what) {
    if (word.empty()) return;
    const auto [first, fresh] = seen.emplace(word.text, &balancer);
    if (fresh) return;
    diags.Emit(
        diag::kSameBalancer, word.span,
        {.labels = {{first->second->name.span, "the other one"}}, .help = "each has its own"},
        first->second->name.text, balancer.name.text, what, word.text);
  };
  for (const model::Balancer& balancer : c.model.balancers) {
    once(called, balancer.called, balancer, "name at the provider");
    once(addresses, balancer.public_ip, balancer, "public address");
    if (balancer.provider.text != "hetzner") continue;
    CheckHealthOfHetzner(balancer, diags);
    CheckSizeOfHetzner(balancer, diags);
  }
}

// One author of the files, and its tools on the host from which operators work.
void CheckOutsideOwners(const Context& c, Diagnostics& diags) {
  const graph::Service* balancers = nullptr;
  const graph::Service* dns = nullptr;
  for (const graph::Service& service : c.graph.services) {
    const bool owns_balancers = service.manifest->owns_balancers;
    const bool owns_dns = service.manifest->owns_dns;
    if (!owns_balancers && !owns_dns) continue;
    const bool second = (owns_balancers && balancers != nullptr) || (owns_dns && dns != nullptr);
    if (owns_balancers) balancers = &service;
    if (owns_dns) dns = &service;
    if (!second && service.members == std::vector<int>{c.graph.install}) continue;
    diags.Emit(diag::kForeignOwner, service.model->nodes.span,
               {.help = "select the install host, by its name"}, service.name().text);
  }
}

}  // namespace kb::check
