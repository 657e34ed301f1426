#include "shape/shape.h"

#include <algorithm>

#include "base/strings.h"
#include "diag/kinds.h"

namespace kb {
namespace {

std::string_view KindName(NodeKind kind) {
  switch (kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kScalar:
      return "a value";
    case NodeKind::kList:
      return "a list";
    case NodeKind::kMap:
      return "a map";
  }
  return "";
}

std::string Range(const Shape& shape) {
  std::string text;
  if (shape.min) text += fmt::format(", at least {}{}", *shape.min, shape.unit);
  if (shape.max) text += fmt::format(", at most {}{}", *shape.max, shape.unit);
  return text;
}

void ReportKind(const Node& node, const Shape& shape, Diagnostics& diags) {
  diags.Emit(diag::kWrongKind, node.span, Describe(shape), KindName(node.kind));
}

std::string KeyHelp(const Node::Entry& entry, const std::vector<std::string_view>& known) {
  if (entry.value.kind == NodeKind::kNull && entry.key.find(' ') != std::string_view::npos) {
    return "a comma between braces starts a new key: put a text that holds one into quotes";
  }
  const std::string_view near = Nearest(entry.key, known);
  if (!near.empty()) return fmt::format("did you mean `{}`?", near);
  return fmt::format("known here: {}",
                     Join(std::vector<std::string>(known.begin(), known.end()), ", "));
}

bool RecordConforms(const Node& node, const Shape& shape, Diagnostics& diags) {
  bool good = true;
  std::vector<std::string_view> known;
  for (const Member& member : shape.members) known.push_back(member.name);
  for (const Node::Entry& entry : node.entries) {
    const auto member = std::ranges::find(shape.members, entry.key, &Member::name);
    if (member != shape.members.end()) {
      good &= Conforms(entry.value, *member->shape, diags);
      continue;
    }
    good = false;
    diags.Emit(diag::kUnknownKey, entry.key_span, {.help = KeyHelp(entry, known)}, entry.key);
  }
  for (const Member& member : shape.members) {
    if (!member.required || node.Find(member.name) != nullptr) continue;
    good = false;
    diags.Emit(diag::kMissingKey, node.span,
               {.help = fmt::format("{}: {}", member.name, member.help)}, member.name);
  }
  return good;
}

bool DictConforms(const Node& node, const Shape& shape, Diagnostics& diags) {
  bool good = true;
  for (const Node::Entry& entry : node.entries)
    good &= Conforms(entry.value, *shape.element, diags);
  return good;
}

bool ListConforms(const Node& node, const Shape& shape, Diagnostics& diags) {
  bool good = true;
  for (const Node& item : node.items) good &= Conforms(item, *shape.element, diags);
  return good;
}

}  // namespace

ShapeRef Scalar(ShapeKind kind) { return std::make_shared<Shape>(Shape{.kind = kind}); }
ShapeRef Enum(std::vector<std::string> choices) {
  return std::make_shared<Shape>(Shape{.kind = ShapeKind::kEnum, .choices = std::move(choices)});
}
ShapeRef ListOf(ShapeRef element) {
  return std::make_shared<Shape>(Shape{.kind = ShapeKind::kList, .element = std::move(element)});
}
ShapeRef OneOrMany(ShapeRef element) {
  return std::make_shared<Shape>(
      Shape{.kind = ShapeKind::kList, .element = std::move(element), .one_or_many = true});
}
ShapeRef DictOf(ShapeRef element) {
  return std::make_shared<Shape>(Shape{.kind = ShapeKind::kDict, .element = std::move(element)});
}
ShapeRef RecordOf(std::vector<Member> members) {
  return std::make_shared<Shape>(Shape{.kind = ShapeKind::kRecord, .members = std::move(members)});
}
ShapeRef ShortRecordOf(std::string_view shorthand, std::vector<Member> members) {
  return std::make_shared<Shape>(Shape{.kind = ShapeKind::kRecord,
                                       .members = std::move(members),
                                       .shorthand = std::string(shorthand)});
}
ShapeRef Nullable(const ShapeRef& shape) {
  Shape copy = *shape;
  copy.nullable = true;
  return std::make_shared<Shape>(std::move(copy));
}
ShapeRef Duration(std::string_view unit) {
  return std::make_shared<Shape>(Shape{.kind = ShapeKind::kDuration, .unit = std::string(unit)});
}

std::string Describe(const Shape& shape) {
  switch (shape.kind) {
    case ShapeKind::kText:
      return "a text";
    case ShapeKind::kName:
      return "a name (lower-case letters, digits, `_`, `.`, `-`)";
    case ShapeKind::kIdentifier:
      return "a variable's name (letters, digits, `_`)";
    case ShapeKind::kInt:
      return "a whole number" + Range(shape);
    case ShapeKind::kBool:
      return "`true` or `false`";
    case ShapeKind::kPort:
      return "a port (1 to 65535)";
    case ShapeKind::kDuration:
      return fmt::format("a duration with a unit (ms, s, min, h, d), whole in {}{}", shape.unit,
                         Range(shape));
    case ShapeKind::kSize:
      return fmt::format("a size with a unit (B, KiB, MiB, GiB, TiB), whole in {}{}", shape.unit,
                         Range(shape));
    case ShapeKind::kPath:
      return "an absolute path";
    case ShapeKind::kIpv4:
      return "an IPv4 address";
    case ShapeKind::kCidr:
      return "a network such as 10.20.0.0/16, its host part zero";
    case ShapeKind::kHostName:
      return "a host name";
    case ShapeKind::kEnum:
      return "one of " + Join(shape.choices, ", ");
    case ShapeKind::kImage:
      return "an image reference";
    case ShapeKind::kList:
      return "a list";
    case ShapeKind::kDict:
    case ShapeKind::kRecord:
      return "a map";
    case ShapeKind::kAny:
      return "anything";
  }
  return "";
}

std::optional<int64_t> NumberOf(std::string_view text, const Shape& shape) {
  switch (shape.kind) {
    case ShapeKind::kInt:
      return ParseInt(text);
    case ShapeKind::kPort:
      return ParsePort(text);
    case ShapeKind::kDuration:
      return ParseDuration(text, shape.unit);
    case ShapeKind::kSize:
      return ParseSize(text, shape.unit);
    case ShapeKind::kBool:
      return text == "true" ? 1 : 0;
    default:
      return std::nullopt;
  }
}

bool ScalarConforms(std::string_view text, bool quoted, const Shape& shape) {
  switch (shape.kind) {
    case ShapeKind::kText:
      return true;
    case ShapeKind::kName:
      return IsName(text);
    case ShapeKind::kIdentifier:
      return IsIdentifier(text);
    case ShapeKind::kBool:
      return !quoted && (text == "true" || text == "false");
    case ShapeKind::kPath:
      return IsAbsolutePath(text);
    case ShapeKind::kIpv4:
      return ParseIpv4(text).has_value();
    case ShapeKind::kCidr:
      return ParseCidr(text).has_value();
    case ShapeKind::kHostName:
      return IsHostName(text);
    case ShapeKind::kEnum:
      return std::ranges::find(shape.choices, text) != shape.choices.end();
    case ShapeKind::kImage:
      return ParseImageRef(text).has_value();
    case ShapeKind::kInt:
    case ShapeKind::kPort:
    case ShapeKind::kDuration:
    case ShapeKind::kSize: {
      const auto number = NumberOf(text, shape);
      return number && (!shape.min || *number >= *shape.min) &&
             (!shape.max || *number <= *shape.max);
    }
    default:
      return false;
  }
}

bool Conforms(const Node& node, const Shape& shape, Diagnostics& diags) {
  if (node.kind == NodeKind::kNull) {
    if (shape.nullable || shape.kind == ShapeKind::kAny) return true;
    ReportKind(node, shape, diags);
    return false;
  }
  const auto is = [&](NodeKind kind) {
    if (node.kind == kind) return true;
    ReportKind(node, shape, diags);
    return false;
  };
  switch (shape.kind) {
    case ShapeKind::kAny:
      return true;
    case ShapeKind::kRecord:
      if (node.kind == NodeKind::kScalar && !shape.shorthand.empty()) {
        return Conforms(
            node, *std::ranges::find(shape.members, shape.shorthand, &Member::name)->shape, diags);
      }
      return is(NodeKind::kMap) && RecordConforms(node, shape, diags);
    case ShapeKind::kDict:
      return is(NodeKind::kMap) && DictConforms(node, shape, diags);
    case ShapeKind::kList:
      if (shape.one_or_many && node.kind != NodeKind::kList)
        return Conforms(node, *shape.element, diags);
      return is(NodeKind::kList) && ListConforms(node, shape, diags);
    default:
      break;
  }
  if (!is(NodeKind::kScalar)) return false;
  if (ScalarConforms(node.text, node.quoted, shape)) return true;
  std::vector<std::string_view> choices(shape.choices.begin(), shape.choices.end());
  const std::string_view near = Nearest(node.text, choices);
  diags.Emit(diag::kWrongValue, node.span,
             {.help = near.empty() ? "" : fmt::format("did you mean `{}`?", near)}, node.text,
             Describe(shape));
  return false;
}

}  // namespace kb
