#include "bundle/make.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/files.h"
#include "bundle/archive.h"
#include "bundle/revision.h"
#include "bundle/signature.h"
#include "bundle/sums.h"
#include "diag/kinds.h"
#include "write/posix.h"

namespace kb::bundle {
namespace {

using write::Fd;

// A folder for what is in the making, beside the file that it becomes part of; gone at the end.
class Workplace {
 public:
  explicit Workplace(const std::string& file)
      : folder_(DirectoryOf(file).empty() ? "." : DirectoryOf(file)),
        name_(fmt::format(".{}.kbgen-new-{}", write::BaseName(file), getpid())),
        parent_(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  ~Workplace() {
    if (made_) write::RemoveTree(parent_.get(), name_);
  }

  Result<void> Make() {
    if (!parent_.ok()) return write::SystemError("open", folder_);
    made_ =
        write::RemoveTree(parent_.get(), name_) && mkdirat(parent_.get(), name_.c_str(), 0700) == 0;
    return made_ ? Result<void>() : write::SystemError("write", folder_);
  }
  std::string path() const { return JoinPath(folder_, name_); }
  bool Sync() const { return fsync(parent_.get()) == 0; }

 private:
  std::string folder_, name_;
  Fd parent_;
  bool made_ = false;
};

std::vector<std::string> SystemsOf(const Tree& tree) {
  std::set<std::string> systems;
  for (const Tree::Server& server : tree.servers) {
    if (!server.os.empty()) systems.insert(server.os);
  }
  return {systems.begin(), systems.end()};
}

Result<uint64_t> SerialOf(const MakeOptions& options, const std::optional<Revision>& revision) {
  if (options.serial) return *options.serial;
  if (revision && !revision->dirty) return revision->time;
  return Fail(fmt::format("say --serial: {}, so that no commit tells how new the bundle is",
                          revision ? "the repository has changes that are not committed"
                                   : "the tree is in no repository"));
}

// Each place that needs something the bundle has not, as a diagnostic.
Result<void> ReportLeftOvers(const Tree& tree, const Made& made, Sources& sources,
                             Diagnostics& diags) {
  std::map<std::string, Span> spans;
  for (const Need& need : made.needs) {
    if (!need.left_over()) continue;
    for (const size_t i : need.findings) {
      const Finding& finding = made.findings[i];
      if (!spans.contains(finding.path)) {
        KB_TRY(bytes, ReadFile(JoinPath(tree.root, finding.path)));
        spans[finding.path] = sources.Add(JoinPath(tree.root, finding.path), std::move(bytes));
      }
      const Span file = spans[finding.path];
      const Span span{file.begin + finding.begin, file.begin + finding.end};
      diags.Emit(diag::kNotCarried, span, {.help = std::string(RemedyOf(finding.kind))},
                 fmt::format("the {} `{}`", NameOf(finding.kind), finding.what));
    }
  }
  return {};
}

void AddTree(const Tree& tree, std::vector<Item>& items) {
  for (const File& file : tree.files) {
    items.push_back({file, {}, JoinPath(tree.root, file.path)});
  }
}

// Sorted by path; two of one path cannot be.
Result<void> Order(std::vector<Item>& items) {
  std::ranges::sort(items, {},
                    [](const Item& item) -> const std::string& { return item.file.path; });
  for (size_t i = 1; i < items.size(); ++i) {
    if (items[i].file.path == items[i - 1].file.path) {
      return Fail(
          fmt::format("the tree has a file `{}`, which is the bundle's", items[i].file.path));
    }
  }
  return {};
}

Result<void> Seal(const MakeOptions& options, std::vector<Item>& items) {
  std::vector<File> files;
  for (const Item& item : items) files.push_back(item.file);
  const std::string sums = PrintSums(files);
  if (!options.key.empty()) {
    KB_TRY(signature, Sign(options.key, std::string_view(sums)));
    items.push_back(MakeItem(std::string(kSignatureName), signature));
  }
  items.push_back(MakeItem(std::string(kSumsName), sums));
  return Order(items);
}

// The archive and what lies beside it. The signature comes first: an archive whose signature is not
// there yet would look like one that nobody signed.
Result<uint64_t> Publish(const MakeOptions& options, const Workplace& place, const std::string& top,
                         const std::vector<Item>& items) {
  const std::string made = JoinPath(place.path(), "bundle");
  Fd fd(open(made.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.ok()) return write::SystemError("write", options.to);
  if (auto written = WriteArchive(fd.get(), top, items); !written) {
    return std::unexpected(std::move(written).error());
  }
  struct stat status;
  if (fsync(fd.get()) != 0 || fstat(fd.get(), &status) != 0) {
    return write::SystemError("write", options.to);
  }
  const std::string beside = options.to + ".sig";
  if (!options.key.empty()) {
    KB_TRY(signature, Sign(options.key, fd.get()));
    if (auto kept = WriteFileAtomically(beside, signature, 0644); !kept) {
      return std::unexpected(std::move(kept).error());
    }
  } else if (unlink(beside.c_str()) != 0 && errno != ENOENT) {
    return write::SystemError("remove", beside);  // of an older bundle
  }
  const auto script = WriteFileAtomically(options.to + ".verify.sh", options.verify_script, 0755);
  if (!script) return std::unexpected(script.error());
  const bool moved = rename(made.c_str(), options.to.c_str()) == 0 && place.Sync();
  if (!moved) return write::SystemError("write", options.to);
  return static_cast<uint64_t>(status.st_size);
}

}  // namespace

Result<Checked<Made>> Make(const MakeOptions& options, Sources& sources, Diagnostics& diags) {
  if (!options.key.empty()) {
    if (auto good = CheckKey(options.key); !good) return std::unexpected(std::move(good).error());
  }
  KB_TRY(checked, ReadTree(options.root, diags));
  if (!checked) return Checked<Made>(std::unexpect, checked.error());
  const Tree& tree = *checked;
  KB_TRY(revision, RevisionOf(options.root));
  KB_TRY(serial, SerialOf(options, revision));
  Made made{.facts = {tree.topology, tree.id, serial, false}};
  KB_TRY(findings, AuditTree(tree));
  made.findings = std::move(findings);
  made.needs = GatherNeeds(tree, made.findings);
  KB_TRY(images, ImagesOf(made.needs));
  made.images = std::move(images);

  Workplace place(options.to);
  if (auto ready = place.Make(); !ready) return std::unexpected(std::move(ready).error());
  std::vector<Item> items;
  AddTree(tree, items);
  if (options.images) {
    KB_TRY(saved, SaveImages(made.images, place.path()));
    std::ranges::move(saved, std::back_inserter(items));
  }
  Packages packages;
  if (!options.packages.empty()) {
    KB_TRY(read, ReadPackages(options.packages, SystemsOf(tree)));
    packages = std::move(read);
    std::ranges::copy(packages.items, std::back_inserter(items));
  }
  if (auto covered = Cover(made.needs, made.images, packages); !covered) {
    return std::unexpected(std::move(covered).error());
  }
  made.facts.air_gapped = std::ranges::none_of(made.needs, &Need::left_over);
  if (options.air_gapped && !made.facts.air_gapped) {
    const auto reported = ReportLeftOvers(tree, made, sources, diags);
    if (!reported) return std::unexpected(reported.error());
    return Checked<Made>(std::unexpect, diags.Gate().error());
  }

  const Contents contents{&tree,     &made.facts,     &made.findings, &made.needs, &made.images,
                          &packages, &options.inputs, &options.tool,  &revision,   &items};
  std::vector<Item> documents;
  documents.push_back(MakeItem("BUNDLE.json", BundleJson(contents)));
  documents.push_back(MakeItem("images.tsv", ImagesTsv(contents)));
  documents.push_back(MakeItem("packages.tsv", PackagesTsv(contents)));
  documents.push_back(MakeItem("sbom.cdx.json", SbomJson(contents)));
  documents.push_back(MakeItem("provenance.json", ProvenanceJson(contents)));
  documents.push_back(MakeItem("verify.sh", std::string(options.verify_script), kScriptMode));
  std::ranges::move(documents, std::back_inserter(items));
  if (auto ordered = Order(items); !ordered) return std::unexpected(std::move(ordered).error());
  if (auto sealed = Seal(options, items); !sealed) {
    return std::unexpected(std::move(sealed).error());
  }
  made.files = items.size();
  const std::string top = fmt::format("{}-{}", tree.topology, tree.id.substr(0, 12));
  KB_TRY(bytes, Publish(options, place, top, items));
  made.bytes = bytes;
  return made;
}

}  // namespace kb::bundle
