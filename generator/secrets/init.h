// Init: makes what is missing, and changes nothing that is there.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "model/model.h"
#include "secrets/folder.h"
#include "secrets/store.h"
#include "secrets/survey.h"

namespace kb::secrets {

enum class Origin : uint8_t {
  kKept,     // it was there
  kCreated,  // a new value
  kFetched,  // the store had it, the folder did not
  kStored,   // the folder had it, the store did not
};
std::string_view Name(Origin origin);

struct Outcome {
  const model::Credential* credential;
  Origin origin;
};

// Every credential of the survey, in its order. `store` may be null. Where folder and store hold
// different values, that is reported and nothing at all is written.
Result<Checked<std::vector<Outcome>>> Init(const Folder& folder, const Survey& survey, Store* store,
                                           const Sources& sources, Diagnostics& diags);

// Reports every value that the store lacks, or that is another one there.
Result<void> Compare(const Survey& survey, Store& store, const Sources& sources,
                     Diagnostics& diags);

}  // namespace kb::secrets
