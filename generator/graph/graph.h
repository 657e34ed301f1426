// Graph: the model with every name resolved. Who runs where, who listens where, who talks to whom.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "diag/diagnostic.h"
#include "model/model.h"
#include "module/library.h"
#include "tmpl/type.h"

namespace kb::graph {

// Indices into the vectors of Graph and Model; -1 is "none".
struct EndpointRef {
  int service = -1;
  int endpoint = -1;

  bool known() const { return service >= 0; }
  friend bool operator==(EndpointRef, EndpointRef) = default;
};

struct Role {
  Word name;
  const model::Credential* credential = nullptr;
  std::vector<std::string_view> databases, vhosts, buckets;
};

// A database, virtual host or bucket, which apps share when they say the same of it.
struct Resource {
  Word name;
  Word owner;
  std::vector<Word> extensions;  // union over the apps, sorted
  std::vector<std::string_view> apps;
  std::vector<std::string_view> routes;
};

struct Need {
  EndpointRef to;
};

struct Service {
  const model::Service* model = nullptr;
  const module::Manifest* manifest = nullptr;
  std::vector<int> members;                        // servers, in inventory order
  std::vector<uint16_t> ports;                     // by endpoint
  int proxy = -1;                                  // the service through which clients come
  int entry = -1;                                  // the server that is the official address
  std::vector<Need> needs;                         // by Manifest::needs
  std::vector<const model::ImageVersion*> images;  // by Manifest::images
  std::vector<const model::PackageVersion*> packages;
  std::vector<const model::Credential*> secrets;
  std::vector<tmpl::Value> settings;  // by Manifest::settings
  std::vector<Span> setting_spans;    // where each was written, or its default
  std::vector<Resource> databases, vhosts, buckets;
  std::vector<Role> roles;
  std::vector<int> fronted;  // proxies: the services that come through it

  const Word& name() const { return model->name; }
};

// Who may reach a listener: one of a service's members, an app's or other servers, an address.
struct Origin {
  enum class Kind : uint8_t { kMembers, kApp, kServers, kAddress, kBalancer } kind;
  int index = -1;            // service, app, balancer
  std::vector<int> servers;  // kServers
  Word address;              // kAddress: an address or a network
  std::string_view why;      // "peers", "clients", …
};

// One port on all members of a service: an endpoint of its own, or (a proxy's) of another.
struct Listener {
  int owner = -1;        // whose members listen
  EndpointRef endpoint;  // what is offered there
  uint16_t port = 0;
  std::string_view protocol;
  std::vector<Origin> origins;

  bool fronted() const { return owner != endpoint.service; }
};

struct App {
  const model::App* model = nullptr;
  std::vector<int> members;
  std::vector<EndpointRef> uses;  // the endpoint that it connects to, by Model::App::uses
};

struct Balancer {
  const model::Balancer* model = nullptr;
  int targets = -1;
  std::vector<EndpointRef> listeners;
};

// An address and a port where something can be reached.
struct Address {
  std::string host;
  uint16_t port = 0;
};

struct Graph {
  const model::Model* model = nullptr;  // outlives the graph
  const module::Library* library = nullptr;
  std::vector<Service> services;  // in the topology's order
  std::vector<App> apps;
  std::vector<Balancer> balancers;
  std::vector<Listener> listeners;            // by owner, then endpoint
  std::vector<std::vector<int>> services_on;  // by server: services with a member there
  std::unordered_map<std::string_view, int> service_by_name;
  int install = -1;  // the install host, a server
  std::unique_ptr<tmpl::Arena> arena = std::make_unique<tmpl::Arena>();

  int FindService(std::string_view name) const;
  // "postgres" or "postgres.sql": the endpoint, or unknown. A bare service means its only endpoint
  // for clients.
  EndpointRef FindEndpoint(std::string_view text) const;

  const module::Endpoint& Declared(EndpointRef ref) const;
  uint16_t PortOf(EndpointRef ref) const;
  // The balancer that listens for the endpoint, or -1.
  int BalancerOf(EndpointRef ref) const;
  // Where one of its listeners listens: as the topology says, else the endpoint's own port.
  uint16_t ListenPort(const Balancer& balancer, size_t listener) const;
  // Where clients reach the endpoint: a balancer's address, the proxy's or the service's entry, the
  // only member. Empty host: nowhere, because there are several and nothing in front.
  Address OfficialAddress(EndpointRef ref) const;
  // As OfficialAddress, but a proxy on the same server is 127.0.0.1: no way leads out and back.
  Address AddressFrom(int server, EndpointRef ref) const;
  bool HasMember(int service, int server) const;

  // A setting's value, or an absent one when the module has no such setting.
  tmpl::Value Setting(int service, std::string_view name) const;
  Span SettingSpan(int service, std::string_view name) const;
};

// Resolves everything that the model names. What cannot be resolved is reported and left unknown,
// so that the rules can look at the rest.
Graph Resolve(const model::Model& model, const module::Library& library, Diagnostics& diags);

}  // namespace kb::graph
