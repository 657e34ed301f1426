#include "run/plan.h"

#include <gtest/gtest.h>

#include "sample_plan.h"

namespace kb::run {
namespace {

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string ErrorOf(std::string_view text) {
  const auto plan = ParsePlan(text);
  return plan ? "fine" : plan.error().message;
}

TEST(Plan, NamesBecomeIndices) {
  const auto plan = ParsePlan(SamplePlan());
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->steps.size(), 4U);
  EXPECT_EQ(plan->install, 3);
  EXPECT_EQ(plan->services[1].needs, std::vector<int>{0});
  EXPECT_EQ(plan->servers[1].services, (std::vector<int>{0, 1}));
  EXPECT_EQ(plan->steps[1].after, std::vector<int>{0});
  EXPECT_TRUE(plan->steps[1].fresh_connection);
  EXPECT_EQ(plan->steps[2].strategy, Strategy::kRolling);
  EXPECT_EQ(plan->steps[3].servers, std::vector<int>{3});
  EXPECT_TRUE(plan->steps[3].on_install);
  EXPECT_EQ(plan->FindStep("04-db", "accounts"), 3);
  EXPECT_EQ(plan->FindStep("02-os", "accounts"), -1);
}

TEST(Plan, WhatIsWrongIsSaidWithItsPlace) {
  struct Case {
    std::string_view from;
    std::string_view to;
    std::string_view error;
  };
  for (const Case& c : {
           Case{"\"kbgen\": 1", "\"kbgen\": 2",
                "PLAN.json: the plan is of a format that this kbgen does not know"},
           Case{"\"topology\": \"t\", ", "", "PLAN.json: the plan has no `topology`"},
           Case{"\"/opt/t\"", "\"/opt/../t\"", "PLAN.json: the plan `root` cannot be `/opt/../t`"},
           Case{"\"install\": \"boss\"", "\"install\": \"d\"",
                "PLAN.json: the plan has no server `d`"},
           Case{"root@10.0.0.1", "-oProxyCommand=x",
                "PLAN.json: server 1 `address` cannot be `-oProxyCommand=x`"},
           Case{"6379", "65536", "PLAN.json: server 1 `port` is out of range"},
           Case{"6379", "-1", "PLAN.json: server 1 `port` is out of range"},
           Case{"6379", "\"x\"", "PLAN.json: server 1 `port` is not a number"},
           Case{"\"name\": \"b\"", "\"name\": \"a\"",
                "PLAN.json: server 2 is called `a`, as another one"},
           Case{"\"name\": \"db\", \"module\"", "\"name\": \"os\", \"module\"",
                "PLAN.json: service 2 is called `os`, as another one"},
           Case{"\"needs\": [\"os\"]", "\"needs\": [\"none\"]",
                "PLAN.json: db `needs` names `none`, which the plan does not have"},
           Case{"\"needs\": []", "\"needs\": [\"db\"]", "PLAN.json: os needs, in a circle, itself"},
           Case{"\"after\": [\"packages\"]", "\"after\": [\"sshd\"]",
                "PLAN.json: sshd comes, in a circle, after itself"},
           Case{"\"rolling\"", "\"random\"",
                "PLAN.json: step 1 of `db` `strategy` cannot be `random`"},
           Case{"02-os/packages.sh", "../packages.sh",
                "PLAN.json: step 1 of `os` `script` cannot be `../packages.sh`"},
           Case{"04-db/gate.sh", "/bin/true", "PLAN.json: db `gate` cannot be `/bin/true`"},
           Case{"\"hosts\": [\"boss\"]", "\"hosts\": [\"a\"]",
                "PLAN.json: step 2 of `db` runs on `a`, which is no install host"},
           Case{"\"steps\": [", "\"steps\": [7, ", "PLAN.json: step 1 of `os` is not a record"},
           Case{"\"mounts\": [\"/data\"]", "\"mounts\": \"/data\"",
                "PLAN.json: server 1 `mounts` is not a list"},
           Case{"\"survives\": 1", "\"survives\": -1", "PLAN.json: db `survives` is out of range"},
       }) {
    EXPECT_EQ(ErrorOf(Replaced(SamplePlan(), c.from, c.to)), c.error);
  }
}

TEST(Plan, NoTextMakesItCrash) {
  const std::string whole = SamplePlan();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(ErrorOf(std::string_view(whole).substr(0, size)), "PLAN.json: is not JSON");
  }
  for (std::string_view text : {"null", "[]", "7", "\"x\"", "{}", "[{}]", "{\"kbgen\": 1}"}) {
    EXPECT_NE(ErrorOf(text), "fine") << text;
  }
  // Every value in turn becomes one of another type.
  for (size_t at = 0; (at = whole.find(": ", at)) != std::string::npos; ++at) {
    for (std::string_view value : {"null, \"x\": ", "{}, \"x\": ", "[[]], \"x\": "}) {
      std::string text = whole;
      EXPECT_NE(ErrorOf(text.insert(at + 2, value)), "fine") << text.substr(at - 20, 40);
    }
  }
}

TEST(Plan, BudgetsAreThoseThatRollingStepsTouch) {
  const auto plan = ParsePlan(SamplePlan());
  ASSERT_TRUE(plan);
  EXPECT_EQ(BudgetLines(*plan, {0, 1, 3}), std::vector<std::string>{});
  EXPECT_EQ(BudgetLines(*plan, {0, 2}),
            std::vector<std::string>{"db: 3 members, 1 may be down, this run uses one at a time "
                                     "and asks all of them before and after"});
}

}  // namespace
}  // namespace kb::run
