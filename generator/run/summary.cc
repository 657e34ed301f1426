#include "run/summary.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/strings.h"
#include "run/show.h"

namespace kb::run {
namespace {

size_t CountOf(const Course& course, TaskState state) {
  return static_cast<size_t>(std::ranges::count(course.states, state));
}

std::string StepName(const Plan& plan, int step) {
  const Step& row = plan.steps[static_cast<size_t>(step)];
  return fmt::format("{}/{}", plan.services[static_cast<size_t>(row.service)].name, row.name);
}

const std::string& ServerName(const Plan& plan, int server) {
  return plan.servers[static_cast<size_t>(server)].name;
}

std::string Numbers(const Course& course) {
  std::string text = Count(CountOf(course, TaskState::kDone), "step") + " done";
  const size_t waiting = CountOf(course, TaskState::kWaiting) +
                         CountOf(course, TaskState::kAsking) + CountOf(course, TaskState::kBlocked);
  for (const auto& [count, word] : {std::pair{CountOf(course, TaskState::kSkipped), "done before"},
                                    std::pair{CountOf(course, TaskState::kFailed), "failed"},
                                    std::pair{waiting, "not begun"}}) {
    if (count > 0) text += fmt::format(", {} {}", count, word);
  }
  return text;
}

std::string FailureText(const Board& board, const Failure& failure) {
  const std::string& server = ServerName(board.plan(), failure.server);
  if (failure.task < 0) return fmt::format("{}: {}\n", server, failure.reason);
  const Event event = {
      .server = failure.server, .step = board.StepIndex(failure.task), .task = failure.task};
  std::string text = fmt::format("{}: {} ended with status {} after {}", server,
                                 board.StepOf(event), failure.status, Span(failure.took));
  if (failure.tail.empty()) return fmt::format("{}: {}\n", text, failure.reason);
  text += ", and said last:\n";
  for (const std::string& line : failure.tail) text += fmt::format("    {}\n", line);
  return text;
}

std::string LeftText(const Board& board, const Course& course, const SummaryWords& words) {
  std::string text = "Left at once; " + Numbers(course) + ".\n";
  if (!course.left_running.empty()) {
    text += "These still run, and are finished without this run:\n";
    for (int task : course.left_running) {
      const Task& row = course.tasks[static_cast<size_t>(task)];
      text += fmt::format("    {}: {}\n", ServerName(board.plan(), row.server),
                          StepName(board.plan(), row.step));
    }
  }
  return text + fmt::format("Continue, which waits for them, with:\n    {}\n", words.again);
}

std::string DoneText(const Board& board, const Course& course) {
  const std::string took = Span(board.ended() - board.began());
  const size_t skipped = CountOf(course, TaskState::kSkipped);
  std::set<int> servers;
  for (const Task& task : course.tasks) servers.insert(task.server);
  if (skipped == course.tasks.size() && board.shipped() == 0) {
    return fmt::format("Nothing to do: {} on {} done before ({}).\n", Count(skipped, "step"),
                       Count(servers.size(), "server"), took);
  }
  std::string text =
      fmt::format("Done in {}: {} on {}", took, Numbers(course), Count(servers.size(), "server"));
  if (board.shipped() > 0) text += fmt::format("; files brought to {}", board.shipped());
  return text + ".\n";
}

}  // namespace

std::string Summarize(const Board& board, const Course& course, const SummaryWords& words) {
  if (course.finish == Finish::kDone) return DoneText(board, course);
  if (course.finish == Finish::kRunning) return LeftText(board, course, words);
  std::string text = "\n";
  for (const Failure& failure : board.failures()) text += FailureText(board, failure) + "\n";
  if (course.finish == Finish::kInterrupted) {
    text += fmt::format("Stopped; what ran was finished: {}.\n", Numbers(course));
  } else {
    // A reason that a failure has told already is not told again.
    const bool told = std::ranges::any_of(board.failures(), [&](const Failure& failure) {
      return course.reason.find(failure.reason) != std::string::npos || failure.task >= 0;
    });
    if (!told) text += fmt::format("{}\n\n", Printable(course.reason));
    text += fmt::format("FAILED: {}.\n", Numbers(course));
  }
  if (!words.logs.empty()) text += fmt::format("The logs are in {}.\n", words.logs);
  const bool stopped = course.finish == Finish::kInterrupted && board.failures().empty();
  text += stopped ? "Continue" : "When it is put right, continue";
  return text + fmt::format(" with:\n    {}\n", words.again);
}

namespace {

std::string WhyRun(const Plan& plan, const Course& course, const Task& task) {
  const Step& step = plan.steps[static_cast<size_t>(task.step)];
  const auto hello = course.hellos.find(task.server);
  if (hello == course.hellos.end()) return "it does not answer";
  if (step.kind != StepKind::kApply) return "asked for";
  const std::string& folder = plan.services[static_cast<size_t>(step.service)].folder;
  const Receipt* receipt = FindReceipt(hello->second.receipts, folder, step.name);
  if (!receipt) return "no receipt";
  if (receipt->input != task.input) return fmt::format("changed since {}", receipt->ended);
  if (!receipt->credentials_ok) return "a credential changed";
  return {};
}

}  // namespace

std::string Explain(const Tree& tree, const Expected& expected, const Course& course) {
  const Plan& plan = tree.plan;
  std::vector<std::string> receive;
  for (const auto& [server, hello] : course.hellos) {
    const std::string_view wanted =
        GenerationName(expected.generations[static_cast<size_t>(server)]);
    if (hello.generation != wanted) receive.push_back(ServerName(plan, server));
  }
  const size_t skipped = CountOf(course, TaskState::kSkipped);
  std::string text =
      fmt::format("{} of {} would run, {} done before.\n", course.tasks.size() - skipped,
                  Count(course.tasks.size(), "step"), skipped);
  if (!receive.empty()) {
    text += fmt::format("Files would be brought to {}.\n", Join(receive, ", "));
  }
  // Steps in the order of the plan's tasks; servers with one reason together.
  std::vector<int> steps;
  for (const Task& task : course.tasks) {
    if (std::ranges::find(steps, task.step) == steps.end()) steps.push_back(task.step);
  }
  size_t width = 0;
  for (int step : steps) width = std::max(width, StepName(plan, step).size());
  for (int step : steps) {
    std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
    for (size_t i = 0; i < course.tasks.size(); ++i) {
      const Task& task = course.tasks[i];
      if (task.step != step || course.states[i] == TaskState::kSkipped) continue;
      const std::string why = WhyRun(plan, course, task);
      auto found = std::ranges::find(reasons, why, &decltype(reasons)::value_type::first);
      if (found == reasons.end()) found = reasons.insert(reasons.end(), {why, {}});
      found->second.push_back(ServerName(plan, task.server));
    }
    std::string name = StepName(plan, step);
    std::string_view strategy = Name(plan.steps[static_cast<size_t>(step)].strategy);
    for (const auto& [why, servers] : reasons) {
      text += fmt::format("  {:<{}}  {:<8}  {}{}\n", name, width, strategy, Join(servers, ", "),
                          why.empty() ? "" : fmt::format(" ({})", why));
      name.clear();
      strategy = "";
    }
  }
  return text;
}

}  // namespace kb::run
