// Plan: PLAN.json of an output tree as typed rows. Cross-references are indices into its vectors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kb::run {

inline constexpr std::string_view kPlanName = "PLAN.json";

enum class StepKind : uint8_t {
  kApply,
  kValidate,
  kDrill,
  kRollback,
  kReinit,
  kCleanup,
  kGate,
  kBackup,
  kRestore
};
enum class Strategy : uint8_t { kParallel, kRolling, kFirst };

std::string_view Name(StepKind kind);
std::string_view Name(Strategy strategy);

struct Port {
  uint16_t port = 0;
  std::string protocol;
  std::string service;
};

// Where a connection that begins on the server leads.
struct Peer {
  std::string ip;
  uint16_t port = 0;
  std::string service;
};

struct Server {
  std::string name;
  std::string address;  // for ssh: "root@192.0.2.123"
  std::string ip;
  std::string os;
  std::vector<std::string> mounts;
  std::vector<Port> ports;
  std::vector<Peer> peers;
  std::vector<int> services;  // that it is a member of, ascending
};

struct Credential {
  std::string name;
  std::string file;
  std::string key;
};

struct Step {
  std::string name;
  int service = -1;
  StepKind kind = StepKind::kApply;
  Strategy strategy = Strategy::kParallel;
  std::string script;        // "04-redis/redis_02.sh"
  std::vector<int> after;    // steps of the same service
  std::vector<int> servers;  // where it runs, in the order of the plan; `first` has one at most
  bool on_install = false;   // runs on the install host, from the tree, for the members
  bool fresh_connection = false;
  std::string help;
};

struct Service {
  std::string name;
  std::string module;
  std::string label;   // "04"
  std::string folder;  // "04-redis"
  std::vector<int> needs;
  std::vector<int> members;
  int survives = 0;  // how many members may be down at once; 0: no claim
  std::string gate;  // script that each member has; empty: nobody can be asked
  std::vector<std::string> images;
  std::vector<Credential> credentials;
  std::vector<int> steps;
};

struct Plan {
  std::string topology;
  std::string root;         // on every server: "/opt/x-installer"
  std::string credentials;  // folder of credential files
  int install = -1;         // the server that runs are made from; -1: none is named
  std::vector<Server> servers;
  std::vector<Service> services;
  std::vector<Step> steps;  // in the order of services, then as their module lists them

  int FindServer(std::string_view name) const;  // -1: there is none
  int FindService(std::string_view name) const;
  // By what receipts and agents call it: the service's folder and the step's name.
  int FindStep(std::string_view folder, std::string_view step) const;
};

// The text of PLAN.json. Whatever is wrong with it is an error that says where: a key that is
// missing or of another type, a name that nothing has, a name twice, needs or steps in a circle, a
// path that leads out of the tree.
Result<Plan> ParsePlan(std::string_view text);

// "redis: 3 members, 1 may be down, this run stops one at a time": one line for each service with
// a gate or a claim that `steps` (indices into plan.steps) touch.
std::vector<std::string> BudgetLines(const Plan& plan, const std::vector<int>& steps);

}  // namespace kb::run
