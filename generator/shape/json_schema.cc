#include <nlohmann/json.hpp>

#include "shape/shape.h"

namespace kb {
namespace {

using Json = nlohmann::ordered_json;

Json Pattern(std::string_view pattern) { return {{"type", "string"}, {"pattern", pattern}}; }

Json WithRange(Json json, const Shape& shape) {
  if (shape.min) json["minimum"] = *shape.min;
  if (shape.max) json["maximum"] = *shape.max;
  return json;
}

Json RecordSchema(const Shape& shape) {
  Json json = {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const Member& member : shape.members) {
    Json property = JsonSchema(*member.shape);
    if (!member.help.empty()) property["description"] = member.help;
    json["properties"][member.name] = std::move(property);
    if (member.required) required.push_back(member.name);
  }
  if (!required.empty()) json["required"] = std::move(required);
  return json;
}

Json BareSchema(const Shape& shape) {
  switch (shape.kind) {
    case ShapeKind::kText:
      return {{"type", {"string", "number", "boolean"}}};
    case ShapeKind::kName:
      return Pattern("^[a-z0-9][a-z0-9_.-]*$");
    case ShapeKind::kIdentifier:
      return Pattern("^[A-Za-z_][A-Za-z0-9_]*$");
    case ShapeKind::kInt:
      return WithRange({{"type", "integer"}}, shape);
    case ShapeKind::kBool:
      return {{"type", "boolean"}};
    case ShapeKind::kPort:
      return {{"type", "integer"}, {"minimum", 1}, {"maximum", 65535}};
    case ShapeKind::kDuration:
      return Pattern("^[0-9]+(ms|s|min|h|d)$");
    case ShapeKind::kSize:
      return Pattern("^[0-9]+(B|kB|[MGT]B|[KMGT]iB)$");
    case ShapeKind::kPath:
      return Pattern("^/[A-Za-z0-9._@+/-]+$");
    case ShapeKind::kIpv4:
      return {{"type", "string"}, {"format", "ipv4"}};
    case ShapeKind::kCidr:
      return Pattern("^[0-9.]+/[0-9]+$");
    case ShapeKind::kHostName:
      return {{"type", "string"}, {"format", "hostname"}};
    case ShapeKind::kEnum:
      return {{"enum", shape.choices}};
    case ShapeKind::kImage:
      return {{"type", "string"}};
    case ShapeKind::kList:
      return {{"type", "array"}, {"items", JsonSchema(*shape.element)}};
    case ShapeKind::kDict:
      return {{"type", "object"}, {"additionalProperties", JsonSchema(*shape.element)}};
    case ShapeKind::kRecord:
      return RecordSchema(shape);
    case ShapeKind::kAny:
      return Json::object();
  }
  return Json::object();
}

}  // namespace

Json JsonSchema(const Shape& shape) {
  Json json = BareSchema(shape);
  for (const Member& member : shape.members) {
    if (member.name == shape.shorthand) json = {{"anyOf", {JsonSchema(*member.shape), json}}};
  }
  if (shape.one_or_many) json = {{"anyOf", {json, JsonSchema(*shape.element)}}};
  if (shape.nullable) json = {{"anyOf", {json, {{"type", "null"}}}}};
  return json;
}

}  // namespace kb
