// Versions and images: pinned, in one place, and used.
#include <algorithm>
#include <set>

#include "base/strings.h"
#include "check/rules.h"
#include "diag/kinds.h"

namespace kb::check {
namespace {

constexpr const char* kUnusedHelp = "remove it, or correct its name";

// A tag that names one release: not `latest`, and with at least two numbers in it (16.4,
// 2024-10-02).
bool IsPinned(std::string_view tag) {
  if (tag.empty() || tag.find("latest") != std::string_view::npos) return false;
  int numbers = 0;
  bool in_number = false;
  for (char c : tag) {
    if (IsDigit(c) && !in_number) ++numbers;
    in_number = IsDigit(c);
  }
  return numbers >= 2;
}

}  // namespace

void CheckImages(const Context& c, Diagnostics& diags) {
  for (const model::ImageVersion& image : c.model.images) {
    if (image.image.name.empty()) continue;  // not an image reference: reported already
    if (!IsPinned(image.image.tag)) {
      diags.Emit(
          diag::kFloatingTag, image.ref.span,
          {.help = "write the full version: major.minor.patch, or the vendor's release name"},
          image.ref.text);
    }
  }
}

void CheckPackages(const Context& c, Diagnostics& diags) {
  for (const model::PackageVersion& package : c.model.packages) {
    const std::string_view version = package.version.text;
    const bool plain = std::ranges::all_of(version, [](char ch) {
      return IsAlnum(ch) || std::string_view("._+:~*-").find(ch) != std::string_view::npos;
    });
    if (!plain || !IsPinned(version)) {
      diags.Emit(diag::kFloatingPackage, package.version.span,
                 {.help = "write the version that `apt-cache policy` shows; a final `*` is fine"},
                 package.name.text, version);
    }
  }
}

// Declared and used by nobody: a leftover, or a name that was mistyped elsewhere.
void CheckUnused(const Context& c, Diagnostics& diags) {
  std::set<const void*> used;
  for (const graph::Service& service : c.graph.services) {
    used.insert(service.images.begin(), service.images.end());
    used.insert(service.packages.begin(), service.packages.end());
    used.insert(service.secrets.begin(), service.secrets.end());
    for (const graph::Role& role : service.roles) used.insert(role.credential);
  }
  for (const model::ImageVersion& image : c.model.images) {
    if (!used.contains(&image))
      diags.Emit(diag::kUnusedVersion, image.name.span, {.help = kUnusedHelp}, image.name.text);
  }
  for (const model::PackageVersion& package : c.model.packages) {
    if (!used.contains(&package))
      diags.Emit(diag::kUnusedVersion, package.name.span, {.help = kUnusedHelp}, package.name.text);
  }
  for (const model::Credential& credential : c.model.credentials) {
    if (!used.contains(&credential))
      diags.Emit(diag::kUnusedCredential, credential.name.span, {.help = kUnusedHelp},
                 credential.name.text);
  }
}

}  // namespace kb::check
