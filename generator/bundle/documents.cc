#include "bundle/documents.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "write/manifest.h"

namespace kb::bundle {
namespace {

using Json = nlohmann::ordered_json;

std::string Print(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string Words(const std::set<std::string>& words) {
  return words.empty() ? "-" : Join(std::vector<std::string>(words.begin(), words.end()), ",");
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

Json HashOf(const Sha256& digest) {
  return Json::array({{{"alg", "SHA-256"}, {"content", Hex(digest)}}});
}

const File* FindFile(const Contents& c, std::string_view path) {
  for (const Item& item : *c.items) {
    if (item.file.path == path) return &item.file;
  }
  return nullptr;
}

// As package URLs want it: everything but what cannot be mistaken is escaped.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (IsAlnum(c) || c == '.' || c == '-' || c == '_' || c == '~') {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

// "docker.io/library/redis:7.2" → name "docker.io/library/redis", tag "7.2".
std::pair<std::string, std::string> SplitRef(const std::string& ref) {
  const std::string bare = ref.substr(0, ref.find('@'));
  const size_t colon = bare.rfind(':');
  const size_t slash = bare.rfind('/');
  if (colon == std::string::npos || (slash != std::string::npos && colon < slash))
    return {bare, ""};
  return {bare.substr(0, colon), bare.substr(colon + 1)};
}

Json ImageComponent(const Contents& c, const Image& image) {
  const auto [name, tag] = SplitRef(image.ref);
  Json component = {{"type", "container"}, {"bom-ref", "image:" + image.ref}, {"name", name}};
  if (!tag.empty()) component["version"] = tag;
  std::string path;
  for (std::string_view part : Split(name, '/')) path += "/" + Escaped(part);
  component["purl"] = "pkg:docker" + path + (tag.empty() ? "" : "@" + Escaped(tag));
  const File* file = FindFile(c, fmt::format("images/{}/image.tar", image.folder));
  if (image.carried && file != nullptr) {
    component["hashes"] = HashOf(file->digest);
    component["properties"] = Json::array({{{"name", "kbgen:image-id"}, {"value", image.digest}}});
  }
  return component;
}

std::string DistributionOf(const std::string& system) {
  return system.empty() ? "" : "&distro=" + Escaped(system);
}

Json PackageComponent(const Package& package) {
  const std::string vendor = package.system.starts_with("ubuntu") ? "ubuntu" : "debian";
  return {{"type", "library"},
          {"bom-ref", "package:" + package.file.path},
          {"name", package.name},
          {"version", package.version},
          {"hashes", HashOf(package.file.digest)},
          {"purl", fmt::format("pkg:deb/{}/{}@{}?arch={}{}", vendor, Escaped(package.name),
                               Escaped(package.version), Escaped(package.architecture),
                               DistributionOf(package.system))}};
}

// Packages that hosts fetch themselves: of a version that their own sources decide.
Json NeededPackage(const Need& need) {
  Json component = {{"type", "library"}, {"bom-ref", "needed:" + need.what}, {"name", need.what}};
  if (!need.wanted.empty()) component["version"] = need.wanted;
  component["properties"] = Json::array({{{"name", "kbgen:carried"}, {"value", "false"}}});
  return component;
}

}  // namespace

std::string BundleJson(const Contents& c) {
  Json needs = Json::array();
  for (const Need& need : *c.needs) {
    if (need.carried) continue;
    const Finding& first = (*c.findings)[need.findings.front()];
    Json one = {{"kind", NameOf(need.kind)}, {"what", need.what}};
    if (!need.wanted.empty()) one["version"] = need.wanted;
    if (need.in_recipe) one["recipe"] = "images/" + need.folder;
    one["services"] = need.services;
    one["first"] = fmt::format("{}:{}", first.path, first.line);
    one["places"] = need.findings.size();
    one["remedy"] = RemedyOf(need.kind);
    needs.push_back(std::move(one));
  }
  const auto carried = std::ranges::count_if(*c.images, &Image::carried);
  const Json json = {{"format", 1},
                     {"topology", c.facts->topology},
                     {"tree", c.facts->tree},
                     {"serial", c.facts->serial},
                     {"kbgen", c.tool->version},
                     {"air_gapped", c.facts->air_gapped},
                     {"carries",
                      {{"artifacts", c.tree->files.size()},
                       {"images", carried},
                       {"packages", c.packages->all.size()}}},
                     {"needs", std::move(needs)}};
  return Print(json);
}

std::string ImagesTsv(const Contents& c) {
  std::string text = "image\tfolder\tservices\tcarried\tdigest\n";
  for (const Image& image : *c.images) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\n", image.ref, OrDash(image.folder),
                        OrDash(Join(image.services, ",")), image.carried ? "yes" : "no",
                        image.carried ? image.digest : "-");
  }
  return text;
}

std::string PackagesTsv(const Contents& c) {
  std::string text = "package\twanted\tsystem\tservices\tversion\tfile\tdigest\n";
  std::set<const Package*> named;
  for (const Need& need : *c.needs) {
    if (need.kind != NeedKind::kPackage || need.in_recipe) continue;
    std::set<std::string> systems = need.systems;
    if (systems.empty()) systems.insert("");
    for (const std::string& system : systems) {
      const Package* found = nullptr;
      for (const Package& package : c.packages->all) {
        const bool fits = package.system.empty() || package.system == system;
        if (package.name == need.what && fits) found = &package;
      }
      named.insert(found);
      text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", need.what, OrDash(need.wanted),
                          OrDash(system), Words(need.services), found ? found->version : "-",
                          found ? found->file.path : "-", found ? Hex(found->file.digest) : "-");
    }
  }
  // What the others depend on.
  for (const Package& package : c.packages->all) {
    if (named.contains(&package)) continue;
    text += fmt::format("{}\t-\t{}\t-\t{}\t{}\t{}\n", package.name, OrDash(package.system),
                        package.version, package.file.path, Hex(package.file.digest));
  }
  return text;
}

std::string SbomJson(const Contents& c) {
  Json components = Json::array();
  for (const Image& image : *c.images) components.push_back(ImageComponent(c, image));
  for (const Package& package : c.packages->all) components.push_back(PackageComponent(package));
  if (c.packages->all.empty()) {
    for (const Need& need : *c.needs) {
      if (need.kind == NeedKind::kPackage && !need.in_recipe) {
        components.push_back(NeededPackage(need));
      }
    }
  }
  for (const File& file : c.tree->files) {
    if (file.mode != kScriptMode) continue;
    components.push_back({{"type", "file"},
                          {"bom-ref", "file:" + file.path},
                          {"name", file.path},
                          {"hashes", HashOf(file.digest)}});
  }
  Json tool = {{"type", "application"}, {"name", "kbgen"}, {"version", c.tool->version}};
  tool["hashes"] = Json::array({{{"alg", "SHA-256"}, {"content", c.tool->digest}}});
  const Json json = {{"bomFormat", "CycloneDX"},
                     {"specVersion", "1.5"},
                     {"version", 1},
                     {"metadata",
                      {{"tools", {{"components", Json::array({tool})}}},
                       {"component",
                        {{"type", "application"},
                         {"bom-ref", "topology:" + c.facts->topology},
                         {"name", c.facts->topology},
                         {"version", c.facts->tree.substr(0, 12)}}}}},
                     {"components", std::move(components)}};
  return Print(json);
}

std::string ProvenanceJson(const Contents& c) {
  Json inputs = Json::array();
  for (const Input& input : *c.inputs) {
    inputs.push_back({{"name", input.name}, {"digest", {{"sha256", Hex(input.digest)}}}});
  }
  if (const auto& revision = *c.revision) {
    inputs.push_back({{"name", "repository"},
                      {"digest", {{"gitCommit", revision->commit}}},
                      {"annotations", {{"dirty", revision->dirty}}}});
  }
  Json subjects = Json::array();
  subjects.push_back({{"name", write::kManifestName}, {"digest", {{"sha256", c.facts->tree}}}});
  for (const Item& item : *c.items) {
    if (item.file.path.ends_with("/image.tar") || item.file.path.ends_with(".deb")) {
      subjects.push_back(
          {{"name", item.file.path}, {"digest", {{"sha256", Hex(item.file.digest)}}}});
    }
  }
  Json parameters = {{"topology", c.facts->topology}, {"serial", c.facts->serial}};
  parameters["images"] = std::ranges::any_of(*c.images, &Image::carried);
  parameters["packages"] = !c.packages->all.empty();
  // Names only: what they hold never leaves the install host.
  const Json internal = {{"credentials", c.tree->credentials}};
  const Json json = {
      {"_type", "https://in-toto.io/Statement/v1"},
      {"subject", std::move(subjects)},
      {"predicateType", "https://slsa.dev/provenance/v1"},
      {"predicate",
       {{"buildDefinition",
         {{"buildType", "urn:kbgen:bundle:1"},
          {"externalParameters", std::move(parameters)},
          {"internalParameters", internal},
          {"resolvedDependencies", std::move(inputs)}}},
        {"runDetails",
         {{"builder",
           {{"id", "urn:kbgen:" + c.tool->version},
            {"version", {{"kbgen", c.tool->version}}},
            {"builderDependencies",
             Json::array({{{"name", "kbgen"}, {"digest", {{"sha256", c.tool->digest}}}}})}}}}}}}};
  return Print(json);
}

}  // namespace kb::bundle
