// Model: a topology as its author wrote it, typed. Names are not looked up yet: that is the
// graph's.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "diag/diagnostic.h"
#include "shape/atoms.h"
#include "syntax/node.h"
#include "syntax/tsv.h"
#include "syntax/yaml.h"

namespace kb::model {

// The twelve columns of the inventory, in their order.
enum class Column : uint8_t {
  kEnv,
  kPublicIp,
  kHostname,
  kPrivateIp,
  kFqdn,
  kUser,
  kPool,
  kRole,
  kSubrole,
  kDockerStack,
  kCore,
  kNotes
};
inline constexpr size_t kColumns = 12;

struct Volume {
  Word device;  // below /dev/disk/by-id; empty: not known yet
  Word mount;
  Word filesystem;
  int64_t size_gb = 0;
};

struct Server {
  std::array<Word, kColumns> cells;
  uint32_t ip = 0;  // private
  int volume = -1;  // index into Model::volumes
  std::string_view os;

  const Word& operator[](Column column) const { return cells[static_cast<size_t>(column)]; }
  const Word& name() const { return (*this)[Column::kHostname]; }
};

// Which servers: all, or those that every given column matches (any of its values).
struct Selector {
  bool all = false;
  struct Match {
    Column column;
    std::vector<Word> values;
  };
  std::vector<Match> matches;
  Word expect;  // how many it must find; empty: any number but none
  int64_t expected = -1;
  Span span;
};

struct ImageVersion {
  Word name;
  Word ref;
  ImageRef image;
  bool build = false;  // made by us from images/, pulled from nowhere
};
struct PackageVersion {
  Word name;
  Word version;
};

struct Credential {
  Word name;
  Word file;
  Word key;
  int64_t length = 32;
  std::string_view alphabet;  // alnum, hex
  bool rotates = true;
  Word help;
};

// How a load balancer sees that a target is alive.
struct Health {
  Word type;  // tcp, http
  Word path;  // http
  Word status;
  int64_t interval_s = 0, timeout_s = 0, retries = 0;
  Span span;
};

struct BalancerListener {
  Word to;                    // "postgres", or "postgres.sql"
  Word port;                  // empty: the endpoint's own
  std::string_view protocol;  // tcp, http, https
  Word certificate;           // https: its name at the provider
  Health health;
};

struct Balancer {
  Word name;
  Word provider;
  Word called;  // its name at the provider
  Word size;    // the provider's type
  Word location;
  Word network;  // the private network's name at the provider
  Word private_ip;
  Word public_ip;
  Word targets;  // a service
  std::vector<BalancerListener> listeners;
  Span span;
};

// What the world's resolvers shall know of the domain.
struct Dns {
  struct Name {
    Word name;
    std::vector<Word> balancers;  // their public addresses
  };
  struct Record {
    Word name;  // empty: the domain itself
    Word type;
    Word value;
    int64_t priority = 0;  // MX
    Span span;
  };
  int64_t ttl_s = 300;
  std::vector<Name> names;
  std::vector<Record> records;
  Span span;  // unknown: the topology says nothing of it
};

struct Binding {  // one name for another: a need and a service, an image and a version
  Word from;
  Word to;  // empty: as by default
};

struct Service {
  Word name;
  Word module;
  Selector nodes;
  Word proxy;
  Word entry;  // a server that is the official address
  const Node* settings = nullptr;
  std::vector<Binding> uses, images, packages, credentials, ports;
  Word single_reason;  // why a lone member is accepted
  Span span;
};

struct Use {  // what an app asks of a service
  Word service;
  Word route;
  Word database;
  Word vhost;
  std::vector<Word> buckets;
  Word role;
  Word credential;
  std::vector<Word> extensions;
  Span span;
};

struct App {
  Word name;
  Selector nodes;
  std::vector<Use> uses;
  Span span;
};

// "These may reach that, too": what no declaration of a module says.
struct Allowance {
  Selector servers;  // or, when empty, `networks`
  std::vector<Word> networks;
  Word to;  // service.endpoint
  Word why;
  Span span;
};

struct Waiver {
  Word code;
  Word subject;  // the name that the diagnostic speaks of
  Word reason, by, until;
  Span span;
};

struct Model {
  Word name;
  Word private_network;
  Cidr network;
  Word domain;
  std::vector<Word> resolvers, fallback_resolvers, ntp, admin;
  Word install_host;
  Word install_root;
  std::vector<Word> unmanaged;
  std::vector<Server> servers;  // in the inventory's order
  // False when the file was not read whole. That has been reported; what is missing there is not
  // worth a second report.
  bool servers_whole = true, versions_whole = true, credentials_whole = true;
  std::vector<Volume> volumes;
  std::vector<ImageVersion> images;
  std::vector<PackageVersion> packages;
  std::vector<Credential> credentials;
  std::vector<Balancer> balancers;
  Dns dns;
  std::vector<Service> services;
  std::vector<App> apps;
  std::vector<Allowance> allowances;
  std::vector<Waiver> waivers;

  std::unordered_map<std::string_view, int> server_by_name;
  std::vector<Document> documents;  // own what the nodes and words point into
  std::vector<std::string> files;   // every file that was read, as its path was built

  int FindServer(std::string_view name) const;
};

}  // namespace kb::model
