// Figures: what rules guard in a topology (times, sizes, numbers of members, ports, names), each
// moved just beyond its fence, with the code that has to be reported then.
#pragma once

#include "mutations.h"

namespace kb::test {

// Of the modules that the topology uses; a default is moved by saying another value.
std::vector<Mutation> GuardedFigures(const Verdict& clean, const std::string& root);

}  // namespace kb::test
