// Recipe: what a Dockerfile fetches when an image is built from it.
#pragma once

#include <string_view>

#include "bundle/commands.h"

namespace kb::bundle {

void AuditRecipe(std::string_view bytes, const Inside& inside, const Report& report);

}  // namespace kb::bundle
