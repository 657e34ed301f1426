// Manifest: what a module declares of itself (module.yaml), typed. docs/MODULES.md is its manual.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.h"
#include "lang/language.h"
#include "shape/shape.h"
#include "syntax/yaml.h"

namespace kb::module {

struct Setting {
  Word name;
  ShapeRef shape;
  std::string_view help;
  const Node* fallback = nullptr;  // the default; null: none
  bool required = false;
  std::string_view keys;  // maps: the catalogue of allowed names, a file of the module
};

struct Named {  // images, packages, secrets
  Word name;
  std::string_view help;
  // Secrets: whether a running service takes a new value, and what it wants beside its steps; when
  // it does not, why.
  bool rotates = true;
  std::string_view rotation = {};
};

enum class ProbeType : uint8_t { kTcp, kHttp, kDialogue };
std::string_view Name(ProbeType type);

// One question of a dialogue and what the answer must hold; text, or bytes in hexadecimal.
struct Exchange {
  std::string_view send;  // a line; the secret's value follows it
  int secret = -1;        // index into Manifest::secrets
  std::string_view expect;
  std::string_view send_hex, expect_hex;
};

// How a proxy asks a member whether it may send to it.
struct Probe {
  ProbeType type = ProbeType::kTcp;
  bool role = false;  // only the member that has the role may take clients
  int endpoint = -1;  // the endpoint that is asked; -1: the proxied one itself
  std::string_view path;
  int expect = 0;  // HTTP status; 0: any
  std::vector<Exchange> exchanges;
};

struct Endpoint {
  Word name;
  uint16_t port = 0;          // 0: the topology says it
  std::string_view protocol;  // tcp, udp
  bool clients = false, peers = false, proxy = false;
  bool services = false;      // those that need it, past every proxy
  bool admin = false;         // the install host
  bool remote_admin = false;  // and the public addresses of administrators
  std::string_view help;
  Probe probe;
};

struct Need {
  Word name;
  Word module;
  Word endpoint;
  Word route;            // empty: this service is no way to the other
  bool members = false;  // its templates see the other's members
  std::string_view help;
};

enum class Area : uint8_t { kServer, kModules, kDocs, kImages, kLb, kDns };
enum class StepKind : uint8_t {
  kApply,
  kValidate,
  kDrill,
  kRollback,
  kReinit,
  kCleanup,
  kGate,  // says whether a member may be stopped now
  kBackup,
  kRestore,
};
inline constexpr std::array<std::string_view, 9> kStepKinds{
    "apply", "validate", "drill", "rollback", "reinit", "cleanup", "gate", "backup", "restore"};
enum class Strategy : uint8_t { kParallel, kRolling, kFirst };
// How many members may be down while the service goes on.
enum class Survives : uint8_t { kNothing, kOne, kMinority, kAllButOne };
inline constexpr std::array<std::string_view, 4> kSurvives{"nothing", "one", "minority",
                                                           "all_but_one"};
std::string_view Name(StepKind kind);
std::string_view Name(Strategy strategy);

// A file that a service renders: an artifact, or the script of a step.
struct Output {
  Word tmpl;  // file of the module
  const lang::Language* language = nullptr;
  Area area = Area::kServer;
  std::string path;        // kServer artifacts: absolute, on the host; others: relative
  std::string_view owner;  // "0:0"
  uint32_t mode = 0644;    // on the host
  std::string_view when;   // empty: always; else a path such as settings.tls, self.volume
  Span when_span;
  int step = -1;              // index into Manifest::steps
  bool holds_tokens = false;  // its template prints a secret's token
};

struct Step {
  Word name;
  StepKind kind = StepKind::kApply;
  Strategy strategy = Strategy::kParallel;
  bool on_install = false;
  bool new_connection = false;  // that it can be reached is what it confirms
  std::vector<Word> after;
  std::string_view help;
};

struct HostNeeds {
  std::vector<Word> packages;
  std::vector<Word> kernel_modules;
  struct Sysctl {
    Word name;
    Word value;
  };
  std::vector<Sysctl> sysctl;
  bool peer_names = false;  // members must resolve each other's names
};

struct Manifest {
  Word name;
  std::string_view label;
  std::string_view summary;
  std::optional<int> min, max;  // members
  bool odd = false;
  Survives survives = Survives::kNothing;
  bool fronts = false;
  bool owns_firewall = false, owns_host = false;
  bool owns_balancers = false, owns_dns = false;
  bool provides_databases = false, provides_vhosts = false, provides_buckets = false;
  std::vector<Setting> settings;
  std::vector<Named> images, packages, secrets;
  std::vector<Endpoint> endpoints;
  std::vector<Need> needs;
  HostNeeds host;
  std::vector<Output> outputs;  // artifacts, then the scripts of the steps, in order
  std::vector<Step> steps;
  bool reads_peers = false;  // some template asks for the other members
  bool reads_files = false;  // … for the files that land on the host
  std::string folder;        // in the library, "03-postgresql-ha"
  Span span;                 // of its name
  Document document;         // owns what the views point into

  int FindEndpoint(std::string_view endpoint) const;
};

// Reads a manifest. What is wrong is reported; a manifest with errors is not returned.
Checked<Manifest> ReadManifest(Document document, Diagnostics& diags);

// The shape of the settings, for the topology's schema.
ShapeRef SettingsShape(const Manifest& manifest);

// The shape of module.yaml itself.
const Shape& ManifestShape();

}  // namespace kb::module
