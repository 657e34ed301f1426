// Lookup: what hooks ask of a service by the names of its manifest.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "diag/diagnostic.h"
#include "graph/graph.h"

namespace kb::services {

// The credential behind a secret of the manifest, or null.
const model::Credential* SecretOf(const graph::Graph& graph, int service, std::string_view secret);
// Where the topology chose it, else where the service stands.
Span SecretSpan(const graph::Graph& graph, int service, std::string_view secret);
// What serves a need of the manifest; unknown when nothing does.
graph::EndpointRef NeedOf(const graph::Graph& graph, int service, std::string_view need);
// The version behind an image of the manifest, or null.
const model::ImageVersion* ImageOf(const graph::Graph& graph, int service, std::string_view image);
// Reports when two services must read one credential as their secret of that name, and do not.
void CheckSameSecret(const graph::Graph& graph, int service, int other, std::string_view secret,
                     Diagnostics& diags);
// A setting that is a number.
int64_t NumberOf(const graph::Graph& graph, int service, std::string_view setting);
// Where settings stand that a finding depends on, each with its name.
std::vector<Label> LabelsOf(const graph::Graph& graph, int service,
                            std::initializer_list<std::string_view> settings);
// Reports a setting that is smaller than `least`, both in its unit; `why` is the advice.
void CheckAtLeast(const graph::Graph& graph, int service, std::string_view setting, int64_t least,
                  Diagnostics::Extra why, Diagnostics& diags);
// Reports secrets of the manifest, and roles of apps, that are one credential.
void CheckSecretsDiffer(const graph::Graph& graph, int service,
                        std::span<const std::string_view> secrets, Diagnostics& diags);

// Reports members whose volume does not hold `setting`, a path of the module. With `required`, a
// member without a volume is reported too.
void CheckDataOnVolume(const graph::Graph& graph, int service, std::string_view setting,
                       bool required, Diagnostics& diags);

}  // namespace kb::services
