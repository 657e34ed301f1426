#include "tmpl/type.h"

#include <utility>

#include "base/result.h"

namespace kb::tmpl {
namespace {

TypeRef Make(Type type) { return std::make_shared<const Type>(std::move(type)); }

}  // namespace

int Type::IndexOf(std::string_view name) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

TypeRef TextType() {
  static const TypeRef type = Make({.kind = Kind::kText});
  return type;
}

TypeRef AtomType() {
  static const TypeRef type = Make({.kind = Kind::kAtom});
  return type;
}

TypeRef IntType() {
  static const TypeRef type = Make({.kind = Kind::kInt});
  return type;
}

TypeRef BoolType() {
  static const TypeRef type = Make({.kind = Kind::kBool});
  return type;
}

TypeRef EnumType(std::vector<std::string> choices) {
  return Make({.kind = Kind::kAtom, .choices = std::move(choices)});
}

TypeRef ListOf(TypeRef element) {
  return Make({.kind = Kind::kList, .element = std::move(element)});
}

TypeRef RecordOf(std::vector<Field> fields) {
  return Make({.kind = Kind::kRecord, .fields = std::move(fields)});
}

TypeRef SecretOf(std::vector<Field> fields) {
  return Make({.kind = Kind::kSecret, .fields = std::move(fields)});
}

TypeRef Optional(TypeRef type) {
  if (type->optional) return type;
  Type copy = *type;
  copy.optional = true;
  return Make(std::move(copy));
}

RecordBuilder& RecordBuilder::Set(std::string_view name, Value value) {
  const int index = type_.IndexOf(name);
  KB_CHECK(index >= 0);
  fields_[static_cast<size_t>(index)] = value;
  return *this;
}

Value RecordBuilder::Finish(Span origin) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    KB_CHECK(fields_[i].kind != Kind::kAbsent || type_.fields[i].type->optional);
  }
  return type_.kind == Kind::kSecret ? Value::Secret(fields_, origin)
                                     : Value::Record(fields_, origin);
}

}  // namespace kb::tmpl
