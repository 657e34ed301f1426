#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/console.h"
#include "model/load.h"
#include "module/library.h"
#include "shape/shape.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;

// What may stand below `settings` depends on the module that stands beside it.
void AddSettings(Json& service, const module::Library& library) {
  Json names = Json::array();
  Json cases = Json::array();
  for (const module::Manifest& manifest : library.modules()) {
    names.push_back(manifest.name.text);
    const Json is_it = {{"properties", {{"module", {{"const", manifest.name.text}}}}},
                        {"required", {"module"}}};
    const Json settings = {
        {"anyOf", {JsonSchema(*module::SettingsShape(manifest)), {{"type", "null"}}}}};
    cases.push_back({{"if", is_it}, {"then", {{"properties", {{"settings", settings}}}}}});
  }
  service["properties"]["module"]["enum"] = std::move(names);
  service["allOf"] = std::move(cases);
}

Json TopologySchema(const module::Library& library) {
  Json schema = JsonSchema(model::TopologyShape());
  AddSettings(schema["properties"]["services"]["additionalProperties"], library);
  return schema;
}

}  // namespace

Status Schema(const Options& options) {
  const Console console(options);
  Sources sources;
  Diagnostics diags;
  const auto library = module::Library::Load(options.modules, sources, diags);
  if (!library) return console.Fail(library.error());
  if (diags.has_errors()) return console.Show(diags, sources);

  Json schema = options.schema == "versions"      ? JsonSchema(model::VersionsShape())
                : options.schema == "credentials" ? JsonSchema(model::CredentialsShape())
                : options.schema == "module"      ? JsonSchema(module::ManifestShape())
                                                  : TopologySchema(*library);
  Json document = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"title", fmt::format("kbgen: {}", options.schema)}};
  document.update(schema);
  console.Print(document.dump(2) + "\n");
  return Status::kDone;
}

}  // namespace kb::cli
