#include "cli/breach.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/digest.h"
#include "base/files.h"
#include "base/strings.h"
#include "cli/causes.h"
#include "cli/trace.h"
#include "diag/kinds.h"
#include "freeze/line.h"
#include "write/diff.h"

namespace kb::cli {
namespace {

using freeze::Change;
using Kind = freeze::Subject::Kind;

constexpr size_t kNamedMax = 10;
constexpr size_t kDiffLinesMax = 2000;
constexpr size_t kLinesShownMax = 200;  // of the lock; the rest is for the files
// What explains the first files explains the others: a change of a setting is on every server.
constexpr size_t kTracedFilesMax = 20;
constexpr size_t kTracedLinesMax = 200;
// Where no old text is there, no difference fills the screen, either.
constexpr size_t kLookedAtMax = 1000;

enum class Fate : uint8_t { kChanged, kAdded, kRemoved };
constexpr std::array<std::string_view, 3> kFates{"changed", "added", "removed"};

Fate FateOf(const Change& change) {
  if (change.was.empty()) return Fate::kAdded;
  return change.now.empty() ? Fate::kRemoved : Fate::kChanged;
}

Kind KindOf(const Change& change) { return freeze::SubjectOf(change.line()).kind; }

// "2 files changed, 1 step added"
std::string Count(std::span<const Change> changes) {
  constexpr std::array<std::string_view, 3> kKinds{"server", "step", "file"};
  std::array<std::array<size_t, kFates.size()>, kKinds.size()> counts{};
  for (const Change& change : changes) {
    ++counts[static_cast<size_t>(KindOf(change))][static_cast<size_t>(FateOf(change))];
  }
  std::vector<std::string> parts;
  for (size_t kind = 0; kind < kKinds.size(); ++kind) {
    for (size_t fate = 0; fate < kFates.size(); ++fate) {
      const size_t n = counts[kind][fate];
      if (n == 0) continue;
      parts.push_back(fmt::format("{} {}{} {}", n, kKinds[kind], n == 1 ? "" : "s", kFates[fate]));
    }
  }
  return Join(parts, ", ");
}

class Explainer {
 public:
  Explainer(const Breach& breach, const Evidence& evidence, std::string& diff)
      : breach_(breach),
        evidence_(evidence),
        diff_(diff),
        graph_(evidence.c.graph),
        service_(graph_.services[static_cast<size_t>(breach.service)]) {}

  void Explain(Diagnostics& diags) {
    LookAtLines();
    for (const Change& change : breach_.changes) {
      if (KindOf(change) == Kind::kFile) LookAtFile(change);
    }
    std::vector<Label> labels = causes_.Labels(evidence_.c.sources);
    NameChanges(labels);
    NameUnseen(labels);
    if (only_taken_away_) {
      labels.push_back({{}, "of lines that are only taken away nothing tells who wrote them"});
    }
    const std::string_view name = breach_.block->service.text;
    diags.Emit(
        diag::kFrozenChanged, breach_.block->service.span,
        {.labels = std::move(labels),
         .help = fmt::format("take the change back, or `kbgen thaw {} --by … --why … --on …` "
                             "on purpose; nothing was written",
                             name)},
        name, freeze::Describe(breach_.block->frozen), Count(breach_.changes));
  }

 private:
  const module::Output& OutputOf(const Change& change) const {
    const lower::Plan& plan = evidence_.c.plan;
    return *plan.OutputOf(plan.artifacts[breach_.artifacts[change.file]]);
  }

  // What no text shows: servers, steps, modes, owners. The lock's own lines do.
  void LookAtLines() {
    std::string was, now;
    size_t shown = 0;
    for (const Change& change : breach_.changes) {
      const Fate fate = FateOf(change);
      const bool file = KindOf(change) == Kind::kFile;
      // A file that comes or goes has a difference of its own.
      if (file && fate != Fate::kChanged) continue;
      if (file && freeze::DescribeChange(change.was, change.now) == "content") continue;
      if (KindOf(change) == Kind::kServer) LookAtServer(change);
      if (KindOf(change) == Kind::kStep) LookAtStep(change);
      if (++shown > kLinesShownMax) continue;
      if (fate != Fate::kAdded) was.append(change.was).append("\n");
      if (fate != Fate::kRemoved) now.append(change.now).append("\n");
    }
    if (shown > kLinesShownMax) not_shown_ += shown - kLinesShownMax;
    const std::string_view name = breach_.block->service.text;
    AppendDiff(write::UnifiedDiff(was, now, fmt::format("{}, frozen", name),
                                  fmt::format("{}, rendered", name)));
  }

  // A lost server is reported before anything is rendered.
  void LookAtServer(const Change& change) {
    const std::string name = freeze::NameOf(change.line());
    const int server = graph_.model->FindServer(name);
    if (server < 0) return;
    new_servers_.insert(name);
    causes_.AddPlace(graph_.model->servers[static_cast<size_t>(server)].name().span,
                     fmt::format("`{}` has this server now", breach_.block->service.text));
  }

  void LookAtStep(const Change& change) {
    const std::string name = freeze::NameOf(change.line());
    for (const module::Step& step : service_.manifest->steps) {
      if (step.name.text == name) return causes_.AddPlace(step.name.span, "declares the step");
    }
    causes_.AddPlace(service_.manifest->span,
                     fmt::format("the module has no step `{}` any more", name));
  }

  void LookAtFile(const Change& change) {
    if (diff_lines_ >= kDiffLinesMax || ++looked_at_ > kLookedAtMax) {
      ++not_shown_;
      return;
    }
    const std::string path = freeze::NameOf(change.line());
    switch (FateOf(change)) {
      case Fate::kAdded:
        if (!IsOnNewServer(change)) {
          causes_.AddPlace(OutputOf(change).tmpl.span, fmt::format("renders `{}`", path));
        }
        return Show(path, write::FileState{}, Render(change, nullptr));
      case Fate::kRemoved:
        causes_.AddPlace(service_.model->span, fmt::format("does not render `{}` any more", path));
        return Show(path, OldText(change, path), write::FileState{});
      case Fate::kChanged:
        return LookAtChangedFile(change, path);
    }
  }

  void LookAtChangedFile(const Change& change, const std::string& path) {
    const std::string how = freeze::DescribeChange(change.was, change.now);
    if (how != "content") {
      const bool elsewhere = how.find("lands at") != std::string::npos;
      causes_.AddPlace(elsewhere ? graph_.model->install_root.span : OutputOf(change).tmpl.span,
                       fmt::format("decides how `{}` lands", path));
    }
    if (freeze::DigestOf(change.was) == freeze::DigestOf(change.now)) return;
    std::vector<tmpl::Segment> trace;
    const write::FileState now = Render(change, &trace);
    const std::optional<write::FileState> was = OldText(change, path);
    Show(path, was, now);
    if (!was || ++traced_ > kTracedFilesMax) return;
    const std::vector<uint32_t> lines = write::NewLines(was->bytes, now.bytes);
    only_taken_away_ |= lines.empty();
    for (const uint32_t number : std::span(lines).first(std::min(lines.size(), kTracedLinesMax))) {
      const auto line = FindLine(now.bytes, number);
      if (!line) continue;
      causes_.AddLine(path, number, OriginsOf(now.bytes, *line, trace, evidence_.c.sources));
    }
  }

  bool IsOnNewServer(const Change& change) const {
    const lower::Artifact& artifact = evidence_.c.plan.artifacts[breach_.artifacts[change.file]];
    if (artifact.server < 0) return false;
    const auto server = static_cast<size_t>(artifact.server);
    return new_servers_.contains(std::string(graph_.model->servers[server].name().text));
  }

  write::FileState Render(const Change& change, std::vector<tmpl::Segment>* trace) const {
    const uint32_t item = breach_.artifacts[change.file];
    write::FileState state = {true, evidence_.source.IsExecutable(item), ""};
    Diagnostics said_before;
    evidence_.renderer.Render(evidence_.c.plan.artifacts[item], state.bytes, trace, said_before);
    return state;
  }

  // The text that was frozen, if it is what the tree holds.
  std::optional<write::FileState> OldText(const Change& change, const std::string& path) {
    auto state = write::ReadState(JoinPath(evidence_.out, path));
    if (state && state->exists && Hex(Digest(state->bytes)) == freeze::DigestOf(change.was)) {
      return std::move(*state);
    }
    unseen_.push_back(path);
    return std::nullopt;
  }

  void Show(const std::string& path, const std::optional<write::FileState>& was,
            const write::FileState& now) {
    if (was) AppendDiff(write::GitDiff(path, *was, now));
  }

  void AppendDiff(const std::string& text) {
    diff_lines_ += static_cast<size_t>(std::ranges::count(text, '\n'));
    diff_ += text;
  }

  void NameChanges(std::vector<Label>& labels) const {
    const size_t named = std::min(breach_.changes.size(), kNamedMax);
    for (const Change& change : breach_.changes.first(named)) {
      const Fate fate = FateOf(change);
      const std::string_view what = KindOf(change) == Kind::kServer ? "server "
                                    : KindOf(change) == Kind::kStep ? "step "
                                                                    : "";
      std::string text = fmt::format("{}: {}`{}`", kFates[static_cast<size_t>(fate)], what,
                                     freeze::NameOf(change.line()));
      if (fate == Fate::kChanged) {
        text.append(": ").append(freeze::DescribeChange(change.was, change.now));
      }
      labels.push_back({{}, std::move(text)});
    }
    if (breach_.changes.size() > named) {
      labels.push_back({{}, fmt::format("… and {} more", breach_.changes.size() - named)});
    }
  }

  void NameUnseen(std::vector<Label>& labels) {
    if (not_shown_ > 0) diff_ += fmt::format("… and {} more differences\n", not_shown_);
    if (unseen_.empty()) return;
    const size_t named = std::min(unseen_.size(), kNamedMax);
    std::string names = fmt::format("`{}`", Join(std::span(unseen_).first(named), "`, `"));
    if (unseen_.size() > named) names += fmt::format(" and {} more", unseen_.size() - named);
    labels.push_back(
        {{},
         fmt::format(
             "`{}` does not hold what was frozen of {}: the old text and the cause cannot be shown",
             evidence_.out, names)});
  }

  const Breach& breach_;
  const Evidence& evidence_;
  std::string& diff_;
  const graph::Graph& graph_;
  const graph::Service& service_;
  Causes causes_;
  std::set<std::string> new_servers_;
  std::vector<std::string> unseen_;  // changed or removed, and the old text is not there
  size_t diff_lines_ = 0;
  size_t looked_at_ = 0;
  size_t not_shown_ = 0;
  size_t traced_ = 0;
  bool only_taken_away_ = false;
};

}  // namespace

void Explain(const Breach& breach, const Evidence& evidence, std::string& diff,
             Diagnostics& diags) {
  Explainer(breach, evidence, diff).Explain(diags);
}

}  // namespace kb::cli
