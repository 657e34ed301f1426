#include <algorithm>
#include <string>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "cli/frozen.h"
#include "cli/paint_diff.h"
#include "cli/plan_source.h"
#include "render/render.h"
#include "write/diff.h"
#include "write/manifest.h"
#include "write/tree.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;
using write::ChangeKind;
using write::Outcome;

// More than a person reads; the count always says how many there are.
constexpr size_t kListedMax = 100;
constexpr size_t kDiffLinesMax = 2000;

size_t CountOf(const Outcome& outcome, ChangeKind kind) {
  if (outcome.fresh) return kind == ChangeKind::kCreate ? outcome.files : 0;
  return static_cast<size_t>(std::ranges::count(outcome.changes, kind, &write::Change::kind));
}

bool IsUpToDate(const Outcome& outcome) { return !outcome.fresh && outcome.changes.empty(); }

std::string List(const Outcome& outcome) {
  std::string text;
  for (size_t i = 0; i < std::min(outcome.changes.size(), kListedMax); ++i) {
    const write::Change& change = outcome.changes[i];
    const char mark = change.kind == ChangeKind::kCreate   ? '+'
                      : change.kind == ChangeKind::kUpdate ? '~'
                                                           : '-';
    text += fmt::format("{} {}\n", mark, change.path);
  }
  if (outcome.changes.size() > kListedMax) {
    text += fmt::format("… and {} more\n", outcome.changes.size() - kListedMax);
  }
  for (size_t i = 0; i < std::min(outcome.foreign.size(), kListedMax); ++i) {
    text += fmt::format("? {} is not kbgen's and was left alone\n", outcome.foreign[i]);
  }
  if (outcome.foreign.size() > kListedMax) {
    text += fmt::format("… and {} more foreign files\n", outcome.foreign.size() - kListedMax);
  }
  return text;
}

std::string Summary(const Outcome& outcome, const std::string& out) {
  const size_t created = CountOf(outcome, ChangeKind::kCreate);
  const size_t updated = CountOf(outcome, ChangeKind::kUpdate);
  return fmt::format("{}: {} files, {} kB: {} created, {} updated, {} deleted, {} unchanged\n", out,
                     outcome.files, (outcome.bytes + 999) / 1000, created, updated,
                     CountOf(outcome, ChangeKind::kDelete), outcome.files - created - updated);
}

Json ToJson(const Outcome& outcome, const Options& options) {
  Json changes = Json::array();
  for (const write::Change& change : outcome.changes) {
    const char* kind = change.kind == ChangeKind::kCreate   ? "create"
                       : change.kind == ChangeKind::kUpdate ? "update"
                                                            : "delete";
    changes.push_back({{"kind", kind}, {"path", change.path}});
  }
  return {{"out", options.out},
          {"files", outcome.files},
          {"bytes", outcome.bytes},
          {"fresh", outcome.fresh},
          {"created", CountOf(outcome, ChangeKind::kCreate)},
          {"updated", CountOf(outcome, ChangeKind::kUpdate)},
          {"deleted", CountOf(outcome, ChangeKind::kDelete)},
          {"changes", std::move(changes)},
          {"foreign", outcome.foreign}};
}

// What a file will be: rendered once more, because nothing keeps all texts.
write::FileState Wanted(const PlanSource& source, const write::Options& tree,
                        const std::string& path) {
  Diagnostics said_before;
  if (path == write::kManifestName) {
    return {true, false, write::ManifestText(source, tree, said_before).value_or("")};
  }
  const size_t index = source.Find(path);
  if (index == source.size()) return {};
  write::FileState state = {true, source.IsExecutable(index), ""};
  source.Render(index, state.bytes, said_before);
  return state;
}

// The differences, until they are more than a person reads.
Result<std::string> Differences(const Outcome& outcome, const PlanSource& source,
                                const write::Options& tree) {
  std::string text;
  size_t lines = 0;
  size_t shown = 0;
  for (const write::Change& change : outcome.changes) {
    // Digests that follow from the other differences say nothing new.
    if (change.path == write::kManifestName && outcome.changes.size() > 1) {
      ++shown;
      continue;
    }
    if (lines >= kDiffLinesMax) break;
    KB_TRY(now, write::ReadState(JoinPath(tree.root, change.path)));
    const std::string diff = write::GitDiff(change.path, now, Wanted(source, tree, change.path));
    lines += static_cast<size_t>(std::ranges::count(diff, '\n'));
    text += diff;
    ++shown;
  }
  if (shown < outcome.changes.size()) {
    text += fmt::format("… and {} more files differ\n", outcome.changes.size() - shown);
  }
  return text;
}

// What a run that was refused leaves to say: the tree is as it was.
Status Refuse(const Options& options, const Console& console, const Compilation& c,
              const FrozenGuard& guard) {
  if (console.text_format() && !options.quiet) {
    console.Print(PaintDiff(guard.differences(), console.color_on_stdout()));
  }
  return console.Show(c.diags, c.sources, guard.ToJson());
}

Status CheckTree(const Options& options, const Console& console, Compilation& c,
                 const PlanSource& source, const FrozenGuard& guard, const write::Options& tree) {
  const auto outcome = write::Compare(source, tree, c.diags);
  if (!outcome) return console.Fail(outcome.error());
  if (!*outcome) return Refuse(options, console, c, guard);
  const Status shown = console.Show(c.diags, c.sources, ToJson(**outcome, options));
  if (shown != Status::kDone) return shown;
  if (IsUpToDate(**outcome)) {
    console.PrintSummary(
        fmt::format("{} is up to date: {} files\n", options.out, (*outcome)->files));
    return Status::kDone;
  }
  if (!console.text_format()) return Status::kFindings;
  auto differences = Differences(**outcome, source, tree);
  if (!differences) return console.Fail(differences.error());
  if (!options.quiet) console.Print(PaintDiff(*differences, console.color_on_stdout()));
  const std::string_view missing = (*outcome)->fresh ? " (there is none)" : "";
  return console.Complain(fmt::format("`{}` is not what {} gives{}: run `kbgen render`",
                                      options.out, options.model, missing),
                          Status::kFindings);
}

}  // namespace

Status Render(const Options& options) {
  const Console console(options);
  Compilation c;
  const auto compiled = Compile({options.model, options.modules}, c);
  if (!compiled) return console.Fail(compiled.error());
  if (!*compiled) return console.Show(c.diags, c.sources);
  console.Progress(fmt::format("compiled {}: {} servers, {} services", options.model,
                               c.model.servers.size(), c.graph.services.size()));

  const render::Renderer renderer(c.plan, c.sources, c.diags);
  if (c.diags.has_errors()) return console.Show(c.diags, c.sources);
  const PlanSource source(c.plan, renderer);
  const unsigned threads = ThreadsFor(c.plan, options.jobs);
  FrozenGuard guard(c, renderer, source, {.out = options.out, .threads = threads});
  const write::Options tree = {.root = options.out,
                               .threads = threads,
                               .header = ManifestHeader(c.plan),
                               .inspect = guard.AsInspect()};
  console.Progress(fmt::format("rendering {} files on {} threads", source.size(), tree.threads));
  if (options.check) return CheckTree(options, console, c, source, guard, tree);

  const auto outcome = write::Apply(source, tree, c.diags);
  if (!outcome) return console.Fail(outcome.error());
  if (!*outcome) return Refuse(options, console, c, guard);
  console.PrintSummary(List(**outcome) + Summary(**outcome, options.out));
  return console.Show(c.diags, c.sources, ToJson(**outcome, options));
}

}  // namespace kb::cli
