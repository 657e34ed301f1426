#include "run/gate.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::run {
namespace {

// One that does not run is only fine where it was going to be stopped.
Verdict JudgeService(std::span<const Answer> sample, int service, int subject) {
  bool pending = false;
  bool closed = false;
  for (const Answer& answer : sample) {
    if (answer.service != service) continue;
    if (answer.server == subject && !answer.open && answer.status == kDoesNotRun) {
      return Verdict::kOpen;
    }
    pending |= answer.open;
    closed |= !answer.open && answer.status != 0;
  }
  // The subject's own answer may still come and say that it does not run.
  if (pending) return Verdict::kPending;
  return closed ? Verdict::kClosed : Verdict::kOpen;
}

Verdict Judge(std::span<const Answer> sample, int subject) {
  Verdict verdict = Verdict::kOpen;
  int last = -1;
  for (const Answer& answer : sample) {
    if (answer.service == last) continue;  // samples list service by service
    last = answer.service;
    const Verdict one = JudgeService(sample, last, subject);
    if (one == Verdict::kPending) return one;
    if (one == Verdict::kClosed) verdict = one;
  }
  return verdict;
}

std::string_view ReasonOf(const Answer& answer) {
  if (!answer.text.empty()) return answer.text;
  if (answer.status == kDoesNotRun) return "does not run";
  return answer.status == kNoAnswer ? "no answer" : "says no";
}

}  // namespace

Verdict JudgeStop(std::span<const Answer> sample, int subject) { return Judge(sample, subject); }

Verdict JudgeWell(std::span<const Answer> sample) { return Judge(sample, -1); }

std::string Objections(const Plan& plan, std::span<const Answer> sample, int subject) {
  std::vector<std::string> objections;
  for (const Answer& answer : sample) {
    if (answer.open || answer.status == 0) continue;
    if (JudgeService(sample, answer.service, subject) != Verdict::kClosed) continue;
    objections.push_back(fmt::format("{} on {}: {}", plan.services[answer.service].name,
                                     plan.servers[answer.server].name, ReasonOf(answer)));
  }
  return Join(objections, "; ");
}

}  // namespace kb::run
