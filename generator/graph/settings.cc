#include "graph/settings.h"

#include <algorithm>

#include "diag/kinds.h"

namespace kb::graph {
namespace {

bool PrintsAsAtom(ShapeKind kind) {
  switch (kind) {
    case ShapeKind::kName:
    case ShapeKind::kIdentifier:
    case ShapeKind::kPath:
    case ShapeKind::kIpv4:
    case ShapeKind::kCidr:
    case ShapeKind::kHostName:
    case ShapeKind::kEnum:
    case ShapeKind::kImage:
      return true;
    default:
      return false;
  }
}

// Maps arrive in templates as a list of name and value, sorted by name, so that the output does not
// depend on the order in which somebody wrote them.
tmpl::TypeRef PairType() {
  return tmpl::RecordOf(
      {{"name", tmpl::AtomType(), "the name"}, {"value", tmpl::TextType(), "the value"}});
}

tmpl::TypeRef TypeOfShape(const Shape& shape) {
  switch (shape.kind) {
    case ShapeKind::kInt:
    case ShapeKind::kPort:
    case ShapeKind::kDuration:
    case ShapeKind::kSize:
      return tmpl::IntType();
    case ShapeKind::kBool:
      return tmpl::BoolType();
    case ShapeKind::kEnum:
      return tmpl::EnumType(shape.choices);
    case ShapeKind::kList:
      return tmpl::ListOf(TypeOfShape(*shape.element));
    case ShapeKind::kDict:
      return tmpl::ListOf(PairType());
    case ShapeKind::kRecord: {
      std::vector<tmpl::Field> fields;
      for (const Member& member : shape.members) {
        tmpl::TypeRef type = TypeOfShape(*member.shape);
        fields.push_back({member.name, member.required ? type : tmpl::Optional(type), member.help});
      }
      return tmpl::RecordOf(std::move(fields));
    }
    default:
      return PrintsAsAtom(shape.kind) ? tmpl::AtomType() : tmpl::TextType();
  }
}

tmpl::Value ValueOf(const Node& node, const Shape& shape, tmpl::Arena& arena);

tmpl::Value PairsOf(const Node& node, tmpl::Arena& arena) {
  std::vector<const Node::Entry*> sorted;
  for (const Node::Entry& entry : node.entries) sorted.push_back(&entry);
  std::ranges::sort(sorted, {}, [](const Node::Entry* entry) { return entry->key; });
  const auto pairs = arena.Values(sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    const auto fields = arena.Values(2);
    fields[0] = tmpl::Value::Atom(sorted[i]->key, sorted[i]->key_span);
    fields[1] = tmpl::Value::Text(sorted[i]->value.text, sorted[i]->value.span);
    pairs[i] = tmpl::Value::Record(fields, sorted[i]->key_span);
  }
  return tmpl::Value::List(pairs, node.span);
}

tmpl::Value ListValue(const Node& node, const Shape& shape, tmpl::Arena& arena) {
  const auto items = arena.Values(node.items.size());
  for (size_t i = 0; i < node.items.size(); ++i)
    items[i] = ValueOf(node.items[i], *shape.element, arena);
  return tmpl::Value::List(items, node.span);
}

tmpl::Value RecordValue(const Node& node, const Shape& shape, tmpl::Arena& arena) {
  const auto fields = arena.Values(shape.members.size());
  for (size_t i = 0; i < shape.members.size(); ++i) {
    const Node* field = node.Find(shape.members[i].name);
    if (field != nullptr) fields[i] = ValueOf(*field, *shape.members[i].shape, arena);
  }
  return tmpl::Value::Record(fields, node.span);
}

tmpl::Value ValueOf(const Node& node, const Shape& shape, tmpl::Arena& arena) {
  switch (shape.kind) {
    case ShapeKind::kBool:
      return tmpl::Value::Bool(node.text == "true", node.span);
    case ShapeKind::kInt:
    case ShapeKind::kPort:
    case ShapeKind::kDuration:
    case ShapeKind::kSize:
      return tmpl::Value::Int(NumberOf(node.text, shape).value_or(0), node.span);
    case ShapeKind::kDict:
      return PairsOf(node, arena);
    case ShapeKind::kList:
      return ListValue(node, shape, arena);
    case ShapeKind::kRecord:
      return RecordValue(node, shape, arena);
    default:
      return PrintsAsAtom(shape.kind) ? tmpl::Value::Atom(node.text, node.span)
                                      : tmpl::Value::Text(node.text, node.span);
  }
}

// The empty value of a setting without default: an empty list or map is a value, nothing else is.
tmpl::Value EmptyOf(const Shape& shape) {
  if (shape.kind == ShapeKind::kList || shape.kind == ShapeKind::kDict)
    return tmpl::Value::List({});
  return {};
}

// A map in the topology changes single names of the default map; the others keep their values.
tmpl::Value MergedPairs(const Node* written, const Node* fallback, tmpl::Arena& arena) {
  if (fallback == nullptr) return PairsOf(*written, arena);
  Node merged = *fallback;
  merged.span = written->span;
  for (const Node::Entry& entry : written->entries) {
    const auto same = std::ranges::find(merged.entries, entry.key, &Node::Entry::key);
    if (same == merged.entries.end()) {
      merged.entries.push_back(entry);
    } else {
      *same = entry;
    }
  }
  // `name: ~` takes a default away.
  std::erase_if(merged.entries,
                [](const Node::Entry& e) { return e.value.kind == NodeKind::kNull; });
  return PairsOf(merged, arena);
}

// Topologies may take a default of a map away with `~`, which manifests may not.
ShapeRef WrittenShape(const module::Manifest& manifest) {
  std::vector<Member> members;
  for (const module::Setting& setting : manifest.settings) {
    ShapeRef shape = setting.shape;
    if (shape->kind == ShapeKind::kDict) shape = DictOf(Nullable(shape->element));
    members.push_back(
        {std::string(setting.name.text), shape, std::string(setting.help), setting.required});
  }
  return kb::RecordOf(std::move(members));
}

}  // namespace

tmpl::TypeRef TypeOf(const module::Setting& setting) {
  tmpl::TypeRef type = TypeOfShape(*setting.shape);
  const bool always = setting.required || setting.fallback != nullptr ||
                      setting.shape->kind == ShapeKind::kList ||
                      setting.shape->kind == ShapeKind::kDict;
  return always ? type : tmpl::Optional(type);
}

void ReadSettings(Service& service, tmpl::Arena& arena, Diagnostics& diags) {
  static const Node kEmpty{.kind = NodeKind::kMap};
  const module::Manifest& manifest = *service.manifest;
  const Node* written = service.model->settings;
  Node nowhere = kEmpty;
  nowhere.span = service.model->span;
  if (written == nullptr || written->kind == NodeKind::kNull) written = &nowhere;
  const bool good = Conforms(*written, *WrittenShape(manifest), diags);
  for (const module::Setting& setting : manifest.settings) {
    const Node* own = good ? written->Find(setting.name.text) : nullptr;
    const Node* node = own != nullptr ? own : setting.fallback;
    tmpl::Value value = EmptyOf(*setting.shape);
    if (own != nullptr && setting.shape->kind == ShapeKind::kDict) {
      value = MergedPairs(own, setting.fallback, arena);
    } else if (node != nullptr) {
      value = ValueOf(*node, *setting.shape, arena);
    }
    service.settings.push_back(value);
    service.setting_spans.push_back(node != nullptr ? node->span : setting.name.span);
  }
}

}  // namespace kb::graph
