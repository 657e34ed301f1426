// Single decisions of the schedule; tests/simulator tries what follows from all of them together.
#include "run/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sample_plan.h"

namespace kb::run {
namespace {

class ScheduleTest : public testing::Test {
 protected:
  void SetUp() override {
    plan_ = *ParsePlan(SamplePlan());
    for (size_t i = 0; i < plan_.servers.size(); ++i) expected_.generations.push_back("new");
    for (const Step& step : plan_.steps) expected_.inputs.emplace_back(step.servers.size(), "i");
  }
  void Begin(Selection selection = {}) {
    auto tasks = SelectTasks(plan_, expected_, selection);
    ASSERT_TRUE(tasks) << tasks.error().message;
    schedule_ = std::make_unique<Schedule>(plan_, expected_, std::move(*tasks), selection);
    Take(Tick{});
  }
  void Take(const Report& report, Time wait = 0) {
    now_ += wait;
    said_.clear();
    asks_.clear();
    for (const Action& action : schedule_->Take(now_, report).actions) {
      std::visit([this](const auto& what) { Say(what); }, action);
    }
  }
  // "a" to "c" with what is installed there, and the install host.
  Hello HelloOf(int server, std::string generation, std::vector<int> done = {}) {
    Hello hello{.server = server, .generation = std::move(generation)};
    for (int step : done) {
      hello.receipts.push_back({plan_.services[plan_.steps[step].service].folder,
                                plan_.steps[step].name, "i", true, ""});
    }
    return hello;
  }
  void AnswerAll(int status) {
    for (const Ask& ask : std::vector<Ask>(asks_)) Take(Answered{ask.id, status, ""});
  }

  void Say(const Connect& action) { said_.push_back("connect " + Of(action.server)); }
  void Say(const Look& action) { said_.push_back("look " + Of(action.server)); }
  void Say(const Preflight& action) { said_.push_back("preflight " + Of(action.server)); }
  void Say(const Ship& action) { said_.push_back("ship " + Of(action.server)); }
  void Say(const Close& action) { said_.push_back("close " + Of(action.server)); }
  void Say(const run::Run& action) {
    const Task& task = schedule_->tasks()[action.task];
    said_.push_back(plan_.steps[task.step].name + " " + Of(task.server));
  }
  void Say(const Ask& action) {
    asks_.push_back(action);
    said_.push_back(action.leads ? "leads " + Of(action.server)
                                 : "ask " + Of(action.server) +
                                       (action.subject < 0 ? "" : " about " + Of(action.subject)));
  }
  std::string Of(int server) { return plan_.servers[server].name; }

  using Said = std::vector<std::string>;
  Plan plan_;
  Expected expected_;
  std::unique_ptr<Schedule> schedule_;
  Time now_ = 0;
  Said said_;
  std::vector<Ask> asks_;
};

TEST_F(ScheduleTest, NothingIsToldToDoWhereAllIsDone) {
  Begin();
  EXPECT_EQ(said_, (Said{"connect a", "connect b", "connect c", "connect boss"}));
  for (int server : {0, 1, 2}) Take(HelloOf(server, "new", {0, 1, 2}));
  EXPECT_EQ(said_, Said{});
  Take(HelloOf(3, "", {3}));
  EXPECT_EQ(said_, (Said{"close a", "close b", "close c", "close boss"}));
  EXPECT_EQ(schedule_->finish(), Finish::kDone);
}

TEST_F(ScheduleTest, OneBadPreflightStopsTheRunBeforeAnythingChanges) {
  Begin({.services = {0}});
  for (int server : {0, 1, 2}) Take(HelloOf(server, "old"));
  Take(Checked{0, true, ""});
  EXPECT_EQ(said_, Said{});
  Take(Checked{1, false, "port 22 is taken"});
  Take(Checked{2, true, ""});
  EXPECT_EQ(said_, (Said{"close a", "close c"}));
  EXPECT_EQ(schedule_->finish(), Finish::kFailed);
  EXPECT_EQ(schedule_->reason(), "b: port 22 is taken");
}

TEST_F(ScheduleTest, ParallelStepsBeginTogetherAndNewConnectionsAreNew) {
  Begin({.services = {0}});
  for (int server : {0, 1, 2}) Take(HelloOf(server, ""));
  for (int server : {0, 1, 2}) Take(Checked{server, true, ""});
  for (int server : {0, 1}) Take(Delivered{server, true, ""});
  EXPECT_EQ(said_, Said{});
  Take(Delivered{2, true, ""});
  EXPECT_EQ(said_, (Said{"packages a", "packages b", "packages c"}));
  for (int task : {0, 1}) Take(Ended{task, 0, ""});
  EXPECT_EQ(said_, Said{});
  Take(Ended{2, 0, ""});
  EXPECT_EQ(said_, (Said{"connect a", "connect b", "connect c"}));
  for (int server : {0, 1}) Take(HelloOf(server, "new", {0}));
  EXPECT_EQ(said_, Said{});
  Take(HelloOf(2, "new", {0}));
  EXPECT_EQ(said_, (Said{"sshd a", "sshd b", "sshd c"}));
}

TEST_F(ScheduleTest, TheLeaderGoesLastAndThreeSamplesMustAgree) {
  expected_.inputs[2] = {"j", "j", "j"};
  Begin({.services = {1}});
  for (int server : {0, 1, 2}) Take(HelloOf(server, "new", {0, 1, 2}));
  Take(HelloOf(3, "", {3}));
  for (int server : {0, 1, 2}) Take(Checked{server, true, ""});
  EXPECT_EQ(said_, (Said{"leads a", "leads b", "leads c"}));
  const std::vector<Ask> leads = asks_;
  Take(Answered{leads[0].id, 0, ""});
  Take(Answered{leads[1].id, 1, ""});
  Take(Answered{leads[2].id, 1, ""});
  for (int sample = 0; sample < 3; ++sample) {
    EXPECT_EQ(said_, (Said{"ask a about b", "ask b about b", "ask c about b"}));
    AnswerAll(0);
    if (sample < 2) {
      EXPECT_EQ(schedule_->wake(), now_ + 1000);
      Take(Tick{}, 1000);
    }
  }
  EXPECT_EQ(said_, Said{"start b"});
  Take(Ended{1, 0, ""});
  EXPECT_EQ(said_, (Said{"ask a", "ask b", "ask c"}));
}

TEST_F(ScheduleTest, WhoDoesNotAnswerSaysNo) {
  expected_.inputs[2] = {"j", "i", "i"};
  Begin({.services = {1}});
  for (int server : {0, 1, 2}) Take(HelloOf(server, "new", {0, 1, 2}));
  Take(HelloOf(3, "", {3}));
  Take(Checked{0, true, ""});
  EXPECT_EQ(said_, (Said{"ask a about a", "ask b about a", "ask c about a"}));
  const std::vector<Ask> asks = asks_;
  Take(Answered{asks[0].id, 0, ""});
  Take(Answered{asks[1].id, 0, ""});
  Take(Tick{}, 10'000);
  Take(Answered{asks[2].id, 0, ""});
  EXPECT_EQ(said_, Said{});
  // Asked again, until the gate's time is over.
  for (int i = 0; i < 200 && schedule_->finish() == Finish::kRunning; ++i) {
    ASSERT_TRUE(schedule_->wake());
    Take(Tick{}, *schedule_->wake() - now_);
  }
  EXPECT_EQ(schedule_->finish(), Finish::kFailed);
  EXPECT_TRUE(
      schedule_->reason().starts_with("start on a was not begun: db on a: no answer in time"))
      << schedule_->reason();
  EXPECT_LE(now_, 620'000);
}

TEST_F(ScheduleTest, AReceiptTellsWhatBecameOfALostStep) {
  for (const bool done : {true, false}) {
    now_ = 0;
    Begin({.servers = {0}, .services = {0}});
    Take(HelloOf(0, "new", {1}));
    Take(Checked{0, true, ""});
    EXPECT_EQ(said_, Said{"packages a"});
    Take(Lost{0, "reset"});
    Take(Tick{}, 1000);
    EXPECT_EQ(said_, Said{"connect a"});
    Hello hello = HelloOf(0, "new", {1});
    hello.running.push_back({"02-os", "packages", "r"});
    Take(hello);
    Take(Tick{}, 2000);
    EXPECT_EQ(said_, Said{"look a"});
    Take(HelloOf(0, "new", done ? std::vector<int>{0, 1} : std::vector<int>{1}));
    EXPECT_EQ(schedule_->finish(), done ? Finish::kDone : Finish::kFailed);
  }
}

TEST_F(ScheduleTest, CtrlCFinishesWhatRuns) {
  Begin({.services = {0}});
  for (int server : {0, 1, 2}) Take(HelloOf(server, "new"));
  for (int server : {0, 1, 2}) Take(Checked{server, true, ""});
  EXPECT_EQ(said_, (Said{"packages a", "packages b", "packages c"}));
  Take(Stop{"interrupted"});
  for (int task : {0, 1}) Take(Ended{task, 0, ""});
  EXPECT_EQ(schedule_->finish(), Finish::kRunning);
  Take(Ended{2, 0, ""});
  EXPECT_EQ(schedule_->finish(), Finish::kInterrupted);
}

TEST_F(ScheduleTest, ADryRunReadsOnly) {
  Begin({.dry_run = true});
  for (int server : {0, 1, 2}) {
    Take(HelloOf(server, "old"));
    EXPECT_EQ(said_, Said{"preflight " + Of(server)});
  }
  Take(HelloOf(3, ""));
  for (int server : {0, 1, 2}) Take(Checked{server, true, ""});
  EXPECT_EQ(said_, (Said{"close a", "close b", "close c", "close boss"}));
  EXPECT_EQ(schedule_->finish(), Finish::kDone);
}

}  // namespace
}  // namespace kb::run
