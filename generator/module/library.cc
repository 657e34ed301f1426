#include "module/library.h"

#include <algorithm>

#include "base/files.h"
#include "base/strings.h"
#include "diag/kinds.h"
#include "module/embedded.h"
#include "syntax/yaml.h"

namespace kb::module {
namespace {

constexpr std::string_view kManifestFile = "module.yaml";

bool IsNameChar(char c) { return IsAlnum(c) || c == '_'; }

// Whether a path of some statement or hole begins with the name.
bool Mentions(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t open = text.substr(0, at).rfind("<%");
    if (open == std::string_view::npos || text.substr(open, at - open).contains("%>")) continue;
    const size_t end = at + name.size();
    const bool ends = end == text.size() || !IsNameChar(text[end]);
    if (ends && text[at - 1] != '.' && !IsNameChar(text[at - 1])) return true;
  }
  return false;
}

Checked<Document> ThawManifest(Span span, const EmbeddedFile& file) {
  return Thaw(span, file.bytes, file.yaml, file.decoded);
}

}  // namespace

Result<Library> Library::Load(const std::vector<std::string>& directories, Sources& sources,
                              Diagnostics& diags) {
  Library library;
  std::map<uint32_t, const EmbeddedFile*> frozen;
  for (const std::string& directory : directories) {
    KB_TRY(files, ListTree(directory));
    for (const std::string& file : files) {
      if (library.files_.contains(file)) continue;
      const std::string path = JoinPath(directory, file);
      KB_TRY(bytes, ReadFile(path));
      library.files_.emplace(file, sources.Add(path, std::move(bytes)));
    }
  }
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (!file.path.starts_with("templates/")) continue;
    const std::string_view path = file.path.substr(std::string_view("templates/").size());
    if (library.files_.contains(path)) continue;
    const Span span = sources.AddStatic(std::string(file.path), file.bytes);
    library.files_.emplace(path, span);
    if (!file.yaml.empty()) frozen.emplace(span.begin, &file);
  }
  for (const auto& [path, span] : library.files_) {
    const size_t slash = path.find('/');
    if (slash == std::string::npos || path.substr(slash + 1) != kManifestFile) continue;
    const auto built_in = frozen.find(span.begin);
    auto document = built_in == frozen.end() ? ParseYaml(span, sources, diags)
                                             : ThawManifest(span, *built_in->second);
    if (!document) continue;
    auto manifest = ReadManifest(std::move(*document), diags);
    if (!manifest) continue;
    const Manifest* other = library.Find(manifest->name.text);
    if (other != nullptr) {
      diags.Emit(diag::kDuplicateModule, manifest->span,
                 {.labels = {{other->span, "first declared here"}}}, manifest->name.text);
      continue;
    }
    manifest->folder = path.substr(0, slash);
    library.LookIntoTemplates(*manifest, sources, diags);
    library.modules_.push_back(std::move(*manifest));
  }
  return library;
}

// Facts of the templates that are needed before they are compiled; a note that mentions a name
// costs a little work and changes nothing.
void Library::LookIntoTemplates(Manifest& manifest, const Sources& sources,
                                Diagnostics& diags) const {
  for (Output& output : manifest.outputs) {
    const Span file = File(JoinPath(manifest.folder, output.tmpl.text));
    if (!file.known()) {
      diags.Emit(diag::kMissingTemplate, output.tmpl.span, output.tmpl.text);
      continue;
    }
    const std::string_view text = sources.Text(file);
    output.holds_tokens = text.find(".token") != std::string_view::npos;
    manifest.reads_peers |= Mentions(text, "peers") || output.when.starts_with("peers");
    manifest.reads_files |= Mentions(text, "files");
  }
  // Any template may include any partial.
  for (std::string_view path : FilesBelow("_lib/")) {
    if (!path.ends_with(".erb")) continue;
    const std::string_view text = sources.Text(File(path));
    manifest.reads_peers |= Mentions(text, "peers");
    manifest.reads_files |= Mentions(text, "files");
  }
}

const Manifest* Library::Find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(modules_, [&](const Manifest& m) { return m.name.text == name; });
  return found == modules_.end() ? nullptr : &*found;
}

std::string_view Library::Nearest(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const Manifest& manifest : modules_) names.push_back(manifest.name.text);
  return kb::Nearest(name, names);
}

Span Library::File(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? Span{} : found->second;
}

std::vector<std::string_view> Library::FilesBelow(std::string_view folder) const {
  std::vector<std::string_view> paths;
  for (auto it = files_.lower_bound(folder); it != files_.end() && it->first.starts_with(folder);
       ++it) {
    paths.push_back(it->first);
  }
  return paths;
}

}  // namespace kb::module
