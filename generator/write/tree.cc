#include "write/tree.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "write/manifest.h"
#include "write/pass.h"
#include "write/place.h"
#include "write/posix.h"
#include "write/survey.h"

namespace kb::write {
namespace {

using State = Survey::State;

Outcome ToOutcome(const Source& source, Survey survey) {
  Outcome outcome;
  outcome.files = source.size() + 1;
  outcome.bytes = survey.bytes + survey.manifest_bytes;
  const auto add = [&](State state, std::string path) {
    if (state == State::kSame) return;
    const ChangeKind kind = state == State::kMissing ? ChangeKind::kCreate : ChangeKind::kUpdate;
    outcome.changes.push_back({kind, std::move(path)});
  };
  for (size_t i = 0; i < survey.states.size(); ++i) {
    if (survey.states[i] != State::kSame) add(survey.states[i], source.PathOf(i));
  }
  add(survey.manifest, std::string(kManifestName));
  for (std::string& path : survey.obsolete) {
    outcome.changes.push_back({ChangeKind::kDelete, std::move(path)});
  }
  std::ranges::sort(outcome.changes, {}, &Change::path);
  outcome.foreign = std::move(survey.foreign);
  return outcome;
}

Outcome FreshOutcome(const Source& source, uint64_t bytes) {
  return {.fresh = true, .files = source.size() + 1, .bytes = bytes};
}

Digests DigestAll(const Source& source, unsigned threads, Diagnostics& diags) {
  Digests digests(source.size());
  const auto keep = [&](uint32_t i, std::string_view bytes, Scratch&) -> Result<void> {
    digests[i] = Digest(bytes);
    return {};
  };
  // Keeping a digest cannot fail.
  KB_CHECK(RenderAll(source, threads, keep, diags).has_value());
  return digests;
}

bool MustExist(const Fd& root) { return root.ok() || errno != ENOENT; }

}  // namespace

Result<Checked<Outcome>> Apply(const Source& source, const Options& options, Diagnostics& diags) {
  const UmaskGuard umask;
  const Place place(options.root);
  if (auto cleaned = place.RemoveDeadStages(); !cleaned) {
    return std::unexpected(std::move(cleaned).error());
  }
  const Fd root = place.Open();
  if (!MustExist(root)) {
    KB_TRY(bytes, MakeTree(place, source, options, diags));
    if (auto gate = diags.Gate(); !gate) return Checked<Outcome>(std::unexpect, gate.error());
    return FreshOutcome(source, bytes);
  }
  if (!root.ok()) return SystemError("open", options.root);
  if (auto locked = Lock(root, options.root); !locked) {
    return std::unexpected(std::move(locked).error());
  }
  KB_TRY(survey, SurveyTree(root.get(), source, options, diags));
  if (auto gate = diags.Gate(); !gate) return Checked<Outcome>(std::unexpect, gate.error());
  if (auto updated = UpdateTree(root.get(), source, options, survey); !updated) {
    return std::unexpected(std::move(updated).error().Within("writing " + options.root));
  }
  return ToOutcome(source, std::move(survey));
}

Result<Checked<Outcome>> Compare(const Source& source, const Options& options, Diagnostics& diags) {
  const Fd root = Place(options.root).Open();
  if (!MustExist(root)) {
    const Digests digests = DigestAll(source, options.threads, diags);
    if (!diags.has_errors() && options.inspect) options.inspect(digests, diags);
    if (auto gate = diags.Gate(); !gate) return Checked<Outcome>(std::unexpect, gate.error());
    return FreshOutcome(source, 0);
  }
  if (!root.ok()) return SystemError("open", options.root);
  KB_TRY(survey, SurveyTree(root.get(), source, options, diags));
  if (auto gate = diags.Gate(); !gate) return Checked<Outcome>(std::unexpect, gate.error());
  return ToOutcome(source, std::move(survey));
}

Checked<std::string> ManifestText(const Source& source, const Options& options,
                                  Diagnostics& diags) {
  const Digests digests = DigestAll(source, options.threads, diags);
  if (auto gate = diags.Gate(); !gate) return std::unexpected(gate.error());
  std::string text;
  StreamManifest(source, digests, options, [&](std::string_view piece) {
    text += piece;
    return true;
  });
  return text;
}

}  // namespace kb::write
