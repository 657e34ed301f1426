#include "secrets/rotation.h"

#include <fmt/core.h>

#include "secrets/generate.h"

namespace kb::secrets {
namespace {

using Credentials = std::vector<const model::Credential*>;

struct FileRotation {
  const SurveyedFile* file;
  Credentials credentials;
};

std::vector<FileRotation> ByFile(const Survey& survey, const Credentials& credentials) {
  std::vector<FileRotation> rotations;
  for (const SurveyedFile& file : survey.files) {
    FileRotation rotation{&file, {}};
    for (const model::Credential* credential : credentials) {
      if (&survey.Of(*credential) == &file) rotation.credentials.push_back(credential);
    }
    if (!rotation.credentials.empty()) rotations.push_back(std::move(rotation));
  }
  return rotations;
}

std::vector<EnvChange> Changes(const Credentials& credentials, const std::vector<Secret>& values) {
  std::vector<EnvChange> changes;
  for (size_t i = 0; i < credentials.size(); ++i) {
    changes.push_back({credentials[i]->key.text, &values[i]});
  }
  return changes;
}

// What was in use is kept before anything else happens.
Result<void> KeepFormer(const FileRotation& rotation, const Folder& folder) {
  std::vector<Secret> former;
  for (const model::Credential* credential : rotation.credentials) {
    former.push_back(rotation.file->current.content.ValueOf(credential->key.text));
  }
  return folder.Replace(FormerName(rotation.file->name),
                        rotation.file->former.content.With(Changes(rotation.credentials, former)));
}

Result<void> ForgetFormer(const FileRotation& rotation, const Folder& folder) {
  std::vector<EnvChange> gone;
  for (const model::Credential* credential : rotation.credentials) {
    gone.push_back({credential->key.text, nullptr});
  }
  const std::string name = FormerName(rotation.file->name);
  const Secret left = rotation.file->former.content.With(gone);
  return left.empty() ? folder.Remove(name) : folder.Replace(name, left);
}

// The next value: a new one, or what a run that died has put into the store already.
Result<Secret> NextValue(const FileRotation& rotation, const model::Credential& credential,
                         const Brick& brick) {
  const auto stored = brick.values.find(credential.key.text);
  const bool interrupted = StateOf(*rotation.file, credential) == RotationState::kInterrupted;
  if (interrupted && stored != brick.values.end() && !stored->second.empty() &&
      !(stored->second == rotation.file->current.content.ValueOf(credential.key.text))) {
    return stored->second.Twin();
  }
  return Generate(credential.length, credential.alphabet);
}

Result<void> Exchange(const FileRotation& rotation, const std::vector<Secret>& values,
                      const Brick& brick, const Folder& folder, Store* store) {
  const auto changes = Changes(rotation.credentials, values);
  if (store != nullptr) {
    if (auto written = store->Write(rotation.file->brick(), brick, changes); !written) {
      return written;
    }
  }
  return folder.Replace(rotation.file->name, rotation.file->current.content.With(changes));
}

Result<Brick> ReadBrick(const FileRotation& rotation, Store* store) {
  if (store == nullptr) return Brick{};
  return store->Read(rotation.file->brick());
}

Result<void> Begin(const FileRotation& rotation, const Folder& folder, Store* store) {
  KB_TRY(brick, ReadBrick(rotation, store));
  std::vector<Secret> values;
  for (const model::Credential* credential : rotation.credentials) {
    KB_TRY(value, NextValue(rotation, *credential, brick));
    values.push_back(std::move(value));
  }
  if (auto kept = KeepFormer(rotation, folder); !kept) return kept;
  return Exchange(rotation, values, brick, folder, store);
}

Result<void> Undo(const FileRotation& rotation, const Folder& folder, Store* store) {
  KB_TRY(brick, ReadBrick(rotation, store));
  std::vector<Secret> values;
  for (const model::Credential* credential : rotation.credentials) {
    values.push_back(rotation.file->former.content.ValueOf(credential->key.text));
  }
  if (auto exchanged = Exchange(rotation, values, brick, folder, store); !exchanged) {
    return exchanged;
  }
  return ForgetFormer(rotation, folder);
}

}  // namespace

RotationState StateOf(const SurveyedFile& file, const model::Credential& credential) {
  const Secret former = file.former.content.ValueOf(credential.key.text);
  if (former.empty()) return RotationState::kNone;
  return former == file.current.content.ValueOf(credential.key.text) ? RotationState::kInterrupted
                                                                     : RotationState::kOpen;
}

std::string ObstacleTo(RotationStep step, const SurveyedFile& file,
                       const model::Credential& credential) {
  const RotationState state = StateOf(file, credential);
  const std::string_view name = credential.name.text;
  if (step != RotationStep::kBegin) {
    return state == RotationState::kNone ? fmt::format("`{}` is not being rotated", name) : "";
  }
  if (file.current.content.ValueOf(credential.key.text).empty()) {
    return fmt::format("`{}` has no value yet: `kbgen secrets init` makes it", name);
  }
  if (state == RotationState::kOpen) {
    return fmt::format("a rotation of `{}` is open: finish it (--finish) or go back (--undo) first",
                       name);
  }
  return {};
}

Result<void> Take(RotationStep step, const Folder& folder, const Survey& survey,
                  const std::vector<const model::Credential*>& credentials, Store* store) {
  for (const FileRotation& rotation : ByFile(survey, credentials)) {
    const auto taken = step == RotationStep::kBegin    ? Begin(rotation, folder, store)
                       : step == RotationStep::kFinish ? ForgetFormer(rotation, folder)
                                                       : Undo(rotation, folder, store);
    if (!taken) return taken;
  }
  return {};
}

}  // namespace kb::secrets
