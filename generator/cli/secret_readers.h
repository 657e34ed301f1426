// SecretReaders: who must follow when a credential gets a new value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/compile.h"
#include "lower/plan_facts.h"

namespace kb::cli {

struct ServiceReader {
  const lower::PlannedService* service;
  std::vector<int> hosts;                        // its members
  std::vector<const lower::PlannedStep*> steps;  // that bring it to them
  const module::Named* secret = nullptr;  // as its module declares it; null: a role's password
  // A proxy that logs in to ask who serves: before the members accept a value, it would take all of
  // them out. It is installed before them all the same, so that it must be told apart.
  bool asks = false;
};

struct AppReader {
  const graph::App* app;
  std::string_view service;  // where it logs in with it
};

struct Readers {
  std::vector<ServiceReader> services;  // in the order in which they are installed
  std::vector<AppReader> apps;
};

Readers ReadersOf(const Compilation& c, const lower::PlanFacts& facts,
                  const model::Credential& credential);

// Why it must not rotate, or nothing.
std::string ReasonAgainstRotation(const model::Credential& credential, const Readers& readers);

}  // namespace kb::cli
