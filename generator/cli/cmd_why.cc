#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "cli/plan_source.h"
#include "cli/trace.h"
#include "diag/excerpt.h"
#include "render/render.h"
#include "write/manifest.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Question {
  std::string path;  // in the tree
  uint64_t line = 0;
};

std::optional<Question> ParseQuestion(const std::string& place) {
  const size_t colon = place.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  const auto line = ParseUnsigned(std::string_view(place).substr(colon + 1));
  if (!line || *line == 0) return std::nullopt;
  return Question{place.substr(0, colon), *line};
}

// The path within the tree, whether the user wrote the tree's folder before it or not.
std::string WithoutRoot(const std::string& path, const std::string& root) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path inside = fs::absolute(path, error)
                              .lexically_normal()
                              .lexically_relative(fs::absolute(root, error).lexically_normal());
  const bool below = !inside.empty() && *inside.begin() != ".." && inside != ".";
  return below ? inside.string() : fs::path(path).lexically_normal().string();
}

// A path that may have been meant; estates can be too large to compare with each.
std::string Suggest(const PlanSource& source, std::string_view path) {
  constexpr size_t kComparedMax = 5000;
  std::vector<std::string> paths;
  for (size_t i = 0; i < std::min(source.size(), kComparedMax); ++i)
    paths.push_back(source.PathOf(i));
  const std::vector<std::string_view> views(paths.begin(), paths.end());
  const std::string_view nearest = Nearest(path, views);
  return nearest.empty() ? "" : fmt::format("; did you mean `{}`?", nearest);
}

// What a person calls the place: a value that nobody wrote is its module's default.
std::string_view Word(const Origin& origin, const Sources& sources) {
  if (origin.kind != Origin::Kind::kModel) return "template";
  return sources.PathOf(origin.span).ends_with("/module.yaml") ? "default" : "model";
}

// As the diagnostics show a place: the line, and carets under what is meant.
std::string Block(std::string_view what, std::string_view where, uint32_t line,
                  const Excerpt& excerpt, bool carets) {
  std::string out = fmt::format("{} {}\n{:>5} | {}\n", what, where, line, excerpt.text);
  if (carets) {
    out += fmt::format("      | {}{}\n", std::string(excerpt.indent, ' '),
                       std::string(excerpt.width, '^'));
  }
  return out;
}

std::string OriginText(const Origin& origin, const Sources& sources) {
  const Place place = sources.Locate(origin.span.begin);
  const size_t begin = origin.span.begin - place.line_begin;
  const Excerpt excerpt = MakeExcerpt(place.line_text, begin, origin.span.end - place.line_begin);
  return Block(Word(origin, sources), fmt::format("{}:{}:{}", place.path, place.line, place.column),
               place.line, excerpt, origin.kind != Origin::Kind::kLiteral);
}

Json OriginJson(const Origin& origin, const Sources& sources) {
  const Place place = sources.Locate(origin.span.begin);
  return {{"kind", Word(origin, sources)},
          {"path", place.path},
          {"line", place.line},
          {"column", place.column},
          {"text", sources.Text(origin.span)},
          {"line_text", place.line_text}};
}

// Files that no template makes came as they are from a file, or are kbgen's own work.
std::vector<Origin> OriginsOfEstate(std::string_view text, Stretch line, const Sources& sources,
                                    const module::Library& library) {
  for (const std::string_view path : library.FilesBelow("_lib/")) {
    const Span file = library.File(path);
    if (sources.Text(file).data() != text.data()) continue;
    const auto at = [&](size_t offset) { return file.begin + static_cast<uint32_t>(offset); };
    return {{Origin::Kind::kLiteral, {at(line.begin), at(line.end)}}};
  }
  return {};
}

struct Answer {
  std::string shown_path;  // as the user can open it
  std::string text;
  Stretch line;
  std::vector<Origin> origins;
  bool stale = false;  // what lies on disk is something else
};

Status Report(const Console& console, const Question& question, const Answer& answer,
              const Sources& sources) {
  const std::string_view line =
      std::string_view(answer.text).substr(answer.line.begin, answer.line.end - answer.line.begin);
  if (console.json()) {
    Json origins = Json::array();
    for (const Origin& origin : answer.origins) origins.push_back(OriginJson(origin, sources));
    const Json result = {{"version", 1},
                         {"result",
                          {{"path", question.path},
                           {"line", question.line},
                           {"text", line},
                           {"stale", answer.stale},
                           {"origins", std::move(origins)}}}};
    console.Print(result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return Status::kDone;
  }
  std::string out = Block("artifact", fmt::format("{}:{}", answer.shown_path, question.line),
                          static_cast<uint32_t>(question.line), MakeExcerpt(line, 0, 0), false);
  for (const Origin& origin : answer.origins) out += OriginText(origin, sources);
  if (answer.origins.empty()) out += "kbgen itself makes this file from the whole topology\n";
  if (answer.stale) {
    out += fmt::format(
        "note: `{}` is not what kbgen render gives now; the line is that of a fresh render\n",
        answer.shown_path);
  }
  console.Print(out);
  return Status::kDone;
}

}  // namespace

Status Why(const Options& options) {
  const Console console(options);
  auto question = ParseQuestion(options.place);
  if (!question) {
    return console.Complain(fmt::format("`{}` is not FILE:LINE", options.place), Status::kUsage);
  }
  Compilation c;
  const auto compiled = Compile({options.model, options.modules}, c);
  if (!compiled) return console.Fail(compiled.error());
  if (!*compiled) return console.Show(c.diags, c.sources);
  const render::Renderer renderer(c.plan, c.sources, c.diags);
  if (c.diags.has_errors()) return console.Show(c.diags, c.sources);

  question->path = WithoutRoot(question->path, options.out);
  const PlanSource source(c.plan, renderer);
  const size_t index = source.Find(question->path);
  if (index == source.size()) {
    const bool manifest = question->path == write::kManifestName;
    return console.Complain(
        manifest ? "MANIFEST.json lists what is rendered; ask about a file that it lists"
                 : fmt::format("no artifact has the path `{}`{}", question->path,
                               Suggest(source, question->path)),
        Status::kFindings);
  }
  const lower::Artifact& artifact = c.plan.artifacts[index];
  std::vector<tmpl::Segment> trace;
  Answer answer;
  if (!renderer.Render(artifact, answer.text, &trace, c.diags))
    return console.Show(c.diags, c.sources);
  const auto line = FindLine(answer.text, question->line);
  if (!line) {
    return console.Complain(
        fmt::format("`{}` has {} lines", question->path, std::ranges::count(answer.text, '\n')),
        Status::kFindings);
  }
  answer.line = *line;
  answer.shown_path = JoinPath(options.out, question->path);
  answer.origins =
      c.plan.OutputOf(artifact) != nullptr
          ? OriginsOf(answer.text, *line, trace, c.sources)
          : OriginsOfEstate(c.plan.estate[artifact.output].bytes, *line, c.sources, c.library);
  const auto on_disk = ReadFile(answer.shown_path);
  answer.stale = !on_disk || *on_disk != answer.text;
  return Report(console, *question, answer, c.sources);
}

}  // namespace kb::cli
