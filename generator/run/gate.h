// Gate: what the members of a service said, and what follows from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "run/plan.h"

namespace kb::run {

inline constexpr int kNoAnswer = -1;    // not asked, not run, too late
inline constexpr int kDoesNotRun = 10;  // what gate.sh says of its own member

// One member's answer in one sample.
struct Answer {
  int service = -1;
  int server = -1;
  bool open = true;  // still to come
  int status = kNoAnswer;
  std::string text;
};

enum class Verdict : uint8_t { kPending, kOpen, kClosed };

// May `subject` be stopped, by what this sample says? For each service: yes when the subject itself
// does not run (nothing is lost), or when every member says 0. A member that could not be asked
// says no. kPending as long as an answer that matters is missing.
Verdict JudgeStop(std::span<const Answer> sample, int subject);

// Is all well? Only when every member says 0.
Verdict JudgeWell(std::span<const Answer> sample);

// Who said no and why, the members in order: "redis-02: link is down; redis-03: no answer". For
// JudgeStop with its subject, for JudgeWell with -1.
std::string Objections(const Plan& plan, std::span<const Answer> sample, int subject);

}  // namespace kb::run
