// Type: the static shape of a value, against which templates are compiled.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tmpl/value.h"

namespace kb::tmpl {

struct Type;
using TypeRef = std::shared_ptr<const Type>;  // shared: the same record type stands in many scopes

struct Field {
  std::string name;
  TypeRef type;
  std::string help;  // one sentence, for documentation and messages
};

// Records (and secrets, which are records that cannot be printed) have fields; lists an element;
// an atom that is an enumeration has choices, which `is` compares with.
struct Type {
  Kind kind = Kind::kAbsent;
  bool optional = false;
  TypeRef element;
  std::vector<Field> fields;
  std::vector<std::string> choices;

  // Index of a field, or -1.
  int IndexOf(std::string_view name) const;
};

TypeRef TextType();
TypeRef AtomType();
TypeRef IntType();
TypeRef BoolType();
TypeRef EnumType(std::vector<std::string> choices);
TypeRef ListOf(TypeRef element);
TypeRef RecordOf(std::vector<Field> fields);
TypeRef SecretOf(std::vector<Field> fields);
TypeRef Optional(TypeRef type);

// Fills a record field by field, by name, in any order; a name that the type does not have is a
// mistake of ours. Finish gives the record; fields never set are absent (and must be optional).
class RecordBuilder {
 public:
  RecordBuilder(const Type& type, Arena& arena)
      : type_(type), fields_(arena.Values(type.fields.size())) {}
  RecordBuilder& Set(std::string_view name, Value value);
  Value Finish(Span origin = {}) const;

 private:
  const Type& type_;
  std::span<Value> fields_;
};

}  // namespace kb::tmpl
