#include "bundle/images.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "bundle/process.h"
#include "write/posix.h"

namespace kb::bundle {
namespace {

using write::Fd;

Fd MakeFile(const std::string& path) {
  return Fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

// What the engine calls the image: the digest of its configuration. Empty: it has none of the name.
Result<std::string> IdOf(const std::string& ref) {
  KB_TRY(ran, Run({.words = {"docker", "image", "inspect", "--format", "{{.Id}}", ref}}));
  if (ran.status == 0) return std::string(Trim(ran.out));
  if (ran.err.find("No such image") != std::string::npos) return std::string();
  return Fail(fmt::format("the Docker engine does not answer: {}", ran.err));
}

Result<Item> Save(const Image& image, const std::string& workplace) {
  const std::string raw = JoinPath(workplace, image.folder + ".saved");
  const std::string clean = JoinPath(workplace, image.folder + ".tar");
  const Fd from = MakeFile(raw), to = MakeFile(clean);
  if (!from.ok() || !to.ok()) return write::SystemError("write", workplace);
  auto saved = RunWell({.words = {"docker", "save", image.ref}, .output_file = from.get()});
  if (!saved) return std::unexpected(std::move(saved).error());
  if (auto normal = NormalizeImage(from.get(), to.get()); !normal) {
    return std::unexpected(std::move(normal).error().Within(image.ref));
  }
  unlink(raw.c_str());
  const Fd folder(open(workplace.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  KB_TRY(file, Measure(folder.get(), image.folder + ".tar"));
  file.path = fmt::format("images/{}/image.tar", image.folder);
  file.mode = kPlainMode;
  return Item{std::move(file), {}, clean};
}

}  // namespace

Result<std::vector<Item>> SaveImages(std::vector<Image>& images, const std::string& workplace) {
  std::vector<std::string> missing;
  for (Image& image : images) {
    if (image.folder.empty()) continue;
    KB_TRY(id, IdOf(image.ref));
    if (id.empty()) missing.push_back(image.ref);
    image.digest = id;
  }
  if (!missing.empty()) {
    return Fail(
        fmt::format("the Docker engine has no {}: pull or build what is missing, then bundle",
                    Join(missing, ", ")));
  }
  std::vector<Item> items;
  for (Image& image : images) {
    if (image.folder.empty()) continue;
    KB_TRY(item, Save(image, workplace));
    items.push_back(std::move(item));
    image.carried = true;
  }
  return items;
}

}  // namespace kb::bundle
