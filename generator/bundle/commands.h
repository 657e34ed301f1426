// Commands: what the commands of a script fetch, by the grammar of each program.
#pragma once

#include <functional>
#include <string>

#include "bundle/audit.h"
#include "bundle/shell_script.h"

namespace kb::bundle {

// Called with the kind, what it is, and where in the file.
using Report = std::function<void(NeedKind, std::string, uint32_t)>;

void AuditScript(const ShellScript& script, const Inside& inside, const Report& report);

}  // namespace kb::bundle
