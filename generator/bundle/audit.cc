#include "bundle/audit.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/strings.h"
#include "bundle/commands.h"
#include "bundle/languages.h"
#include "bundle/reference.h"

namespace kb::bundle {
namespace {

// Collects findings of one file, each once a line.
class Collector {
 public:
  Collector(std::string_view path, std::string_view bytes) : path_(path), bytes_(bytes) {
    starts_.push_back(0);
    for (size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] == '\n') starts_.push_back(static_cast<uint32_t>(i + 1));
    }
  }

  void Add(NeedKind kind, std::string what, uint32_t at) {
    const auto next = std::ranges::upper_bound(starts_, at);
    const auto line = static_cast<uint32_t>(next - starts_.begin());
    if (!seen_.emplace(line, kind, what).second) return;
    const uint32_t begin = starts_[line - 1];
    const size_t end = std::min(bytes_.find('\n', begin), bytes_.size());
    found.push_back({kind,
                     std::move(what),
                     std::string(path_),
                     line,
                     begin,
                     static_cast<uint32_t>(end),
                     {},
                     false});
  }

  std::vector<Finding> found;

 private:
  std::string_view path_, bytes_;
  std::vector<uint32_t> starts_;
  std::set<std::tuple<uint32_t, NeedKind, std::string>> seen_;
};

// The folders of images/ that a text looks into: "/opt/x/images/redis/image.tar" → redis.
std::set<std::string> FoldersIn(std::string_view text) {
  constexpr std::string_view kFolder = "/images/";
  std::set<std::string> folders;
  for (size_t at = 0; (at = text.find(kFolder, at)) != std::string_view::npos;) {
    at += kFolder.size();
    size_t end = at;
    while (end < text.size() &&
           (IsAlnum(text[end]) || text[end] == '-' || text[end] == '_' || text[end] == '.')) {
      ++end;
    }
    if (end > at) folders.emplace(text.substr(at, end - at));
  }
  return folders;
}

}  // namespace

std::string_view NameOf(NeedKind kind) {
  switch (kind) {
    case NeedKind::kImage:
      return "image";
    case NeedKind::kPackage:
      return "package";
    case NeedKind::kSource:
      return "package source";
    case NeedKind::kLibrary:
      return "library";
    case NeedKind::kDownload:
      return "download";
    case NeedKind::kCheckout:
      return "repository";
    case NeedKind::kServer:
      return "server";
    case NeedKind::kProvider:
      return "provider";
  }
  return "";
}

std::string_view RemedyOf(NeedKind kind) {
  switch (kind) {
    case NeedKind::kImage:
      return "carry it with --images, or provide a registry that has it";
    case NeedKind::kPackage:
      return "carry it with --packages, or provide a mirror that has it";
    case NeedKind::kSource:
      return "carry what is needed with --packages, or provide a mirror";
    case NeedKind::kLibrary:
      return "put it into an image or a package, and carry that";
    case NeedKind::kDownload:
      return "put the file into the module, an image or a package";
    case NeedKind::kCheckout:
      return "put what is needed of it into an image or a package";
    case NeedKind::kServer:
      return "name a server of the site in the topology";
    case NeedKind::kProvider:
      return "run it from where the provider can be reached";
  }
  return "";
}

bool CanBeCarried(NeedKind kind) {
  return kind != NeedKind::kServer && kind != NeedKind::kProvider;
}

std::vector<Finding> AuditFile(std::string_view path, std::string_view bytes, bool script,
                               const Inside& inside) {
  Collector collector(path, bytes);
  const Report report = [&](NeedKind kind, std::string what, uint32_t at) {
    collector.Add(kind, std::move(what), at);
  };
  const Language language = LanguageOf(path, bytes, script);
  AuditLanguage(language, bytes, inside, report);
  std::vector<Finding> found = std::move(collector.found);
  std::ranges::stable_sort(found, {}, &Finding::line);

  const bool recipe = language == Language::kDockerfile;
  const auto folders = recipe ? FoldersIn("/" + std::string(path)) : FoldersIn(bytes);
  for (Finding& finding : found) {
    finding.in_recipe = recipe;
    const bool image = finding.kind == NeedKind::kImage;
    if ((recipe || image) && folders.size() == 1) finding.folder = *folders.begin();
  }
  return found;
}

Result<std::vector<Finding>> AuditTree(const Tree& tree) {
  const Inside inside{tree.private_network, tree.domain};
  std::vector<Finding> all;
  // Hosts have many files in common.
  std::map<std::tuple<Sha256, bool, std::string>, std::vector<Finding>> known;
  for (const File& file : tree.files) {
    const std::string name = file.path.substr(file.path.rfind('/') + 1);
    const bool recipe = file.path.starts_with("images/");
    const auto key =
        std::make_tuple(file.digest, file.mode == kScriptMode, recipe ? file.path : name);
    auto found = known.find(key);
    if (found == known.end()) {
      KB_TRY(bytes, ReadFileOf(tree, file));
      found =
          known.emplace(key, AuditFile(file.path, bytes, file.mode == kScriptMode, inside)).first;
    }
    for (Finding finding : found->second) {
      finding.path = file.path;
      all.push_back(std::move(finding));
    }
  }
  return all;
}

}  // namespace kb::bundle
