#include <algorithm>
#include <optional>
#include <string>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/strings.h"
#include "bundle/make.h"
#include "bundle/unpack.h"
#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "cli/plan_source.h"
#include "cli/version.h"
#include "module/embedded.h"
#include "render/render.h"
#include "write/tree.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string_view VerifyScript() {
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (file.path == "generator/bundle/verify.sh") return file.bytes;
  }
  return {};
}

// The path as it is seen from the topology's folder: the same on every machine.
std::string SeenFrom(const std::string& folder, const std::string& path) {
  auto base = Split(folder.empty() ? "." : folder, '/');
  auto parts = Split(path, '/');
  std::erase(base, "."), std::erase(parts, ".");
  const auto [at, from] = std::ranges::mismatch(base, parts);
  std::string seen;
  for (auto i = at; i != base.end(); ++i) seen += "../";
  for (auto i = from; i != parts.end(); ++i) {
    if (i != from) seen += '/';
    seen += *i;
  }
  return seen;
}

// What the tree was rendered from. A tree that the model does not give would be signed with a false
// origin, so it is rendered once more and compared.
Result<Checked<std::vector<bundle::Input>>> InputsOf(const Options& options, Compilation& c) {
  using Inputs = std::vector<bundle::Input>;
  KB_TRY(compiled, Compile({options.model, options.modules}, c));
  if (!compiled) return Checked<Inputs>(std::unexpect, compiled.error());
  const render::Renderer renderer(c.plan, c.sources, c.diags);
  if (auto gate = c.diags.Gate(); !gate) return Checked<Inputs>(std::unexpect, gate.error());
  const PlanSource source(c.plan, renderer);
  const write::Options tree{.root = options.out,
                            .threads = ThreadsFor(c.plan, options.jobs),
                            .header = ManifestHeader(c.plan)};
  KB_TRY(outcome, write::Compare(source, tree, c.diags));
  if (!outcome) return Checked<Inputs>(std::unexpect, outcome.error());
  if (outcome->fresh || !outcome->changes.empty()) {
    const std::string first = outcome->fresh
                                  ? "there is no tree"
                                  : fmt::format("{} files differ, `{}` is the first",
                                                outcome->changes.size(), outcome->changes[0].path);
    return Fail(fmt::format("{} is not what {} gives ({}): render, review, then bundle",
                            options.out, options.model, first));
  }
  Inputs inputs;
  std::vector<std::string> files = c.model.files;
  for (const std::string& modules : options.modules) {
    KB_TRY(below, ListTree(modules));
    for (const std::string& file : below) files.push_back(JoinPath(modules, file));
  }
  const std::string folder = DirectoryOf(options.model);
  for (const std::string& path : files) {
    KB_TRY(bytes, ReadFile(path));
    inputs.push_back({SeenFrom(folder, path), Digest(bytes)});
  }
  std::ranges::sort(inputs, {}, &bundle::Input::name);
  return inputs;
}

std::string Plural(size_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

// What a site has to provide, a line a kind.
std::string NeedsText(const bundle::Made& made) {
  std::string text;
  for (auto need = made.needs.begin(); need != made.needs.end();) {
    const bundle::NeedKind kind = need->kind;
    std::vector<std::string> names;
    for (; need != made.needs.end() && need->kind == kind; ++need) {
      if (!need->carried) names.push_back(need->what);
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    if (names.empty()) continue;
    text += fmt::format("  {}: {}\n", bundle::NameOf(kind), Join(names, ", "));
  }
  return text;
}

Json ToJson(const bundle::Made& made, const std::string& file) {
  Json needs = Json::array();
  for (const bundle::Need& need : made.needs) {
    if (!need.carried) needs.push_back({{"kind", bundle::NameOf(need.kind)}, {"what", need.what}});
  }
  return {{"file", file},
          {"topology", made.facts.topology},
          {"tree", made.facts.tree},
          {"serial", made.facts.serial},
          {"files", made.files},
          {"bytes", made.bytes},
          {"air_gapped", made.facts.air_gapped},
          {"needs", std::move(needs)}};
}

Status MakeBundle(const Console& console, const Options& options) {
  if (options.file.empty()) return console.Complain("say --to FILE.tar.zst", Status::kUsage);
  bundle::MakeOptions make{.root = options.out,
                           .to = options.file,
                           .key = options.key,
                           .images = options.images,
                           .packages = options.packages,
                           .air_gapped = options.air_gapped,
                           .verify_script = VerifyScript()};
  if (!options.serial.empty()) {
    make.serial = ParseUnsigned(options.serial);
    if (!make.serial) {
      return console.Complain(fmt::format("--serial `{}` is no number", options.serial),
                              Status::kUsage);
    }
  }
  const auto program = ReadFile("/proc/self/exe");
  if (!program) return console.Fail(program.error());
  make.tool = {std::string(kVersion), Hex(Digest(*program))};
  Compilation c;
  // A tree that was handed over without its model can be bundled, too; it has no known origin.
  if (PathExists(options.model)) {
    auto inputs = InputsOf(options, c);
    if (!inputs) return console.Fail(inputs.error());
    if (!*inputs) return console.Show(c.diags, c.sources);
    make.inputs = std::move(**inputs);
  } else if (options.model != Options().model) {
    return console.Complain(fmt::format("there is no `{}`", options.model), Status::kEnvironment);
  }
  const auto made = bundle::Make(make, c.sources, c.diags);
  if (!made) return console.Fail(made.error());
  if (!*made) return console.Show(c.diags, c.sources);
  const bundle::Facts& facts = (*made)->facts;
  console.PrintSummary(fmt::format("{}: {} of {}, {} kB, tree {}, serial {}, {}\n", options.file,
                                   Plural((*made)->files, "file"), facts.topology,
                                   ((*made)->bytes + 999) / 1000, facts.tree.substr(0, 12),
                                   facts.serial, options.key.empty() ? "not signed" : "signed"));
  const std::string needs = NeedsText(**made);
  if (!needs.empty()) console.PrintSummary("The site provides:\n" + needs);
  // What there is to know about the model, `check` has told.
  return console.Show({}, {}, ToJson(**made, options.file));
}

Status VerifyBundle(const Console& console, const Options& options) {
  if (options.file.empty() || options.signers.empty()) {
    return console.Complain("say which: kbgen bundle verify FILE --signers ALLOWED_SIGNERS",
                            Status::kUsage);
  }
  const auto bundle =
      bundle::Verify(options.file, {options.signers, options.newer_than, options.topology});
  if (!bundle) return console.Complain(bundle.error().message, Status::kFindings);
  console.PrintSummary(fmt::format("{}: {} of {}, tree {}, serial {}, signed by {}\n", options.file,
                                   Plural(bundle->files.size(), "file"), bundle->topology,
                                   bundle->tree.substr(0, 12), bundle->serial, bundle->signer));
  const Json result = {{"file", options.file},     {"topology", bundle->topology},
                       {"tree", bundle->tree},     {"serial", bundle->serial},
                       {"signer", bundle->signer}, {"files", bundle->files.size()}};
  return console.Show({}, {}, result);
}

}  // namespace

Status Bundle(const Options& options) {
  const Console console(options);
  return options.action == "verify" ? VerifyBundle(console, options) : MakeBundle(console, options);
}

}  // namespace kb::cli
