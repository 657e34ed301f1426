// Manifest shape: what a module.yaml may look like.
#pragma once

#include <optional>
#include <string_view>

#include "shape/shape.h"

namespace kb::module {

// The shape of one setting's declaration.
const Shape& SettingDeclaration();
// The kind that a plain type of the manifest names; maps and records have none.
std::optional<ShapeKind> SettingKind(std::string_view type);

}  // namespace kb::module
