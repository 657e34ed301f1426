// What is configured outside of the servers: load balancers and names, as their owners see them.
#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "lower/shared.h"
#include "lower/types.h"

namespace kb::lower {

using graph::EndpointRef;
using tmpl::RecordBuilder;
using tmpl::Type;
using tmpl::Value;

Value Scopes::Shared::BalancerListeners(const graph::Balancer& balancer, const Type& type) {
  std::vector<Value> listeners;
  for (size_t i = 0; i < balancer.listeners.size(); ++i) {
    const EndpointRef ref = balancer.listeners[i];
    if (!ref.known()) continue;
    const model::BalancerListener& written = balancer.model->listeners[i];
    const model::Health& h = written.health;
    RecordBuilder health(FieldType(type, "health"), arena);
    health.Set("type", AtomOf(h.type)).Set("interval", Value::Int(h.interval_s));
    health.Set("timeout", Value::Int(h.timeout_s)).Set("retries", Value::Int(h.retries));
    if (!h.path.empty()) health.Set("path", Value::Text(h.path.text, h.path.span));
    if (!h.status.empty()) health.Set("status", Value::Text(h.status.text, h.status.span));
    const graph::Service& service = graph.services[ref.service];
    RecordBuilder listener(type, arena);
    listener.Set("members", Value::List(members[service.proxy >= 0 ? service.proxy : ref.service]));
    listener.Set("service", AtomOf(graph.services[ref.service].name()));
    listener.Set("endpoint", AtomOf(graph.Declared(ref).name));
    listener.Set("port", Value::Int(graph.ListenPort(balancer, i), written.port.span));
    listener.Set("target_port", Value::Int(graph.PortOf(ref)));
    listener.Set("protocol", Value::Atom(written.protocol, written.to.span));
    if (!written.certificate.empty()) listener.Set("certificate", AtomOf(written.certificate));
    listeners.push_back(listener.Set("health", health.Finish(h.span)).Finish(written.to.span));
  }
  return Value::List(arena.CopyValues(listeners));
}

Value Scopes::Shared::LoadBalancers(const Type& type) {
  std::vector<Value> records;
  for (const graph::Balancer& balancer : graph.balancers) {
    const model::Balancer& b = *balancer.model;
    RecordBuilder record(type, arena);
    record.Set("name", AtomOf(b.name)).Set("called", AtomOf(b.called));
    record.Set("size", AtomOf(b.size)).Set("location", AtomOf(b.location));
    record.Set("network", AtomOf(b.network)).Set("private_ip", AtomOf(b.private_ip));
    if (!b.public_ip.empty()) record.Set("public_ip", AtomOf(b.public_ip));
    record.Set("targets", Value::List(balancer.targets < 0 ? std::span<const Value>{}
                                                           : members[balancer.targets]));
    record.Set("listeners", BalancerListeners(balancer, ItemType(type, "listeners")));
    records.push_back(record.Finish(b.span));
  }
  return Value::List(arena.CopyValues(records));
}

// The public addresses of the load balancers that answer for a name.
Value Scopes::Shared::NameAddresses(const model::Dns::Name& name, const Type& type) {
  std::vector<Value> addresses;
  for (const Word& wanted : name.balancers) {
    for (const model::Balancer& balancer : graph.model->balancers) {
      if (balancer.name.text != wanted.text || balancer.public_ip.empty()) continue;
      RecordBuilder address(type, arena);
      address.Set("ip", AtomOf(balancer.public_ip)).Set("balancer", AtomOf(wanted));
      addresses.push_back(address.Finish(wanted.span));
    }
  }
  return Value::List(arena.CopyValues(addresses));
}

// What a record says, in pieces that a zone file can hold.
void Scopes::Shared::SetContent(const model::Dns::Record& written, const Type& type,
                                RecordBuilder& record) {
  constexpr size_t kLongestString = 255;  // RFC 1035, 3.3
  std::string_view value = written.value.text;
  const Span span = written.value.span;
  std::vector<Value> strings;
  const std::vector<std::string_view> words = Split(value, ' ');
  if (written.type.text == "CAA" && words.size() >= 3) {
    RecordBuilder caa(FieldType(type, "caa"), arena);
    caa.Set("flags", Value::Int(ParseInt(words[0]).value_or(0), span));
    caa.Set("tag", Value::Atom(words[1], span));
    const size_t head = words[0].size() + words[1].size() + 2;
    caa.Set("value", Value::Text(value.substr(head), span));
    record.Set("caa", caa.Finish(span));
  } else if (written.type.text == "TXT") {
    for (; !value.empty(); value.remove_prefix(std::min(value.size(), kLongestString)))
      strings.push_back(Value::Text(value.substr(0, kLongestString), span));
  } else if (written.type.text != "CAA") {
    if (value.ends_with('.')) value.remove_suffix(1);
    record.Set("target", Value::Atom(value, span));
  }
  record.Set("strings", Value::List(arena.CopyValues(strings)));
}

Value Scopes::Shared::Dns(const Type& type) {
  const model::Dns& dns = graph.model->dns;
  std::vector<Value> names, records;
  const Type& name_type = ItemType(type, "names");
  for (const model::Dns::Name& name : dns.names) {
    RecordBuilder record(name_type, arena);
    record.Set("name", AtomOf(name.name));
    record.Set("addresses", NameAddresses(name, ItemType(name_type, "addresses")));
    names.push_back(record.Finish(name.name.span));
  }
  for (const model::Dns::Record& written : dns.records) {
    RecordBuilder record(ItemType(type, "records"), arena);
    if (!written.name.empty()) record.Set("name", AtomOf(written.name));
    record.Set("type", AtomOf(written.type)).Set("priority", Value::Int(written.priority));
    record.Set("value", Value::Text(written.value.text, written.value.span));
    SetContent(written, ItemType(type, "records"), record);
    records.push_back(record.Finish(written.span));
  }
  RecordBuilder record(type, arena);
  record.Set("zone", AtomOf(graph.model->domain)).Set("ttl", Value::Int(dns.ttl_s));
  return record.Set("names", Value::List(arena.CopyValues(names)))
      .Set("records", Value::List(arena.CopyValues(records)))
      .Finish(dns.span);
}

}  // namespace kb::lower
