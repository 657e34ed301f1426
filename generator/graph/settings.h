// Settings: the settings of a service as values, from the topology or the module's defaults.
#pragma once

#include "diag/diagnostic.h"
#include "graph/graph.h"

namespace kb::graph {

// Fills Service::settings and setting_spans. Unknown and wrong ones are reported.
void ReadSettings(Service& service, tmpl::Arena& arena, Diagnostics& diags);

// The type that templates see a setting as.
tmpl::TypeRef TypeOf(const module::Setting& setting);

}  // namespace kb::graph
