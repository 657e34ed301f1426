// secrets: makes, checks and exchanges the values that credentials.yaml names. Run on the install
// host; prints names, never values.
#include <algorithm>
#include <memory>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "cli/secret_readers.h"
#include "diag/kinds.h"
#include "secrets/init.h"
#include "secrets/rotation.h"
#include "secrets/vault.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;
using secrets::Folder;
using secrets::RotationStep;
using secrets::Survey;
using Credentials = std::vector<const model::Credential*>;

// A run of the command: what it was asked for, and what the topology says.
struct Run {
  const Options& options;
  const Console& console;
  Compilation c = {};
  Diagnostics diags = {};  // of the secrets alone; those of the topology have `kbgen check`
  std::string folder = {};
  std::unique_ptr<secrets::Store> store = {};  // null: the folder is all there is

  Status Show() const { return console.Show(diags, c.sources); }
  Status Show(const Json& result) const { return console.Show(diags, c.sources, result); }
};

// What is wrong with the arguments, or nothing.
std::string MistakeIn(const Options& o) {
  const bool rotate = o.action == "rotate";
  if (!rotate && !o.names.empty()) return fmt::format("`secrets {}` takes no names", o.action);
  if (!rotate && (o.dry_run || o.finish || o.undo)) {
    return "--dry-run, --finish and --undo belong to `secrets rotate`";
  }
  if (rotate && o.names.empty()) return "which credentials? `kbgen secrets rotate NAME…`";
  if (o.finish && o.undo) return "--finish and --undo exclude each other";
  if (!o.vault_path.empty() && o.provider != "vault") return "--vault-path wants --provider vault";
  return {};
}

Result<void> OpenStore(Run& run) {
  if (run.options.provider != "vault") return {};
  const std::string path = run.options.vault_path.empty()
                               ? fmt::format("secret/{}/global", run.c.model.name.text)
                               : run.options.vault_path;
  KB_TRY(access, secrets::AccessFromEnvironment(path));
  KB_TRY(store, secrets::OpenVault(std::move(access)));
  run.store = std::move(store);
  return {};
}

Status Findings(const Run& run, const std::string& what) {
  return run.console.Complain(what, Status::kFindings);
}

// ---------------------------------------------------------------- init and check

Json Describe(const model::Credential& credential) {
  return {
      {"name", credential.name.text}, {"file", credential.file.text}, {"key", credential.key.text}};
}

void PrintOutcomes(const Run& run, const std::vector<secrets::Outcome>& outcomes) {
  size_t file = 0, key = 0, created = 0;
  for (const secrets::Outcome& outcome : outcomes) {
    file = std::max(file, outcome.credential->file.text.size());
    key = std::max(key, outcome.credential->key.text.size());
    created += outcome.origin == secrets::Origin::kCreated ? 1 : 0;
  }
  for (const secrets::Outcome& outcome : outcomes) {
    run.console.PrintSummary(fmt::format("{:<{}}  {:<{}}  {}\n", outcome.credential->file.text,
                                         file, outcome.credential->key.text, key,
                                         secrets::Name(outcome.origin)));
  }
  run.console.PrintSummary(
      fmt::format("{}: {} secrets, {} created\n", run.folder, outcomes.size(), created));
}

Result<Status> RunInit(Run& run) {
  KB_TRY(folder, Folder::Make(run.folder));
  if (auto locked = folder.Lock(); !locked) return std::unexpected(std::move(locked).error());
  KB_TRY(survey, secrets::Look(folder, run.c.model, run.c.sources, run.diags));
  if (!survey.usable) return run.Show();
  KB_TRY(outcomes, secrets::Init(folder, survey, run.store.get(), run.c.sources, run.diags));
  if (!outcomes) return run.Show();
  PrintOutcomes(run, *outcomes);
  // What was there before may still be wrong.
  KB_TRY(after, secrets::Look(folder, run.c.model, run.c.sources, run.diags));
  secrets::Judge(folder, after, run.c.sources, run.diags);
  Json list = Json::array();
  for (const secrets::Outcome& outcome : *outcomes) {
    Json entry = Describe(*outcome.credential);
    entry["state"] = secrets::Name(outcome.origin);
    list.push_back(std::move(entry));
  }
  return run.Show({{"folder", run.folder}, {"secrets", std::move(list)}});
}

Result<Status> RunCheck(Run& run) {
  KB_TRY(folder, Folder::Open(run.folder));
  KB_TRY(survey, secrets::Look(folder, run.c.model, run.c.sources, run.diags));
  secrets::Judge(folder, survey, run.c.sources, run.diags);
  if (run.store != nullptr && survey.usable) {
    const auto compared = secrets::Compare(survey, *run.store, run.c.sources, run.diags);
    if (!compared) return std::unexpected(compared.error());
  }
  if (!run.diags.has_errors()) {
    run.console.PrintSummary(
        fmt::format("{}: {} secrets, all there\n", run.folder, run.c.model.credentials.size()));
  }
  return run.Show({{"folder", run.folder}, {"secrets", run.c.model.credentials.size()}});
}

// ---------------------------------------------------------------- rotate

struct Rotation {
  const model::Credential* credential;
  Readers readers;
};

std::vector<std::string_view> HostNames(const Run& run, const std::vector<int>& hosts) {
  std::vector<std::string_view> names;
  for (int host : hosts) {
    names.push_back(run.c.model.servers[static_cast<size_t>(host)].name().text);
  }
  return names;
}

std::vector<std::string_view> StepNames(const ServiceReader& reader) {
  std::vector<std::string_view> names;
  for (const lower::PlannedStep* step : reader.steps) names.push_back(step->step->name.text);
  return names;
}

// Why a name cannot be looked up, or nothing.
std::string Resolve(const Run& run, Credentials& credentials) {
  std::vector<std::string_view> known;
  for (const model::Credential& credential : run.c.model.credentials) {
    known.push_back(credential.name.text);
  }
  for (const std::string& name : run.options.names) {
    const auto found = std::ranges::find(known, name);
    if (found == known.end()) {
      const std::string_view near = Nearest(name, known);
      return fmt::format("no credential is called `{}`{}", name,
                         near.empty() ? "" : fmt::format("; did you mean `{}`?", near));
    }
    const auto* credential = &run.c.model.credentials[static_cast<size_t>(found - known.begin())];
    if (std::ranges::find(credentials, credential) == credentials.end()) {
      credentials.push_back(credential);
    }
  }
  return {};
}

void PrintReaders(const Run& run, const Rotation& rotation) {
  const model::Credential& credential = *rotation.credential;
  std::string out = fmt::format("{}: {} in {}, read by\n", credential.name.text,
                                credential.key.text, credential.file.text);
  for (const ServiceReader& reader : rotation.readers.services) {
    out += fmt::format("  service {} on {}\n    steps {}\n", reader.service->service->name().text,
                       fmt::join(HostNames(run, reader.hosts), ", "),
                       fmt::join(StepNames(reader), ", "));
  }
  for (const AppReader& reader : rotation.readers.apps) {
    out += fmt::format("  app {} on {}, which logs in at {}\n", reader.app->model->name.text,
                       fmt::join(HostNames(run, reader.app->members), ", "), reader.service);
  }
  if (rotation.readers.services.empty() && rotation.readers.apps.empty()) out += "  nobody\n";
  run.console.PrintSummary(out);
}

// Each service once, in the order in which they are installed: those that ask others with the
// value, or all the rest.
std::vector<std::string_view> ServicesOf(const lower::PlanFacts& facts,
                                         const std::vector<Rotation>& rotations, bool asking) {
  std::vector<std::string_view> names;
  for (int index : facts.order) {
    const lower::PlannedService* planned = &facts.services[static_cast<size_t>(index)];
    bool reads = false, asks = false;
    for (const Rotation& rotation : rotations) {
      for (const ServiceReader& reader : rotation.readers.services) {
        reads |= reader.service == planned;
        asks |= reader.service == planned && reader.asks;
      }
    }
    if (reads && asks == asking) names.push_back(planned->service->name().text);
  }
  return names;
}

std::string Repeated(const Run& run, std::string_view flag) {
  std::string command = fmt::format("kbgen secrets rotate {}", flag);
  for (const std::string& name : run.options.names) command += " " + name;
  if (run.store != nullptr) command += " --provider vault";
  if (!run.options.vault_path.empty()) command += " --vault-path " + run.options.vault_path;
  return command;
}

// What a person has to do now, line by line.
std::vector<std::string> NextMoves(const Run& run, const lower::PlanFacts& facts,
                                   const std::vector<Rotation>& rotations, RotationStep step) {
  std::vector<std::string> moves;
  if (step == RotationStep::kFinish) return moves;
  for (const bool asking : {false, true}) {
    const auto services = ServicesOf(facts, rotations, asking);
    if (services.empty()) continue;
    moves.push_back(fmt::format("kbgen apply --module {}", fmt::join(services, ",")));
  }
  for (const Rotation& rotation : rotations) {
    for (const ServiceReader& reader : rotation.readers.services) {
      if (reader.secret == nullptr || reader.secret->rotation.empty()) continue;
      const std::string move =
          fmt::format("{}: {}", reader.service->service->name().text, reader.secret->rotation);
      if (std::ranges::find(moves, move) == moves.end()) moves.push_back(move);
    }
    for (const AppReader& reader : rotation.readers.apps) {
      moves.push_back(fmt::format("give app {} the new value of {} when {} has it",
                                  reader.app->model->name.text, rotation.credential->key.text,
                                  reader.service));
    }
  }
  if (step == RotationStep::kBegin) {
    moves.push_back(fmt::format("{}   # or --undo, which brings the former value back",
                                Repeated(run, "--finish")));
  }
  return moves;
}

Json DescribeRotation(const Run& run, const Rotation& rotation) {
  Json described = Describe(*rotation.credential);
  described["services"] = Json::array();
  for (const ServiceReader& reader : rotation.readers.services) {
    described["services"].push_back({{"name", reader.service->service->name().text},
                                     {"hosts", HostNames(run, reader.hosts)},
                                     {"steps", StepNames(reader)}});
  }
  described["apps"] = Json::array();
  for (const AppReader& reader : rotation.readers.apps) {
    described["apps"].push_back({{"name", reader.app->model->name.text},
                                 {"hosts", HostNames(run, reader.app->members)},
                                 {"at", reader.service}});
  }
  return described;
}

Status ShowRotations(Run& run, const lower::PlanFacts& facts,
                     const std::vector<Rotation>& rotations, RotationStep step) {
  Json list = Json::array();
  for (const Rotation& rotation : rotations) {
    if (step != RotationStep::kFinish) PrintReaders(run, rotation);
    list.push_back(DescribeRotation(run, rotation));
  }
  const bool taken = !run.options.dry_run;
  constexpr std::string_view kDone[] = {"has a new value", "is rotated; the former value is gone",
                                        "has its former value again"};
  if (taken) {
    for (const Rotation& rotation : rotations) {
      run.console.PrintSummary(
          fmt::format("{} {}\n", rotation.credential->name.text, kDone[static_cast<size_t>(step)]));
    }
  }
  const auto moves = NextMoves(run, facts, rotations, step);
  if (!moves.empty()) run.console.PrintSummary(taken ? "next:\n" : "afterwards:\n");
  for (const std::string& move : moves) run.console.PrintSummary(fmt::format("  {}\n", move));
  return run.Show({{"taken", taken}, {"rotations", std::move(list)}, {"next", moves}});
}

// Whether the estate lets all of them rotate; what does not is reported.
bool MayRotate(Run& run, const std::vector<Rotation>& rotations) {
  for (const Rotation& rotation : rotations) {
    const std::string reason = ReasonAgainstRotation(*rotation.credential, rotation.readers);
    if (reason.empty()) continue;
    run.diags.Emit(diag::kRotationRefused, rotation.credential->name.span,
                   {.help = "a new value would be one that what runs does not know"},
                   rotation.credential->name.text, reason);
  }
  return !run.diags.has_errors();
}

Result<Status> RunRotate(Run& run) {
  const RotationStep step = run.options.finish ? RotationStep::kFinish
                            : run.options.undo ? RotationStep::kUndo
                                               : RotationStep::kBegin;
  Credentials credentials;
  if (const std::string mistake = Resolve(run, credentials); !mistake.empty()) {
    return Findings(run, mistake);
  }
  const lower::PlanFacts facts = lower::GatherFacts(run.c.plan);
  std::vector<Rotation> rotations;
  for (const model::Credential* credential : credentials) {
    rotations.push_back({credential, ReadersOf(run.c, facts, *credential)});
  }
  if (step == RotationStep::kBegin && !MayRotate(run, rotations)) return run.Show();
  if (run.options.dry_run) return ShowRotations(run, facts, rotations, step);

  KB_TRY(folder, Folder::Open(run.folder));
  if (auto locked = folder.Lock(); !locked) return std::unexpected(std::move(locked).error());
  KB_TRY(survey, secrets::Look(folder, run.c.model, run.c.sources, run.diags));
  if (!survey.usable) return run.Show();
  for (const model::Credential* credential : credentials) {
    const auto obstacle = secrets::ObstacleTo(step, survey.Of(*credential), *credential);
    if (!obstacle.empty()) return Findings(run, obstacle);
  }
  const auto taken = secrets::Take(step, folder, survey, credentials, run.store.get());
  if (!taken) return std::unexpected(taken.error());
  return ShowRotations(run, facts, rotations, step);
}

Result<Status> RunAction(Run& run) {
  const auto compiled = Compile({run.options.model, run.options.modules}, run.c);
  if (!compiled) return std::unexpected(compiled.error());
  if (!*compiled) return run.console.Show(run.c.diags, run.c.sources);
  run.folder = run.options.credentials.empty()
                   ? fmt::format("{}/credentials", run.c.model.install_root.text)
                   : run.options.credentials;
  if (auto opened = OpenStore(run); !opened) return std::unexpected(std::move(opened).error());
  if (run.options.action == "init") return RunInit(run);
  if (run.options.action == "check") return RunCheck(run);
  return RunRotate(run);
}

}  // namespace

Status Secrets(const Options& options) {
  const Console console(options);
  if (const std::string mistake = MistakeIn(options); !mistake.empty()) {
    return console.Complain(mistake, Status::kUsage);
  }
  secrets::HardenProcess();
  Run run{.options = options, .console = console};
  const auto status = RunAction(run);
  return status ? *status : console.Fail(status.error());
}

}  // namespace kb::cli
