// Commands: what the command line can ask for, each in its cmd_*.cc. Nothing here knows how the
// command line is read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diag/print.h"

namespace kb::cli {

enum class Color : uint8_t { kAuto, kAlways, kNever };

// What the commands that run steps share.
struct RunOptions {
  std::vector<std::string> limit;     // servers
  std::vector<std::string> services;  // --module
  std::string state;                  // folder; empty: below the install root
  std::string bundle;                 // a file, instead of the output tree
  bool dry_run = false;
  bool enrol = false;
  bool from_here = false;
  bool keep_going = false;
  unsigned gate_timeout_s = 0;  // 0: what the schedule thinks right
  bool yes = false;
  std::string to;  // of `rollback`
  std::string service;
  std::string step;
  std::vector<std::string> arguments;
};

// Everything that the command line can say; a command reads what it has declared.
struct Options {
  // Of most commands.
  std::string model = "model/topology.yaml";
  std::string out = "out";
  std::vector<std::string> modules;
  unsigned jobs = 0;  // 0: as many as there are processors
  Color color = Color::kAuto;
  DiagFormat format = DiagFormat::kText;
  bool quiet = false;
  bool verbose = false;
  // Of one command each.
  bool check = false;
  std::string before;
  std::string after;
  std::string place;
  std::string code;
  std::string stage;
  std::string schema = "topology";
  std::string folder = ".";
  std::string shell;
  std::vector<std::string> services;
  std::string by;
  std::string why;
  std::string on;
  // Of bundle.
  std::string action;  // of secrets as well
  std::string file;
  std::string key;
  std::string serial;
  std::string packages;
  std::string signers;
  std::string newer_than;
  std::string topology;
  bool images = false;
  bool air_gapped = false;
  RunOptions run;
  // Of secrets.
  std::string credentials;  // the folder; empty: as the topology says
  std::string provider = "files";
  std::string vault_path;
  std::vector<std::string> names;
  bool dry_run = false;
  bool finish = false;
  bool undo = false;
};

// The exit status: stable, because scripts and CI read it.
enum class Status : uint8_t {
  kDone = 0,
  kFindings = 1,     // errors in the model, differences, failed validations
  kUsage = 2,        // the command line cannot be understood
  kEnvironment = 3,  // a file, a process, the system
};

Status Check(const Options& options);
Status Render(const Options& options);
Status Diff(const Options& options);
Status Why(const Options& options);
Status Explain(const Options& options);
Status Schema(const Options& options);
Status Dump(const Options& options);
Status Init(const Options& options);
Status Freeze(const Options& options);
Status Thaw(const Options& options);
Status ShowPlan(const Options& options);
Status Apply(const Options& options);
Status ShowStatus(const Options& options);
Status Validate(const Options& options);
Status Drill(const Options& options);
Status Drift(const Options& options);
Status Rollback(const Options& options);
Status RunStep(const Options& options);
Status Secrets(const Options& options);
Status Selfcheck(const Options& options);
Status Bundle(const Options& options);

}  // namespace kb::cli
