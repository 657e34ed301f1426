// Shared: the inside of Scopes. What all members of a service share is made once, in the order of
// the graph; what only one of them sees is made when it is asked for.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "lower/scope.h"
#include "tmpl/type.h"

namespace kb::lower {

// What is made once: records of servers, and of every service the part that its members share.
struct Scopes::Shared {
  const graph::Graph& graph;
  tmpl::Arena arena;
  std::map<const module::Manifest*, tmpl::TypeRef> types;
  std::vector<std::vector<int>> listeners_of;         // by owner
  std::span<tmpl::Value> estate;                      // by server
  std::vector<std::span<const tmpl::Value>> members;  // by service: records, `index` set
  std::vector<tmpl::Value> services;                  // by service: the shared scope

  explicit Shared(const graph::Graph& g);

  tmpl::Value ServerRecord(int server, int index);
  tmpl::Value Topology();
  tmpl::Value Network();
  tmpl::Value Install();
  tmpl::Value SecretRecord(const model::Credential* credential, tmpl::Arena& into) const;
  tmpl::Value Resources(const std::vector<graph::Resource>& all, std::string_view route,
                        tmpl::Arena& into) const;
  tmpl::Value Roles(const graph::Service& service, std::string_view route, tmpl::Arena& into) const;
  tmpl::Value SharedScope(int service);
  void SetNames(int service, tmpl::RecordBuilder& scope);
  void SetAccess(int service, tmpl::RecordBuilder& scope);
  tmpl::Value Fronts(int service, const tmpl::Type& type);
  tmpl::Value Front(const graph::Listener& listener, const tmpl::Type& type);
  tmpl::Value LoadBalancers(const tmpl::Type& type);
  tmpl::Value BalancerListeners(const graph::Balancer& balancer, const tmpl::Type& type);
  tmpl::Value NameAddresses(const model::Dns::Name& name, const tmpl::Type& type);
  void SetContent(const model::Dns::Record& written, const tmpl::Type& type,
                  tmpl::RecordBuilder& record);
  tmpl::Value Dns(const tmpl::Type& type);
  tmpl::Value Steps(int service, const tmpl::Type& type);
  tmpl::Value Flows(const tmpl::Type& type);
  tmpl::Value Needs(int service, int server, const tmpl::Type& type, tmpl::Arena& into) const;
  tmpl::Value Host(int server, const tmpl::Type& type, tmpl::Arena& into) const;
  tmpl::Value Firewall(int server, const tmpl::Type& type, tmpl::Arena& into) const;
  tmpl::Value PeerNames(int server, const tmpl::Type& type, tmpl::Arena& into) const;
  tmpl::Value EmptyHost(const tmpl::Type& type);
  tmpl::Value EmptyFirewall(const tmpl::Type& type);
  tmpl::Value Files(int service, const tmpl::Type& type, const Scopes& scopes,
                    const tmpl::Value& scope, tmpl::Arena& into) const;
  const tmpl::Type& TypeOf(int service) const {
    return *types.at(graph.services[service].manifest);
  }
};

inline tmpl::Value AtomOf(const Word& word) { return tmpl::Value::Atom(word.text, word.span); }
tmpl::Value AtomsOf(const std::vector<Word>& words, tmpl::Arena& arena);
tmpl::Value AtomsOf(const std::vector<std::string_view>& texts, tmpl::Arena& arena);

inline const tmpl::Type& FieldType(const tmpl::Type& record, std::string_view name) {
  return *record.fields[record.IndexOf(name)].type;
}
inline const tmpl::Type& ItemType(const tmpl::Type& record, std::string_view name) {
  return *FieldType(record, name).element;
}

}  // namespace kb::lower
