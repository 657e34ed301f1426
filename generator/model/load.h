// Load: reads a topology and the files it names into a model.
#pragma once

#include <string>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "model/model.h"
#include "shape/shape.h"

namespace kb::model {

// Reads `path`. An Error means that the topology itself cannot be opened; everything else that is
// wrong, a named file that is missing included, is reported at its place. The model holds what
// could be read, so that later stages find more mistakes in the same run.
Result<Model> Load(const std::string& path, Sources& sources, Diagnostics& diags);

// The shapes of the four files, for reading and for `kbgen schema`.
const Shape& TopologyShape();
const Shape& VersionsShape();
const Shape& CredentialsShape();

}  // namespace kb::model
