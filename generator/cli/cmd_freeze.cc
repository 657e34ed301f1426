// freeze and thaw: the only two that write freeze.lock.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "cli/plan_source.h"
#include "cli/rendered.h"
#include "freeze/line.h"
#include "render/render.h"
#include "write/replace.h"

namespace kb::cli {
namespace {

using freeze::Block;
using freeze::Decision;
using freeze::Lock;
using Json = nlohmann::ordered_json;

// What is wrong with the arguments, or nothing.
std::string MistakeIn(const Options& options) {
  if (!IsDate(options.on))
    return fmt::format("--on `{}` is not a date such as 2026-06-30", options.on);
  for (const auto& [name, text] : {std::pair{"--by", &options.by}, {"--why", &options.why}}) {
    if (!freeze::IsRemark(*text)) {
      return fmt::format("{} must be one line of text, without blanks at its ends", name);
    }
  }
  return {};
}

Decision DecisionOf(const Options& options) {
  return {.on = options.on, .by = options.by, .why = options.why};
}

// As they were asked for, each once.
std::vector<std::string> Services(const Options& options) {
  std::vector<std::string> services;
  for (const std::string& service : options.services) {
    if (std::ranges::find(services, service) == services.end()) services.push_back(service);
  }
  return services;
}

std::string Suggest(std::string_view name, const std::vector<std::string_view>& names) {
  const std::string_view nearest = Nearest(name, names);
  return nearest.empty() ? "" : fmt::format("; did you mean `{}`?", nearest);
}

// Why one of the services cannot be frozen, or nothing.
std::string MistakeIn(const std::vector<std::string>& services, const Compilation& c) {
  std::vector<std::string_view> names;
  for (const graph::Service& service : c.graph.services) names.push_back(service.name().text);
  for (const std::string& name : services) {
    if (c.graph.FindService(name) < 0) {
      return fmt::format("no service is called `{}`{}", name, Suggest(name, names));
    }
    if (const Block* block = c.lock.Find(name)) {
      return fmt::format("`{}` is frozen already, {}; thaw it first", name,
                         freeze::Describe(block->frozen));
    }
  }
  return {};
}

struct Frozen {
  Block block;
  std::vector<std::string> lines;  // what the block borrows
  size_t files = 0;
  size_t servers = 0;
};

Frozen MakeBlock(const Compilation& c, const freeze::Content& content, int service,
                 const Decision& decision) {
  const graph::Service& s = c.graph.services[static_cast<size_t>(service)];
  Frozen frozen{.block = {.service = s.name(), .frozen = decision, .lines = {}},
                .lines = content.head,
                .files = content.files,
                .servers = s.members.size()};
  frozen.lines.reserve(frozen.lines.size() + content.files);
  for (size_t i = 0; i < content.files; ++i) frozen.lines.push_back(content.file_line(i));
  std::ranges::sort(frozen.lines, {}, freeze::SubjectOf);
  frozen.block.lines.assign(frozen.lines.begin(), frozen.lines.end());
  return frozen;
}

std::string Plural(size_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

Status ShowFrozen(const Console& console, const Compilation& c, const std::vector<Frozen>& made) {
  Json services = Json::array();
  for (const Frozen& frozen : made) {
    const std::string_view name = frozen.block.service.text;
    console.PrintSummary(fmt::format("{}: frozen {}, {} on {}\n", c.lock.path, name,
                                     Plural(frozen.files, "file"),
                                     Plural(frozen.servers, "server")));
    services.push_back({{"service", name}, {"files", frozen.files}, {"servers", frozen.servers}});
  }
  return console.Show(c.diags, c.sources, {{"lock", c.lock.path}, {"frozen", std::move(services)}});
}

}  // namespace

Status Freeze(const Options& options) {
  const Console console(options);
  if (const std::string mistake = MistakeIn(options); !mistake.empty()) {
    return console.Complain(mistake, Status::kUsage);
  }
  // Held from before the lock is read until it is written.
  const auto folder = write::HoldFile(LockPath(options.model));
  if (!folder) return console.Fail(folder.error());
  Compilation c;
  const auto compiled = Compile({options.model, options.modules}, c);
  if (!compiled) return console.Fail(compiled.error());
  if (!*compiled) return console.Show(c.diags, c.sources);
  const std::vector<std::string> names = Services(options);
  if (const std::string mistake = MistakeIn(names, c); !mistake.empty()) {
    return console.Complain(mistake, Status::kFindings);
  }

  const render::Renderer renderer(c.plan, c.sources, c.diags);
  if (c.diags.has_errors()) return console.Show(c.diags, c.sources);
  const PlanSource source(c.plan, renderer);
  std::vector<int> services;
  for (const std::string& name : names) services.push_back(c.graph.FindService(name));
  const auto artifacts = ArtifactsOf(c.plan, services);
  const unsigned threads = ThreadsFor(c.plan, options.jobs);
  Digests digests(source.size());
  for (const auto& own : artifacts) DigestSome(source, own, threads, digests, c.diags);
  if (c.diags.has_errors()) return console.Show(c.diags, c.sources);

  std::vector<Frozen> made;
  for (size_t i = 0; i < services.size(); ++i) {
    const auto content = ContentOf(c.plan, source, services[i], artifacts[i], digests);
    made.push_back(MakeBlock(c, content, services[i], DecisionOf(options)));
  }
  Lock lock = c.lock;
  lock.topology = c.model.name;
  for (const Frozen& frozen : made) lock.blocks.push_back(frozen.block);
  std::ranges::sort(lock.blocks, {}, [](const Block& block) { return block.service.text; });
  const auto written = write::ReplaceFile(*folder, lock.path, freeze::Print(lock));
  if (!written) return console.Fail(written.error());
  return ShowFrozen(console, c, made);
}

// Reads nothing but the lock: whatever is wrong with the topology may be why it is needed.
Status Thaw(const Options& options) {
  const Console console(options);
  if (const std::string mistake = MistakeIn(options); !mistake.empty()) {
    return console.Complain(mistake, Status::kUsage);
  }
  const std::string path = LockPath(options.model);
  const auto folder = write::HoldFile(path);
  if (!folder) return console.Fail(folder.error());
  Sources sources;
  Diagnostics diags;
  auto lock = freeze::Load(path, sources, diags);
  if (!lock) return console.Fail(lock.error());
  if (diags.has_errors()) return console.Show(diags, sources);

  std::vector<std::string_view> frozen;
  for (const Block& block : lock->blocks) frozen.push_back(block.service.text);
  Json thawed = Json::array();
  for (const std::string& name : Services(options)) {
    const Block* block = lock->Find(name);
    if (block == nullptr) {
      return console.Complain(fmt::format("`{}` is not frozen{}", name, Suggest(name, frozen)),
                              Status::kFindings);
    }
    lock->history.push_back({block->service, DecisionOf(options), block->frozen});
    std::erase_if(lock->blocks, [&](const Block& b) { return b.service.text == name; });
    thawed.push_back(name);
  }
  const auto written = write::ReplaceFile(*folder, path, freeze::Print(*lock));
  if (!written) return console.Fail(written.error());
  for (const Json& name : thawed) {
    console.PrintSummary(fmt::format("{}: thawed {}\n", path, name.get<std::string>()));
  }
  return console.Show(diags, sources, {{"lock", path}, {"thawed", std::move(thawed)}});
}

}  // namespace kb::cli
