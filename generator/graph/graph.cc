#include "graph/graph.h"

#include <algorithm>

#include "base/strings.h"

namespace kb::graph {

int Graph::FindService(std::string_view name) const {
  const auto found = service_by_name.find(name);
  return found == service_by_name.end() ? -1 : found->second;
}

EndpointRef Graph::FindEndpoint(std::string_view text) const {
  // Names may hold dots, so the whole text is tried as a service first.
  if (const int service = FindService(text); service >= 0) {
    const module::Manifest* manifest = services[service].manifest;
    if (manifest == nullptr) return {};
    EndpointRef only;
    for (size_t i = 0; i < manifest->endpoints.size(); ++i) {
      if (!manifest->endpoints[i].clients) continue;
      if (only.known()) return {};
      only = {service, static_cast<int>(i)};
    }
    return only;
  }
  const size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return {};
  const int service = FindService(text.substr(0, dot));
  if (service < 0 || services[service].manifest == nullptr) return {};
  const int endpoint = services[service].manifest->FindEndpoint(text.substr(dot + 1));
  return endpoint < 0 ? EndpointRef{} : EndpointRef{service, endpoint};
}

const module::Endpoint& Graph::Declared(EndpointRef ref) const {
  return services[ref.service].manifest->endpoints[ref.endpoint];
}

uint16_t Graph::PortOf(EndpointRef ref) const { return services[ref.service].ports[ref.endpoint]; }

int Graph::BalancerOf(EndpointRef ref) const {
  for (size_t i = 0; i < balancers.size(); ++i) {
    if (std::ranges::find(balancers[i].listeners, ref) != balancers[i].listeners.end()) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

uint16_t Graph::ListenPort(const Balancer& balancer, size_t listener) const {
  const uint16_t own =
      balancer.listeners[listener].known() ? PortOf(balancer.listeners[listener]) : uint16_t{0};
  return ParsePort(balancer.model->listeners[listener].port.text).value_or(own);
}

Address Graph::OfficialAddress(EndpointRef ref) const {
  const Service& service = services[ref.service];
  const uint16_t port = PortOf(ref);
  if (const int index = BalancerOf(ref); index >= 0) {
    const Balancer& balancer = balancers[index];
    const auto listener = std::ranges::find(balancer.listeners, ref) - balancer.listeners.begin();
    return {std::string(balancer.model->private_ip.text),
            ListenPort(balancer, static_cast<size_t>(listener))};
  }
  const auto ip = [&](int server) {
    return std::string(model->servers[server][model::Column::kPrivateIp].text);
  };
  const Service& front =
      service.proxy >= 0 && Declared(ref).clients ? services[service.proxy] : service;
  if (front.entry >= 0) return {ip(front.entry), port};
  if (front.members.size() == 1) return {ip(front.members.front()), port};
  return {{}, port};
}

Address Graph::AddressFrom(int server, EndpointRef ref) const {
  const Service& service = services[ref.service];
  if (service.proxy >= 0 && Declared(ref).clients && HasMember(service.proxy, server)) {
    return {"127.0.0.1", PortOf(ref)};
  }
  return OfficialAddress(ref);
}

bool Graph::HasMember(int service, int server) const {
  return std::ranges::binary_search(services[service].members, server);
}

tmpl::Value Graph::Setting(int service, std::string_view name) const {
  const Service& s = services[service];
  for (size_t i = 0; i < s.settings.size(); ++i) {
    if (s.manifest->settings[i].name.text == name) return s.settings[i];
  }
  return {};
}

Span Graph::SettingSpan(int service, std::string_view name) const {
  const Service& s = services[service];
  for (size_t i = 0; i < s.setting_spans.size(); ++i) {
    if (s.manifest->settings[i].name.text == name) return s.setting_spans[i];
  }
  return s.model->span;
}

}  // namespace kb::graph
