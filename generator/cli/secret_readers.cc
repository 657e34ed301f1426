#include "cli/secret_readers.h"

#include <algorithm>

#include <fmt/core.h>

namespace kb::cli {
namespace {

const module::Named* SecretOf(const graph::Service& service, const model::Credential& credential) {
  for (size_t i = 0; i < service.secrets.size(); ++i) {
    if (service.secrets[i] == &credential) return &service.manifest->secrets[i];
  }
  return nullptr;
}

bool AsksWith(const Compilation& c, const graph::Service& proxy,
              const model::Credential& credential) {
  return std::ranges::any_of(proxy.fronted, [&](int fronted) {
    const graph::Service& behind = c.graph.services[static_cast<size_t>(fronted)];
    return std::ranges::any_of(behind.manifest->endpoints, [&](const module::Endpoint& endpoint) {
      return std::ranges::any_of(endpoint.probe.exchanges, [&](const module::Exchange& exchange) {
        return exchange.secret >= 0 &&
               behind.secrets[static_cast<size_t>(exchange.secret)] == &credential;
      });
    });
  });
}

ServiceReader ReaderOf(const Compilation& c, const lower::PlannedService& planned,
                       const model::Credential& credential) {
  ServiceReader reader{.service = &planned,
                       .hosts = planned.service->members,
                       .steps = {},
                       .secret = SecretOf(*planned.service, credential),
                       .asks = AsksWith(c, *planned.service, credential)};
  for (const lower::PlannedStep& step : planned.steps) {
    if (step.step->kind == module::StepKind::kApply) reader.steps.push_back(&step);
  }
  return reader;
}

}  // namespace

Readers ReadersOf(const Compilation& c, const lower::PlanFacts& facts,
                  const model::Credential& credential) {
  Readers readers;
  for (int index : facts.order) {
    const lower::PlannedService& planned = facts.services[static_cast<size_t>(index)];
    if (std::ranges::find(planned.credentials, &credential) == planned.credentials.end()) continue;
    readers.services.push_back(ReaderOf(c, planned, credential));
  }
  for (const graph::App& app : c.graph.apps) {
    for (const model::Use& use : app.model->uses) {
      if (use.credential.text != credential.name.text) continue;
      readers.apps.push_back({&app, use.service.text});
    }
  }
  return readers;
}

std::string ReasonAgainstRotation(const model::Credential& credential, const Readers& readers) {
  if (!credential.rotates) {
    return fmt::format("its declaration says `rotates: false`{}{}",
                       credential.help.empty() ? "" : "; ", credential.help.text);
  }
  for (const ServiceReader& reader : readers.services) {
    if (reader.secret == nullptr || reader.secret->rotates) continue;
    std::string_view why = reader.secret->rotation;
    if (why.ends_with('.')) why.remove_suffix(1);
    return fmt::format("`{}` takes no new value while it runs{}",
                       reader.service->service->name().text,
                       why.empty() ? "" : fmt::format(" ({})", why));
  }
  return {};
}

}  // namespace kb::cli
