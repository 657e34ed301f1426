// The schedule's proof: random estates, random accidents, and the runner's hand never costs a
// service what it needs. KBGEN_SEED=n tells the story of one seed; KBGEN_SCHEDULES sets how many.
#include <gtest/gtest.h>

#include <cstdlib>

#include "play.h"

namespace kb::run::sim {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kSchedules = 3'000;
#else
constexpr uint64_t kSchedules = 100'000;
#endif
// Each fault must be found within so many.
constexpr uint64_t kFaultySchedules = 3'000;

uint64_t Number(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(Simulator, NothingOfWhatIsForbiddenHappens) {
  if (std::getenv("KBGEN_SEED") != nullptr) {
    const Told told = Play(Number("KBGEN_SEED", 0), {.trace = true});
    EXPECT_FALSE(told.violation) << *told.violation;
    return;
  }
  const uint64_t count = Number("KBGEN_SCHEDULES", kSchedules);
  Told sum;
  for (uint64_t seed = 0; seed < count; ++seed) {
    const Told told = Play(seed, {});
    ASSERT_FALSE(told.violation) << "KBGEN_SEED=" << seed << ": " << *told.violation;
    sum.runs += told.runs;
    sum.tasks += told.tasks;
    sum.stops += told.stops;
  }
  // Otherwise the estates have become so dull that the test proves nothing.
  EXPECT_GT(sum.runs, static_cast<int>(2 * count));
  EXPECT_GT(sum.tasks, static_cast<int>(10 * count));
  EXPECT_GT(sum.stops, static_cast<int>(2 * count));
  RecordProperty("runs", sum.runs);
  RecordProperty("tasks", sum.tasks);
  RecordProperty("stops", sum.stops);
}

TEST(Simulator, TheSameSeedTellsTheSameStory) {
  for (uint64_t seed : {1, 7, 42}) {
    const Told first = Play(seed, {});
    const Told second = Play(seed, {});
    EXPECT_EQ(first.tasks, second.tasks);
    EXPECT_EQ(first.stops, second.stops);
    EXPECT_EQ(first.runs, second.runs);
  }
}

struct Fault {
  const char* name;
  Rules rules;
  const char* found_by;  // what the violation says
};

class Faulty : public testing::TestWithParam<Fault> {};

TEST_P(Faulty, IsFound) {
  uint64_t found = 0;
  for (uint64_t seed = 0; seed < kFaultySchedules; ++seed) {
    const Told told = Play(seed, GetParam().rules);
    if (!told.violation || !told.violation->contains(GetParam().found_by)) continue;
    if (found++ == 0) std::cout << "KBGEN_SEED=" << seed << ": " << *told.violation << "\n";
  }
  EXPECT_GT(found, 0U);
  std::cout << GetParam().name << ": found by " << found << " of " << kFaultySchedules << "\n";
}

INSTANTIATE_TEST_SUITE_P(
    Simulator, Faulty,
    testing::Values(
        Fault{"APortThatIsOpenIsNoAnswer", {.naive_gate = true}, "others in sync"},
        Fault{"NoGate", {.faults = {.skip_gate = true}}, "others in sync"},
        Fault{"NoQuestionAfterwards", {.faults = {.skip_after = true}}, "nobody asked"},
        Fault{"OneMemberIsAsked", {.faults = {.ask_one_member = true}}, "others in sync"},
        Fault{"WhoCannotBeReachedIsFine",
              {.faults = {.unreachable_is_fine = true}},
              "others in sync"},
        Fault{"OneSample", {.faults = {.one_sample = true}}, "others in sync"},
        Fault{"EarlierStepsAreIgnored",
              {.faults = {.ignore_earlier = true}},
              "another step runs there"},
        Fault{"ReceiptsAreIgnored", {.faults = {.ignore_receipts = true}}, "yet it runs again"},
        Fault{"NeedsAreIgnored", {.faults = {.ignore_needs = true}}, "what it needs"}),
    [](const auto& fault) { return std::string(fault.param.name); });

}  // namespace
}  // namespace kb::run::sim
