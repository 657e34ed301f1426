#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/site.h"
#include "run/inquiry.h"
#include "run/journal.h"
#include "run/lock.h"
#include "run/show.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string Written(const Json& document) {
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// What the selection leaves of the plan's servers.
std::vector<int> ServersOf(const run::Plan& plan, const run::Selection& selection) {
  std::vector<int> servers = selection.servers;
  if (servers.empty()) {
    servers.resize(plan.servers.size());
    std::iota(servers.begin(), servers.end(), 0);
  }
  if (!selection.services.empty()) {
    std::erase_if(servers, [&](int server) {
      const auto& services = plan.servers[static_cast<size_t>(server)].services;
      return std::ranges::none_of(selection.services, [&](int service) {
        return std::ranges::find(services, service) != services.end();
      });
    });
  }
  return servers;
}

struct Looking {
  Site site;
  run::Selection selection;
  std::vector<int> servers;
};

Tried<Looking> Open(const Options& options) {
  auto site = OpenSite(options);
  if (!site) return std::unexpected(std::move(site).error());
  auto selection = SelectionOf(options, site->tree.plan, run::StepKind::kApply);
  if (!selection) return std::unexpected(std::move(selection).error());
  std::vector<int> servers = ServersOf(site->tree.plan, *selection);
  return Looking{std::move(*site), std::move(*selection), std::move(servers)};
}

std::vector<run::Sight> Ask(const Looking& looking, const std::vector<run::PlacedFile>& files) {
  run::Store store(looking.site.tree);
  const run::Errand errand = {.tree = &looking.site.tree,
                              .expected = &looking.site.expected,
                              .store = &store,
                              .agent = looking.site.agent,
                              .ways = looking.site.ways,
                              .identity = {},
                              .arguments = {}};
  return run::Inquire(errand, looking.servers, files);
}

// ---------------------------------------------------------------- status

struct Count {
  size_t done = 0, all = 0;
};
Count StepsOf(const Site& site, const run::Sight& sight) {
  Count count;
  const run::Plan& plan = site.tree.plan;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const run::Step& step = plan.steps[i];
    const auto at = std::ranges::find(step.servers, sight.server);
    if (step.kind != run::StepKind::kApply || at == step.servers.end()) continue;
    ++count.all;
    const std::string& folder = plan.services[static_cast<size_t>(step.service)].folder;
    const run::Receipt* receipt = run::FindReceipt(sight.hello->receipts, folder, step.name);
    const std::string& input =
        site.expected.inputs[i][static_cast<size_t>(at - step.servers.begin())];
    if (receipt && run::Counts(*receipt, input)) ++count.done;
  }
  return count;
}

// What the journal knows of the last run.
Json LastRun(const Site& site) {
  const auto text = ReadFile(JoinPath(site.state, run::kJournalName));
  if (!text) return nullptr;
  const auto history = run::ParseJournal(*text);
  if (!history) return {{"problem", history.error().message}};
  Json run = nullptr;
  for (const run::Record& record : history->records) {
    if (record.event == "run-begin") {
      run = {{"run", record.run},    {"who", record.who}, {"tree", record.tree},
             {"began", record.time}, {"ended", nullptr},  {"result", "not ended"}};
    } else if (record.event == "run-end" && !run.is_null()) {
      run["ended"] = record.time;
      run["result"] = record.result;
    }
  }
  return run;
}

// The process that holds the lock of a run; empty: none does.
std::string Holder(const Site& site) {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(JoinPath(site.state, "lock"), error);
  if (error || !run::IsAlive(target.string())) return {};
  return fmt::format("process {}", Split(target.native(), '.')[0]);
}

Json DescribeServer(const Site& site, const run::Sight& sight) {
  const run::Plan& plan = site.tree.plan;
  Json row = {{"server", plan.servers[static_cast<size_t>(sight.server)].name}};
  if (!sight.hello) {
    row["problem"] = sight.reason;
    return row;
  }
  const std::string& wanted = site.expected.generations[static_cast<size_t>(sight.server)];
  row["generation"] = sight.hello->generation;
  row["this_tree"] = sight.hello->generation == run::GenerationName(wanted);
  const Count count = StepsOf(site, sight);
  row["steps_done"] = count.done;
  row["steps"] = count.all;
  row["running"] = Json::array();
  for (const run::Running& step : sight.hello->running) {
    row["running"].push_back({{"folder", step.folder}, {"step", step.step}, {"run", step.run}});
  }
  return row;
}

std::string ServerLine(const Json& row, size_t width) {
  std::string line = run::Pad(row["server"].get<std::string>(), width) + "  ";
  if (row.contains("problem")) {
    return line + "does not answer: " + run::Printable(row["problem"].get<std::string>()) + "\n";
  }
  const std::string generation = row["generation"];
  line += generation.empty()             ? run::Pad("nothing was shipped", 26)
          : row["this_tree"].get<bool>() ? run::Pad("this tree", 26)
                                         : run::Pad("other files " + generation.substr(0, 12), 26);
  line += fmt::format("  {} of {} steps done", row["steps_done"].get<size_t>(),
                      row["steps"].get<size_t>());
  for (const Json& step : row["running"]) {
    line += fmt::format(", {}/{} still runs", step["folder"].get<std::string>(),
                        step["step"].get<std::string>());
  }
  return line + "\n";
}

std::string StatusText(const Json& result) {
  std::string text = fmt::format("{}: tree {}\n", result["topology"].get<std::string>(),
                                 result["tree"].get<std::string>().substr(0, 12));
  const Json& last = result["last_run"];
  if (last.is_null()) {
    text += "nothing was run from here yet\n";
  } else if (last.contains("problem")) {
    text += "the journal: " + last["problem"].get<std::string>() + "\n";
  } else {
    text +=
        fmt::format("last run {} by {}, tree {}: {}\n", last["began"].get<std::string>(),
                    last["who"].get<std::string>(), last["tree"].get<std::string>().substr(0, 12),
                    last["result"].get<std::string>());
  }
  if (const std::string holder = result["lock"]; !holder.empty()) {
    text += fmt::format("a run goes on: {}\n", holder);
  }
  size_t width = 0;
  for (const Json& row : result["servers"]) {
    width = std::max(width, run::ColumnsOf(row["server"].get<std::string>()));
  }
  text += "\n";
  for (const Json& row : result["servers"]) text += ServerLine(row, width);
  return text;
}

// ---------------------------------------------------------------- drift

struct Drifted {
  Json rows = Json::array();
  size_t same = 0;
};

Drifted DriftOf(const run::Plan& plan, const std::vector<run::Sight>& sights) {
  Drifted drifted;
  for (const run::Sight& sight : sights) {
    const std::string& server = plan.servers[static_cast<size_t>(sight.server)].name;
    const auto add = [&](std::string_view service, std::string_view what, std::string_view path) {
      drifted.rows.push_back(
          {{"server", server}, {"service", service}, {"what", what}, {"path", path}});
    };
    if (!sight.reason.empty()) add("", "problem", sight.reason);
    for (const run::DriftLine& line : sight.drift) {
      const std::string& service = plan.services[static_cast<size_t>(line.service)].name;
      const size_t space = line.text.find(' ');
      const std::string word = line.text.substr(0, space);
      const std::string_view path = std::string_view(line.text).substr(
          space == std::string::npos ? line.text.size() : space + 1);
      if (word == "same") {
        ++drifted.same;
      } else if (word == "differs" || word == "missing" || word == "mode") {
        add(service, word, path);
      } else {
        add(service, "problem", line.text);
      }
    }
  }
  return drifted;
}

std::string_view Phrase(std::string_view what) {
  if (what == "differs") return "has other content";
  if (what == "missing") return "is missing";
  if (what == "mode") return "has another owner or mode";
  return {};
}

std::string DriftText(const Drifted& drifted) {
  std::string text;
  for (const Json& row : drifted.rows) {
    const std::string service = row["service"];
    const std::string_view phrase = Phrase(row["what"].get<std::string>());
    text += fmt::format("{}: {}{}{}{}{}\n", row["server"].get<std::string>(), service,
                        service.empty() ? "" : ": ", run::Printable(row["path"].get<std::string>()),
                        phrase.empty() ? "" : " ", phrase);
  }
  if (drifted.rows.empty()) {
    return fmt::format("No drift: {} as they were installed.\n", run::Count(drifted.same, "file"));
  }
  return text + fmt::format("{} not as installed, {} as they were.\n",
                            run::Count(drifted.rows.size(), "file"), drifted.same);
}

}  // namespace

Status ShowStatus(const Options& options) {
  const Console console(options);
  const auto looking = Open(options);
  if (!looking) return console.Complain(looking.error().message, looking.error().status);
  const Site& site = looking->site;
  Json result = {{"topology", site.tree.plan.topology},
                 {"tree", site.tree.id},
                 {"lock", Holder(site)},
                 {"last_run", LastRun(site)},
                 {"servers", Json::array()}};
  bool all = true;
  for (const run::Sight& sight : Ask(*looking, {})) {
    all &= sight.hello.has_value();
    result["servers"].push_back(DescribeServer(site, sight));
  }
  if (console.json()) {
    console.Print(Written({{"version", 1}, {"result", std::move(result)}}));
  } else {
    console.Print(StatusText(result));
  }
  return all ? Status::kDone : Status::kFindings;
}

Status Drift(const Options& options) {
  const Console console(options);
  const auto looking = Open(options);
  if (!looking) return console.Complain(looking.error().message, looking.error().status);
  auto files = run::ReadPlacedFiles(looking->site.tree);
  if (!files) return console.Fail(files.error());
  const std::vector<int>& services = looking->selection.services;
  std::erase_if(*files, [&](const run::PlacedFile& file) {
    return !services.empty() && std::ranges::find(services, file.service) == services.end();
  });
  const Drifted drifted = DriftOf(looking->site.tree.plan, Ask(*looking, *files));
  if (console.json()) {
    const Json result = {{"same", drifted.same}, {"drift", drifted.rows}};
    console.Print(Written({{"version", 1}, {"result", result}}));
  } else {
    console.Print(DriftText(drifted));
  }
  return drifted.rows.empty() ? Status::kDone : Status::kFindings;
}

}  // namespace kb::cli
