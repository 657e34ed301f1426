// Inventory: the servers and their data volumes, from their tables.
#pragma once

#include "diag/diagnostic.h"
#include "model/model.h"
#include "syntax/tsv.h"

namespace kb::model {

// Columns by name and order, mandatory cells, types, uniqueness of names and addresses.
void ReadServers(const Tsv& table, Model& model, Diagnostics& diags);
void ReadVolumes(const Tsv& table, Model& model, Diagnostics& diags);

}  // namespace kb::model
