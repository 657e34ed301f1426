// PlanFacts: what a runner must know of the estate, gathered once and written in two forms:
// PLAN.json for programs and people, PLAN.tsv for bash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lower/plan.h"

namespace kb::lower {

// What listens on a server: before the service is there nobody may.
struct ListeningPort {
  uint16_t port;
  std::string_view protocol;
  std::string_view service;
  friend bool operator==(const ListeningPort&, const ListeningPort&) = default;
};

// Whom a server connects to by TCP, whichever of its services does.
struct Peer {
  int server;
  uint16_t port;
  std::string_view service;
};

struct PlannedServer {
  std::vector<ListeningPort> ports;
  std::vector<Peer> peers;  // by address, then port; without SSH, which the runner itself tries
};

struct PlannedStep {
  const module::Step* step = nullptr;
  std::vector<int> hosts;  // servers that have its script; `on: install`: the install host
};

struct PlannedService {
  const graph::Service* service = nullptr;
  std::string folder;      // "04-redis"
  std::vector<int> needs;  // services that must be installed before
  int survives = 0;        // members that may be down at once
  const module::Step* gate = nullptr;
  std::vector<std::string_view> images;  // folders of images/ that its steps look into
  std::vector<const model::Credential*> credentials;
  std::vector<PlannedStep> steps;
};

struct PlanFacts {
  std::vector<PlannedServer> servers;    // by Model::servers
  std::vector<PlannedService> services;  // by Graph::services
  std::vector<int> order;                // of services: each after those that it needs
};

PlanFacts GatherFacts(const Plan& plan);

// "04-redis/gate.sh": below servers/<server>/ and modules/, and below the install root.
std::string ScriptOf(const PlannedService& service, const module::Step& step);

}  // namespace kb::lower
