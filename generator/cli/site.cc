#include "cli/site.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/core.h>

#include "base/digest.h"
#include "base/files.h"
#include "base/strings.h"
#include "bundle/unpack.h"
#include "run/record.h"

namespace kb::cli {
namespace {

constexpr std::string_view kAgent = "lib/agent.sh";
constexpr const char* kSums = "SHA256SUMS";
// More threads than this wait for the same disk.
constexpr unsigned kThreads = 4;

std::unexpected<Trouble> Usage(std::string message) {
  return std::unexpected(Trouble{Status::kUsage, std::move(message)});
}
std::unexpected<Trouble> Environment(std::string message) {
  return std::unexpected(Trouble{Status::kEnvironment, std::move(message)});
}

std::string_view UserName() {
  // Whoever used sudo, not what they became.
  for (const char* variable : {"SUDO_USER", "USER", "LOGNAME"}) {
    const char* value = std::getenv(variable);
    if (value && *value) return value;
  }
  return {};
}

// `names` as one list, also when they are given with commas; `find` gives an index or -1.
template <class Find>
Tried<std::vector<int>> Indices(const std::vector<std::string>& names, std::string_view option,
                                std::string_view noun, const Find& find) {
  std::vector<int> indices;
  for (const std::string& list : names) {
    for (std::string_view name : Split(list, ',')) {
      const int index = find(name);
      if (index < 0) return Usage(fmt::format("{}: the plan has no {} `{}`", option, noun, name));
      indices.push_back(index);
    }
  }
  return indices;
}

Tried<void> ActsFromInstallHost(const run::Plan& plan, const Options& options,
                                const run::Ways& ways) {
  if (options.run.from_here || plan.install < 0) return {};
  const run::Server& install = plan.servers[static_cast<size_t>(plan.install)];
  if (run::IsHere(install.address, ways)) return {};
  return Environment(fmt::format(
      "this is not `{}` ({}), from which this estate is installed: its journal, logs and "
      "credentials lie there. Go there, or say --from-here (and --state DIR for the journal)",
      install.name, install.ip));
}

// Where what the bundle holds lies: beside it, once. Steps on this host run from there, also longer
// than this process, and so do repetitions.
Tried<std::string> FolderOf(const std::string& file, const std::string& signers) {
  constexpr std::string_view kEnding = ".tar.zst";
  constexpr size_t kShownDigits = 12;
  if (signers.empty()) return Usage("--bundle wants --signers: whose bundles are welcome");
  const bundle::VerifyOptions verify{.signers = signers, .newer_than = {}, .topology = {}};
  auto read = bundle::Verify(file, verify);
  if (!read) return Environment(std::move(read).error().message);
  std::string folder = file;
  if (folder.ends_with(kEnding)) folder.resize(folder.size() - kEnding.size());
  folder += '-' + read->tree.substr(0, kShownDigits);
  if (!PathExists(folder)) {
    auto unpacked = bundle::Unpack(file, folder, verify);
    if (!unpacked) return Environment(std::move(unpacked).error().message);
    return folder;
  }
  // Unpacked before. The signed list must be this bundle's; all else is compared with that list.
  const auto sums = ReadFile(JoinPath(folder, kSums));
  const auto listed = std::ranges::find(read->files, kSums, &bundle::File::path);
  if (sums && listed != read->files.end() && Digest(*sums) == listed->digest) return folder;
  return Environment(
      fmt::format("`{}` is there and is not what `{}` holds: move it away", folder, file));
}

}  // namespace

Tried<Site> OpenSite(const Options& options) {
  if (options.run.bundle.empty()) return OpenSite(options, options.out);
  auto folder = FolderOf(options.run.bundle, options.signers);
  if (!folder) return std::unexpected(std::move(folder).error());
  return OpenSite(options, *folder);
}

Tried<Site> OpenSite(const Options& options, const std::string& tree) {
  Site site;
  // Scripts that run on this host are called by their whole path.
  std::error_code error;
  const std::string path = std::filesystem::canonical(tree, error).string();
  if (error) return Environment(fmt::format("cannot open `{}`: {}", tree, error.message()));
  auto read = run::ReadTree(path, kThreads);
  if (!read) return Environment(std::move(read).error().message);
  site.tree = std::move(*read);
  site.expected = run::ExpectedOf(site.tree);
  auto ways = run::FindWays();
  if (!ways) return Environment(std::move(ways).error().message);
  site.ways = std::move(*ways);
  if (options.run.enrol) site.ways.host_keys = run::Ways::HostKeys::kEnrol;
  if (auto here = ActsFromInstallHost(site.tree.plan, options, site.ways); !here) {
    return std::unexpected(std::move(here).error());
  }
  for (const run::TreeFile& file : site.tree.files) {
    if (file.path != kAgent) continue;
    auto agent = run::ReadVerified(site.tree, file);
    if (!agent) return Environment(std::move(agent).error().message);
    site.agent = std::move(*agent);
  }
  if (site.agent.empty()) return Environment(fmt::format("`{}` has no {}", tree, kAgent));
  const std::string& root = site.tree.plan.root;
  const bool elsewhere = !options.run.state.empty();
  const std::string base = elsewhere ? options.run.state : root;
  site.state = elsewhere ? base : JoinPath(base, "state");
  site.logs = JoinPath(base, "logs");
  site.reports = JoinPath(base, "reports");
  return site;
}

Tried<run::Selection> SelectionOf(const Options& options, const run::Plan& plan,
                                  run::StepKind kind) {
  run::Selection selection;
  selection.kind = kind;
  auto servers = Indices(options.run.limit, "--limit", "server",
                         [&](std::string_view name) { return plan.FindServer(name); });
  if (!servers) return std::unexpected(std::move(servers).error());
  selection.servers = std::move(*servers);
  auto services = Indices(options.run.services, "--module", "service",
                          [&](std::string_view name) { return plan.FindService(name); });
  if (!services) return std::unexpected(std::move(services).error());
  selection.services = std::move(*services);
  selection.jobs = options.jobs;
  selection.keep_going = options.run.keep_going;
  selection.dry_run = options.run.dry_run;
  if (options.run.gate_timeout_s > 0) {
    selection.limits.gate_timeout = static_cast<run::Time>(options.run.gate_timeout_s) * 1000;
  }
  return selection;
}

std::string WhoRuns() {
  std::array<char, 256> host = {};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const std::string_view user = UserName();
  return fmt::format("{}@{}", user.empty() ? fmt::format("{}", getuid()) : std::string(user),
                     host.data());
}

std::string NewRunId() {
  std::array<uint8_t, 3> random = {};
  // Two runs of one second have different locks, so that this is for the eye alone.
  if (getrandom(random.data(), random.size(), 0) < 0) random = {};
  std::string id;
  for (char c : run::UtcNow()) {
    if (IsDigit(c) || c == 'T') id += c;
  }
  for (uint8_t byte : random) id += fmt::format("{}{:02x}", id.size() == 15 ? "-" : "", byte);
  return id;
}

}  // namespace kb::cli
