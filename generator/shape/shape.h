// Shape: what a piece of YAML may look like. One description serves reading, the messages about
// what is wrong, and the JSON Schema that editors use.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "diag/diagnostic.h"
#include "shape/atoms.h"
#include "syntax/node.h"

namespace kb {

enum class ShapeKind : uint8_t {
  kText,
  kName,
  kIdentifier,
  kInt,
  kBool,
  kPort,
  kDuration,
  kSize,
  kPath,
  kIpv4,
  kCidr,
  kHostName,
  kEnum,
  kImage,
  kList,    // of `element`
  kDict,    // names chosen by the author, each with an `element`
  kRecord,  // the members below and no others
  kAny,     // read later, by somebody who knows its shape (settings of a module)
};

struct Shape;
using ShapeRef = std::shared_ptr<const Shape>;

struct Member {
  std::string name;
  ShapeRef shape;
  std::string help;
  bool required = false;
};

struct Shape {
  ShapeKind kind = ShapeKind::kText;
  std::string unit = {};                      // kDuration, kSize
  std::optional<int64_t> min = {}, max = {};  // numbers, in `unit`
  std::vector<std::string> choices = {};
  ShapeRef element = {};
  std::vector<Member> members = {};
  bool nullable = false;       // `key: ~` is fine and means: as by default
  bool one_or_many = false;    // kList: a lone element may stand for a list of one
  std::string shorthand = {};  // kRecord: a lone scalar may stand for a record of this member
};

ShapeRef Scalar(ShapeKind kind);
ShapeRef Enum(std::vector<std::string> choices);
ShapeRef ListOf(ShapeRef element);
ShapeRef OneOrMany(ShapeRef element);
ShapeRef DictOf(ShapeRef element);
ShapeRef RecordOf(std::vector<Member> members);
// A record for which the scalar of one member may stand.
ShapeRef ShortRecordOf(std::string_view shorthand, std::vector<Member> members);
ShapeRef Nullable(const ShapeRef& shape);
ShapeRef Duration(std::string_view unit);

// "a port (1 to 65535)": what was expected, for messages.
std::string Describe(const Shape& shape);

// Reports everything in `node` that the shape does not allow, with a suggestion where there is one.
// True when there was nothing.
bool Conforms(const Node& node, const Shape& shape, Diagnostics& diags);

// Whether a scalar text is of the shape. The number, where the kind has one, is in the shape's
// unit.
bool ScalarConforms(std::string_view text, bool quoted, const Shape& shape);
std::optional<int64_t> NumberOf(std::string_view text, const Shape& shape);

// JSON Schema (draft 2020-12) of the shape.
nlohmann::ordered_json JsonSchema(const Shape& shape);

}  // namespace kb
