// Rotation: exchanges values on purpose. The former value is kept beside the file until the
// rotation is finished, so that there is a way back.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "model/model.h"
#include "secrets/folder.h"
#include "secrets/store.h"
#include "secrets/survey.h"

namespace kb::secrets {

enum class RotationStep : uint8_t { kBegin, kFinish, kUndo };

// How far the rotation of a credential is.
enum class RotationState : uint8_t {
  kNone,
  kOpen,         // a former value is kept, and another one is in use
  kInterrupted,  // the former value is kept and still in use: a run died before it was exchanged
};
RotationState StateOf(const SurveyedFile& file, const model::Credential& credential);

// Why the step cannot be taken, or nothing.
std::string ObstacleTo(RotationStep step, const SurveyedFile& file,
                       const model::Credential& credential);

// Takes the step for all of them; nothing must stand in its way. Whatever moment a run dies at, the
// value in use and the former one are both whole, and the same command goes on.
Result<void> Take(RotationStep step, const Folder& folder, const Survey& survey,
                  const std::vector<const model::Credential*>& credentials, Store* store);

}  // namespace kb::secrets
