// Mutations: every single mistake that this file knows how to make in a clean topology, each with
// the line that a diagnostic has to point at.
#pragma once

#include <string>
#include <vector>

#include "estate.h"

namespace kb::test {

struct Mutation {
  std::string file;   // relative to the root
  uint32_t line = 0;  // that was touched, counted from 1
  std::string what;   // "misspell the key `targets`"
  std::string bytes;  // the whole file, with the mistake
  uint16_t code = 0;  // that must be said; 0: any
};

// `root` as the verdict's paths begin. All of them change the meaning, so all must be found.
std::vector<Mutation> AllMutations(const Verdict& clean, const std::string& root);

}  // namespace kb::test
