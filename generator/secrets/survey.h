// Survey: what lies in the folder, held against what the topology names.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "model/model.h"
#include "secrets/folder.h"

namespace kb::secrets {

// One file of the topology, and beside it the former values of open rotations.
struct SurveyedFile {
  std::string name;  // "redis.env"
  std::vector<const model::Credential*> credentials;
  Found current, former;
  Span source;  // of its masked text, for diagnostics

  std::string brick() const;  // "redis"
};

struct Survey {
  std::vector<SurveyedFile> files;  // in the order of credentials.yaml
  // Files are what they should be and can be read; only then may anything be written.
  bool usable = true;

  SurveyedFile& Of(const model::Credential& credential);
  const SurveyedFile& Of(const model::Credential& credential) const;
};

std::string FormerName(std::string_view file);  // "redis.env.previous"

// Reads everything that the topology names and reports what makes it unusable.
Result<Survey> Look(const Folder& folder, const model::Model& model, Sources& sources,
                    Diagnostics& diags);

// Reports every value that is missing or is not what the policy asks for, and what else is odd.
void Judge(const Folder& folder, const Survey& survey, const Sources& sources, Diagnostics& diags);

// Where the key stands in the file, or in credentials.yaml when it does not.
Span SpanOf(const SurveyedFile& file, const model::Credential& credential, const Sources& sources);

// Why a value does not fit its credential, or nothing. Never the value.
std::string MistakeIn(const model::Credential& credential, std::string_view value);

}  // namespace kb::secrets
