#include "secrets/survey.h"

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "base/strings.h"
#include "diag/kinds.h"
#include "secrets/generate.h"

namespace kb::secrets {
namespace {

using Keys = std::vector<std::string_view>;

constexpr std::string_view kEnding = ".env";

Keys KeysOf(const SurveyedFile& file) {
  Keys keys;
  for (const model::Credential* credential : file.credentials) keys.push_back(credential->key.text);
  return keys;
}

// The masked text has the lines of the file, so the n-th line of one is the n-th of the other.
class Spans {
 public:
  Spans(const SurveyedFile& file, const Sources& sources) : begin_(file.source.begin) {
    const std::string_view text = sources.Text(file.source);
    for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      begins_.push_back(static_cast<uint32_t>(at));
    }
    length_ = static_cast<uint32_t>(text.size());
  }
  Span Line(size_t line) const {
    const uint32_t next = line + 1 < begins_.size() ? begins_[line + 1] : length_;
    return {begin_ + begins_[line], begin_ + next - 1};
  }
  Span Key(size_t line, std::string_view key) const {
    const Span whole = Line(line);
    return {whole.begin, std::min(whole.end, whole.begin + static_cast<uint32_t>(key.size()))};
  }

 private:
  uint32_t begin_;
  uint32_t length_ = 0;
  std::vector<uint32_t> begins_;
};

// Whether nothing makes the file unusable.
bool CheckLines(const SurveyedFile& file, const Sources& sources, Diagnostics& diags) {
  const Spans spans(file, sources);
  std::map<std::string_view, size_t> first;
  const auto& lines = file.current.content.lines();
  bool usable = true;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].kind == EnvLine::Kind::kUnreadable) {
      const bool nul = lines[i].text.find('\0') != std::string_view::npos;
      diags.Emit(
          diag::kSecretLine, spans.Line(i),
          {.help = nul ? "some programs that read the file would not see what follows"
                       : "it may be the rest of a value that had a newline in it; what it holds is "
                         "not shown"},
          nul ? "it holds a NUL byte" : "neither `KEY=value` nor a comment");
      usable = false;
    }
    if (lines[i].kind != EnvLine::Kind::kPair) continue;
    const auto [known, fresh] = first.emplace(lines[i].key, i);
    const Keys keys = KeysOf(file);
    if (fresh || std::ranges::find(keys, lines[i].key) == keys.end()) continue;
    diags.Emit(diag::kSecretTwice, spans.Key(i, lines[i].key),
               {.labels = {{spans.Key(known->second, lines[i].key), "first here"}},
                .help = "keep the one that is in use"},
               lines[i].key);
    usable = false;
  }
  return usable;
}

void ReportDistrust(const Distrust& distrust, const std::string& path, Span span,
                    Diagnostics& diags) {
  diags.Emit(diag::kSecretPlace, span, {.help = distrust.remedy}, path, distrust.reason);
}

Span WhereWanted(const SurveyedFile& file) { return file.credentials.front()->file.span; }

Result<void> ReadFiles(const Folder& folder, Survey& survey, Sources& sources, Diagnostics& diags) {
  for (SurveyedFile& file : survey.files) {
    for (Found* found : {&file.current, &file.former}) {
      const std::string name = found == &file.current ? file.name : FormerName(file.name);
      KB_TRY(read, folder.Read(name));
      *found = std::move(read);
      if (!found->distrust) continue;
      survey.usable = false;
      ReportDistrust(found->distrust, folder.PathOf(name), WhereWanted(file), diags);
    }
    const Keys keys = KeysOf(file);
    file.source = sources.Add(folder.PathOf(file.name), Masked(file.current.content, keys));
    if (!CheckLines(file, sources, diags)) survey.usable = false;
  }
  return {};
}

void ReportMissing(const Folder& folder, const SurveyedFile& file,
                   const model::Credential& credential, Diagnostics& diags) {
  Keys strangers;
  const Keys keys = KeysOf(file);
  for (const EnvLine& line : file.current.content.lines()) {
    if (line.kind == EnvLine::Kind::kPair && LooksLikeVariable(line.key) &&
        std::ranges::find(keys, line.key) == keys.end()) {
      strangers.push_back(line.key);
    }
  }
  const std::string_view near = Nearest(credential.key.text, strangers);
  const std::string path = folder.PathOf(file.name);
  diags.Emit(diag::kSecretMissing, credential.key.span,
             {.help = near.empty() ? "`kbgen secrets init` makes what is missing"
                                   : fmt::format("{} has `{}`: is it meant?", path, near)},
             file.current.there ? path : fmt::format("{} (which is not there)", path),
             credential.key.text);
}

void JudgeValue(const model::Credential& credential, std::string_view value, Span span,
                Diagnostics& diags) {
  const std::string_view key = credential.key.text;
  if (value.empty()) {
    diags.Emit(diag::kSecretEmpty, span, {.help = "`kbgen secrets init` fills it"}, key);
  } else if (HasControl(value)) {
    diags.Emit(
        diag::kSecretControl, span,
        {.help = "a tab, or the carriage return of a file that was edited on another system"}, key);
  } else if (const std::string mistake = MistakeIn(credential, value); !mistake.empty()) {
    diags.Emit(
        diag::kSecretPolicy, span,
        {.labels = {{credential.name.span, "declared here"}},
         .help = credential.rotates ? fmt::format("`kbgen secrets rotate {}` gives it a new one",
                                                  credential.name.text)
                                    : "it must not rotate: say in credentials.yaml what it is"},
        key, mistake);
  }
}

void ReportStrangers(const SurveyedFile& file, const Spans& spans, Diagnostics& diags) {
  const Keys keys = KeysOf(file);
  const auto& lines = file.current.content.lines();
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].kind != EnvLine::Kind::kPair) continue;
    if (std::ranges::find(keys, lines[i].key) != keys.end()) continue;
    const bool shown = LooksLikeVariable(lines[i].key);
    diags.Emit(diag::kSecretUnknown, spans.Key(i, shown ? lines[i].key : ""),
               {.help = "it is kept; no host gets it"},
               shown ? fmt::format("`{}`", lines[i].key) : "this key");
  }
}

}  // namespace

std::string SurveyedFile::brick() const {
  return name.ends_with(kEnding) ? name.substr(0, name.size() - kEnding.size()) : name;
}

SurveyedFile& Survey::Of(const model::Credential& credential) {
  const auto found = std::ranges::find(files, credential.file.text, &SurveyedFile::name);
  KB_CHECK(found != files.end());
  return *found;
}

const SurveyedFile& Survey::Of(const model::Credential& credential) const {
  return const_cast<Survey*>(this)->Of(credential);
}

std::string FormerName(std::string_view file) { return fmt::format("{}.previous", file); }

Result<Survey> Look(const Folder& folder, const model::Model& model, Sources& sources,
                    Diagnostics& diags) {
  Survey survey;
  for (const model::Credential& credential : model.credentials) {
    const auto known = std::ranges::find(survey.files, credential.file.text, &SurveyedFile::name);
    if (known != survey.files.end()) {
      known->credentials.push_back(&credential);
    } else {
      survey.files.push_back({.name = std::string(credential.file.text),
                              .credentials = {&credential},
                              .current = {},
                              .former = {},
                              .source = {}});
    }
  }
  if (folder.distrust()) {
    survey.usable = false;
    ReportDistrust(folder.distrust(), folder.path(), model.install_root.span, diags);
    return survey;
  }
  if (auto read = ReadFiles(folder, survey, sources, diags); !read) {
    return std::unexpected(std::move(read).error());
  }
  return survey;
}

Span SpanOf(const SurveyedFile& file, const model::Credential& credential, const Sources& sources) {
  const EnvLine* line = file.current.content.Find(credential.key.text);
  if (line == nullptr) return credential.key.span;
  const auto index = static_cast<size_t>(line - file.current.content.lines().data());
  return Spans(file, sources).Key(index, line->key);
}

std::string MistakeIn(const model::Credential& credential, std::string_view value) {
  const std::string_view characters = CharactersOf(credential.alphabet);
  if (value.size() < static_cast<size_t>(credential.length)) {
    return fmt::format("shorter than {} characters", credential.length);
  }
  if (value.find_first_not_of(characters) != std::string_view::npos) {
    return fmt::format("not of {} alone", NameOf(credential.alphabet));
  }
  return {};
}

void Judge(const Folder& folder, const Survey& survey, const Sources& sources, Diagnostics& diags) {
  if (folder.distrust()) return;
  struct Seen {
    std::string_view value;
    Span span;
    const model::Credential* credential;
  };
  std::vector<Seen> seen;
  for (const SurveyedFile& file : survey.files) {
    if (file.current.distrust) continue;
    const Spans spans(file, sources);
    const auto& lines = file.current.content.lines();
    for (const model::Credential* credential : file.credentials) {
      const EnvLine* line = file.current.content.Find(credential->key.text);
      if (line == nullptr) {
        ReportMissing(folder, file, *credential, diags);
        continue;
      }
      const Span span = spans.Key(static_cast<size_t>(line - lines.data()), line->key);
      JudgeValue(*credential, line->value, span, diags);
      const auto twin = std::ranges::find(seen, line->value, &Seen::value);
      if (!line->value.empty() && twin != seen.end()) {
        diags.Emit(diag::kSecretShared, span,
                   {.labels = {{twin->span, "the same value"}},
                    .help = "whoever learns one has both; rotate one of them"},
                   credential->name.text, twin->credential->name.text);
      }
      seen.push_back({line->value, span, credential});
      const EnvLine* former = file.former.content.Find(credential->key.text);
      if (former != nullptr) {
        diags.Emit(diag::kRotationOpen, span,
                   {.help = fmt::format("when everybody has the new value: `kbgen secrets rotate "
                                        "--finish {}`; to go back: `--undo`",
                                        credential->name.text)},
                   credential->name.text);
      }
    }
    ReportStrangers(file, spans, diags);
  }
}

}  // namespace kb::secrets
