// Documents: what a bundle says about itself, for programs and for auditors.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bundle/needs.h"
#include "bundle/revision.h"

namespace kb::bundle {

// A file that the tree was rendered from, by its path seen from the topology's folder.
struct Input {
  std::string name;
  Sha256 digest{};
};

struct Tool {
  std::string version;
  std::string digest;  // of its own file, hex
};

struct Facts {
  std::string topology;
  std::string tree;
  uint64_t serial = 0;
  bool air_gapped = false;  // nothing is left over
};

// Everything that the documents are made from; it is borrowed.
struct Contents {
  const Tree* tree;
  const Facts* facts;
  const std::vector<Finding>* findings;
  const std::vector<Need>* needs;
  const std::vector<Image>* images;
  const Packages* packages;
  const std::vector<Input>* inputs;
  const Tool* tool;
  const std::optional<Revision>* revision;
  const std::vector<Item>* items;  // what is carried so far
};

std::string BundleJson(const Contents& contents);
std::string ImagesTsv(const Contents& contents);
std::string PackagesTsv(const Contents& contents);
std::string SbomJson(const Contents& contents);        // CycloneDX 1.5
std::string ProvenanceJson(const Contents& contents);  // in-toto Statement v1, SLSA provenance v1

}  // namespace kb::bundle
