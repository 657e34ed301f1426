#include "tmpl/names.h"

#include <algorithm>

#include "base/strings.h"
#include "diag/kinds.h"
#include "tmpl/template.h"

namespace kb::tmpl {
namespace {

constexpr std::string_view kLoopName = "loop";
constexpr std::string_view kLoopFields[] = {"index", "first", "last"};

const Type& BoolLike() {
  static const TypeRef type = BoolType();
  return *type;
}

const Type& IntLike() {
  static const TypeRef type = IntType();
  return *type;
}

// The nearest name when one is near, else all of them when they are few.
std::string Suggest(std::string_view name, std::span<const std::string_view> candidates) {
  constexpr size_t kListed = 12;
  if (const std::string_view near = Nearest(name, candidates); !near.empty()) {
    return fmt::format("did you mean `{}`?", near);
  }
  if (candidates.empty() || candidates.size() > kListed) return {};
  std::string all;
  for (std::string_view candidate : candidates) {
    all += all.empty() ? "there is `" : ", `";
    (all += candidate) += '`';
  }
  return all;
}

std::vector<std::string_view> FieldNames(const Type& type) {
  std::vector<std::string_view> names;
  for (const Field& field : type.fields) names.push_back(field.name);
  return names;
}

}  // namespace

std::string_view Describe(const Type& type) {
  switch (type.kind) {
    case Kind::kAbsent:
      return "nothing";
    case Kind::kText:
      return "a text";
    case Kind::kAtom:
      return type.choices.empty() ? "an atom" : "an enumeration";
    case Kind::kInt:
      return "a number";
    case Kind::kBool:
      return "a boolean";
    case Kind::kSecret:
      return "a secret";
    case Kind::kList:
      return "a list";
    case Kind::kRecord:
      return "a record";
  }
  return "nothing";
}

void Names::OpenLoop(std::string_view variable, const Type* element, std::string list) {
  loops_.push_back({variable, element, std::move(list)});
}

bool Names::IsTaken(std::string_view name) const {
  if (name == kLoopName || scope_.IndexOf(name) >= 0) return true;
  return std::ranges::find(loops_, name, &Loop::variable) != loops_.end();
}

Resolved Names::Resolve(std::string_view path, Span span) {
  const std::vector<std::string_view> names = Split(path, '.');
  const auto span_of = [&](std::string_view part) {
    const auto offset = static_cast<uint32_t>(part.data() - path.data());
    return Span{span.begin + offset, span.begin + offset + static_cast<uint32_t>(part.size())};
  };
  if (names.size() == 2 && names[0] == kLoopName && !loops_.empty()) {
    return LoopField(names[1], span_of(names[1]));
  }
  Resolved at = Begin(names[0], span_of(names[0]));
  for (size_t i = 1; i < names.size() && at.type != nullptr; ++i) {
    Enter(at, names[i], span_of(names[i]));
  }
  if (at.type != nullptr) reads_.push_back(at.read);
  return at;
}

Resolved Names::LoopField(std::string_view field, Span span) {
  const auto slot = static_cast<uint16_t>(loops_.size());
  if (field == "index") return {.path = {slot, kLoopIndex}, .type = &IntLike()};
  if (field == "first") return {.path = {slot, kLoopFirst}, .type = &BoolLike()};
  if (field == "last") return {.path = {slot, kLoopLast}, .type = &BoolLike()};
  diags_.Emit(diag::kTmplUnknownField, span, {.help = Suggest(field, kLoopFields)}, kLoopName,
              field);
  return {};
}

Resolved Names::Begin(std::string_view name, Span span) {
  for (size_t i = loops_.size(); i > 0; --i) {
    const Loop& loop = loops_[i - 1];
    if (loop.variable != name) continue;
    Resolved at{.path = {static_cast<uint16_t>(i)}, .type = loop.element, .read = loop.list};
    if (at.type != nullptr) Arrive(at);
    return at;
  }
  const int index = scope_.IndexOf(name);
  if (index >= 0) {
    const auto field = static_cast<size_t>(index);
    Resolved at{.path = {0, static_cast<uint16_t>(index)},
                .type = scope_.fields[field].type.get(),
                .read = std::string(name)};
    Arrive(at);
    return at;
  }
  std::vector<std::string_view> known = FieldNames(scope_);
  for (const Loop& loop : loops_) known.push_back(loop.variable);
  diags_.Emit(diag::kTmplUnknownName, span, {.help = Suggest(name, known)}, name);
  return {};
}

void Names::Enter(Resolved& at, std::string_view field, Span span) {
  const Type& type = *at.type;
  at.type = nullptr;
  if (type.kind != Kind::kRecord && type.kind != Kind::kSecret) {
    diags_.Emit(diag::kTmplNotRecord, span, at.read, Describe(type));
    return;
  }
  const int index = type.IndexOf(field);
  if (index < 0) {
    diags_.Emit(diag::kTmplUnknownField, span, {.help = Suggest(field, FieldNames(type))}, at.read,
                field);
    return;
  }
  at.path.push_back(static_cast<uint16_t>(index));
  at.type = type.fields[static_cast<size_t>(index)].type.get();
  (at.read += '.') += field;
  Arrive(at);
}

void Names::Arrive(Resolved& at) const {
  if (at.type->optional && !IsPresent(at.path)) at.may_be_absent = true;
}

// What lies inside of something that is there proves that it is there.
bool Names::IsPresent(const Path& path) const {
  return std::ranges::any_of(present_, [&](const Path& known) {
    return known.size() >= path.size() && std::equal(path.begin(), path.end(), known.begin());
  });
}

std::vector<std::string> Names::Reads() const {
  std::vector<std::string> reads = reads_;
  std::ranges::sort(reads);
  const auto repeats = std::ranges::unique(reads);
  reads.erase(repeats.begin(), repeats.end());
  return reads;
}

}  // namespace kb::tmpl
