// Who reaches whom, as the templates of proxies, firewalls and documents see it.
#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "base/strings.h"
#include "graph/sources.h"
#include "lower/shared.h"
#include "lower/types.h"

namespace kb::lower {
namespace {

using graph::EndpointRef;
using graph::Listener;
using graph::Origin;
using graph::Source;
using graph::SourcesOf;
using tmpl::Arena;
using tmpl::RecordBuilder;
using tmpl::Type;
using tmpl::Value;

std::string TextOf(const Source& source, bool always_mask) {
  const std::string ip = Ipv4Text(source.address);
  return source.bits == 32 && !always_mask ? ip : fmt::format("{}/{}", ip, source.bits);
}

// The environment variable by which a proxy has a secret of a service behind it: REDIS_PASSWORD.
std::string VariableOf(std::string_view service, std::string_view secret) {
  std::string name = fmt::format("{}_{}", service, secret);
  for (char& c : name) {
    if (!IsAlnum(c)) c = '_';
    if (IsLower(c)) c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

std::string WhyOf(const Listener& listener) {
  std::vector<std::string> reasons;
  for (const Origin& origin : listener.origins) {
    if (std::ranges::find(reasons, origin.why) == reasons.end()) reasons.emplace_back(origin.why);
  }
  return Join(reasons, ", ");
}

}  // namespace

void Scopes::Shared::SetAccess(int index, RecordBuilder& scope) {
  const graph::Service& s = graph.services[index];
  const Type& type = TypeOf(index);
  RecordBuilder endpoints(FieldType(type, "endpoints"), arena);
  RecordBuilder official(FieldType(type, "official"), arena);
  RecordBuilder sources(FieldType(type, "sources"), arena);
  std::map<int, std::vector<Value>> balancers;
  for (size_t e = 0; e < s.manifest->endpoints.size(); ++e) {
    const module::Endpoint& declared = s.manifest->endpoints[e];
    const EndpointRef ref{index, static_cast<int>(e)};
    RecordBuilder endpoint(*FieldType(type, "endpoints").fields[e].type, arena);
    endpoint.Set("port", Value::Int(s.ports[e])).Set("protocol", Value::Atom(declared.protocol));
    endpoints.Set(declared.name.text, endpoint.Finish());
    if (!declared.clients) continue;
    const graph::Address address = graph.OfficialAddress(ref);
    RecordBuilder record(*AddressType(), arena);
    record.Set("host", Value::Atom(arena.Copy(address.host))).Set("port", Value::Int(address.port));
    official.Set(declared.name.text, record.Finish());
    if (const int balancer = graph.BalancerOf(ref); balancer >= 0) {
      balancers[balancer].push_back(Value::Int(address.port));
    }
  }
  for (int l : listeners_of[index]) {
    const Listener& listener = graph.listeners[l];
    if (listener.fronted()) {
      // A proxy is behind the load balancers of what it stands in front of.
      if (const int balancer = graph.BalancerOf(listener.endpoint); balancer >= 0)
        balancers[balancer].push_back(Value::Int(graph.OfficialAddress(listener.endpoint).port));
      continue;
    }
    std::vector<Value> networks;
    for (const Source& source : SourcesOf(graph, listener))
      networks.push_back(Value::Atom(arena.Copy(TextOf(source, true))));
    sources.Set(s.manifest->endpoints[listener.endpoint.endpoint].name.text,
                Value::List(arena.CopyValues(networks)));
  }
  scope.Set("endpoints", endpoints.Finish())
      .Set("official", official.Finish())
      .Set("sources", sources.Finish());
  std::vector<Value> records;
  for (const auto& [balancer, ports] : balancers) {
    const model::Balancer& b = *graph.balancers[balancer].model;
    RecordBuilder record(ItemType(type, "balancers"), arena);
    record.Set("name", AtomOf(b.name)).Set("ip", AtomOf(b.private_ip));
    records.push_back(record.Set("ports", Value::List(arena.CopyValues(ports))).Finish(b.span));
  }
  scope.Set("balancers", Value::List(arena.CopyValues(records)));
  scope.Set("proxies", s.proxy >= 0 ? Value::List(members[s.proxy]) : Value::List({}));
}

Value Scopes::Shared::Fronts(int index, const Type& type) {
  std::vector<Value> fronts;
  for (int l : listeners_of[index]) {
    const Listener& listener = graph.listeners[l];
    if (!listener.fronted()) continue;
    fronts.push_back(Front(listener, type));
  }
  return Value::List(arena.CopyValues(fronts));
}

Value Scopes::Shared::Front(const Listener& listener, const Type& type) {
  const graph::Service& behind = graph.services[listener.endpoint.service];
  const module::Endpoint& declared = graph.Declared(listener.endpoint);
  const module::Probe& probe = declared.probe;
  const Type& check_type = FieldType(type, "check");
  std::vector<Value> steps, secrets;
  for (const module::Exchange& exchange : probe.exchanges) {
    RecordBuilder step(ItemType(check_type, "steps"), arena);
    if (!exchange.send.empty()) step.Set("send", Value::Text(exchange.send));
    if (!exchange.expect.empty()) step.Set("expect", Value::Text(exchange.expect));
    if (!exchange.send_hex.empty()) step.Set("send_hex", Value::Atom(exchange.send_hex));
    if (!exchange.expect_hex.empty()) step.Set("expect_hex", Value::Atom(exchange.expect_hex));
    if (exchange.secret >= 0 && behind.secrets[exchange.secret] != nullptr) {
      const std::string_view secret = behind.manifest->secrets[exchange.secret].name.text;
      const Value variable = Value::Atom(arena.Copy(VariableOf(behind.name().text, secret)));
      const Value value = SecretRecord(behind.secrets[exchange.secret], arena);
      step.Set("secret", value).Set("variable", variable);
      RecordBuilder pair(ItemType(type, "secrets"), arena);
      if (std::ranges::find(secrets, variable.str(),
                            [](const Value& s) { return s.list()[0].str(); }) == secrets.end())
        secrets.push_back(pair.Set("variable", variable).Set("secret", value).Finish());
    }
    steps.push_back(step.Finish());
  }
  RecordBuilder check(check_type, arena);
  check.Set("type", Value::Atom(module::Name(probe.type))).Set("role", Value::Bool(probe.role));
  check.Set("port", Value::Int(probe.endpoint >= 0 ? behind.ports[probe.endpoint] : listener.port));
  check.Set("steps", Value::List(arena.CopyValues(steps)));
  if (!probe.path.empty()) check.Set("path", Value::Text(probe.path));
  if (probe.expect != 0) check.Set("expect", Value::Int(probe.expect));
  RecordBuilder front(type, arena);
  front.Set("service", AtomOf(behind.name())).Set("endpoint", AtomOf(declared.name));
  front.Set("port", Value::Int(listener.port))
      .Set("members", Value::List(members[listener.endpoint.service]));
  front.Set("check", check.Finish()).Set("secrets", Value::List(arena.CopyValues(secrets)));
  return front.Finish(behind.model->span);
}

// One row an origin of a listener, not one a pair of servers: what a person can read, and linear.
Value Scopes::Shared::Flows(const Type& type) {
  std::vector<Value> flows;
  for (const Listener& listener : graph.listeners) {
    for (const Origin& origin : listener.origins) {
      const auto [from, kind] = [&]() -> std::pair<std::string_view, std::string_view> {
        switch (origin.kind) {
          case Origin::Kind::kMembers:
            return {graph.services[origin.index].name().text, "service"};
          case Origin::Kind::kApp:
            return {graph.apps[origin.index].model->name.text, "app"};
          case Origin::Kind::kServers:
            return {graph.model->servers[origin.servers.front()].name().text, "server"};
          case Origin::Kind::kAddress:
            return {origin.address.text, "network"};
          case Origin::Kind::kBalancer:
            return {graph.balancers[origin.index].model->name.text, "balancer"};
        }
        return {};
      }();
      RecordBuilder flow(type, arena);
      flow.Set("from", Value::Atom(from)).Set("kind", Value::Atom(kind));
      flow.Set("to", AtomOf(graph.services[listener.owner].name()));
      flow.Set("service", AtomOf(graph.services[listener.endpoint.service].name()));
      flow.Set("endpoint", AtomOf(graph.Declared(listener.endpoint).name));
      flow.Set("protocol", Value::Atom(listener.protocol)).Set("port", Value::Int(listener.port));
      flows.push_back(flow.Set("why", Value::Text(origin.why)).Finish());
    }
  }
  return Value::List(arena.CopyValues(flows));
}

Value Scopes::Shared::Needs(int index, int server, const Type& type, Arena& into) const {
  const graph::Service& service = graph.services[index];
  RecordBuilder needs(type, into);
  for (size_t i = 0; i < service.needs.size(); ++i) {
    const EndpointRef to = service.needs[i].to;
    if (!to.known()) continue;
    const module::Need& declared = service.manifest->needs[i];
    const graph::Service& provider = graph.services[to.service];
    const graph::Address address =
        server >= 0 ? graph.AddressFrom(server, to) : graph.OfficialAddress(to);
    RecordBuilder need(*type.fields[i].type, into);
    need.Set("service", AtomOf(provider.name())).Set("host", Value::Atom(into.Copy(address.host)));
    need.Set("port", Value::Int(address.port));
    const std::string_view route = declared.route.text;
    need.Set("databases", Resources(provider.databases, route, into))
        .Set("vhosts", Resources(provider.vhosts, route, into))
        .Set("buckets", Resources(provider.buckets, route, into))
        .Set("roles", Roles(provider, route, into));
    need.Set("members",
             Value::List(declared.members ? members[to.service] : std::span<const Value>{}));
    need.Set("settings", Value::Record(provider.settings, provider.model->span));
    needs.Set(declared.name.text, need.Finish());
  }
  return needs.Finish();
}

Value Scopes::Shared::EmptyFirewall(const Type& type) {
  return RecordBuilder(type, arena).Set("accept", Value::List({})).Finish();
}

Value Scopes::Shared::Firewall(int server, const Type& type, Arena& into) const {
  const uint32_t own = graph.model->servers[server].ip;
  const Type& row_type = ItemType(type, "accept");
  std::vector<Value> rows;
  for (int s : graph.services_on[server]) {
    for (int l : listeners_of[s]) {
      const Listener& listener = graph.listeners[l];
      std::vector<Value> sources;
      for (const Source& source : SourcesOf(graph, listener)) {
        if (source.bits == 32 && source.address == own) continue;  // comes over the loopback
        sources.push_back(Value::Atom(into.Copy(TextOf(source, false))));
      }
      if (sources.empty()) continue;
      RecordBuilder row(row_type, into);
      row.Set("protocol", Value::Atom(listener.protocol));
      row.Set("port", Value::Atom(into.Copy(fmt::format("{}", listener.port))));
      row.Set("sources", Value::List(into.CopyValues(sources)));
      row.Set("service", AtomOf(graph.services[listener.endpoint.service].name()));
      row.Set("endpoint", AtomOf(graph.Declared(listener.endpoint).name));
      rows.push_back(row.Set("why", Value::Text(into.Copy(WhyOf(listener)))).Finish());
    }
  }
  RecordBuilder record(type, into);
  return record.Set("accept", Value::List(into.CopyValues(rows))).Finish();
}

}  // namespace kb::lower
