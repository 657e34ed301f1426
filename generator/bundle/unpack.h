// Unpack: takes a bundle that somebody brought, and refuses it unless every byte of it is what a
// known key signed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "bundle/tree.h"

namespace kb::bundle {

struct VerifyOptions {
  std::string signers;     // as ssh-keygen(1) has it under ALLOWED SIGNERS
  std::string newer_than;  // a file that remembers the newest bundle of a topology; may be empty
  std::string topology;    // the only one that is welcome; empty: any, or what newer_than says
};

struct UnpackedBundle {
  std::string folder;  // holds what the bundle's top folder held; of Verify: empty
  std::string topology;
  std::string tree;  // id, hex
  uint64_t serial = 0;
  std::string signer;
  std::vector<File> files;  // all, by path; SHA256SUMS and its signature among them
};

// Reads all of it and writes nothing but, at the end, the file `newer_than`.
Result<UnpackedBundle> Verify(const std::string& file, const VerifyOptions& options);

// The same, and makes the folder, which must not be there yet: beside, synced, then renamed.
// Nothing remains of a bundle that is refused.
Result<UnpackedBundle> Unpack(const std::string& file, const std::string& folder,
                              const VerifyOptions& options);

}  // namespace kb::bundle
