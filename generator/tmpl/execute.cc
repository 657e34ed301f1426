#include <array>
#include <charconv>

#include "base/result.h"
#include "diag/kinds.h"
#include "tmpl/template.h"

namespace kb::tmpl {
namespace {

constexpr Value kNothing = {};

class Run {
 public:
  Run(const Template& tmpl, const Value& scope, std::string& out, std::vector<Segment>* trace,
      Diagnostics& diags)
      : tmpl_(tmpl), scope_(scope), out_(out), trace_(trace), diags_(diags) {}

  Checked<Done> All();

 private:
  struct Loop {
    const Value* items = nullptr;
    uint32_t size = 0;
    uint32_t at = 0;
  };

  const Value& Look(const Op& op);
  const Value& LookAtLoop(const Loop& loop, uint16_t what);
  bool Holds(const Op& op);
  void Hole(const Op& op);
  void Write(const Op& op, const Value& value, std::string_view bytes);
  void Literal(const Op& op, std::string_view text);
  uint32_t Begin(const Op& op, uint32_t pc);
  uint32_t Next(const Op& op, uint32_t pc);

  const Template& tmpl_;
  const Value& scope_;
  std::string& out_;
  std::vector<Segment>* trace_;
  Diagnostics& diags_;
  std::array<Loop, kLoopsMax + 1> loops_ = {};
  Value computed_;
  Checked<Done> result_ = Done{};
};

const Value& Run::LookAtLoop(const Loop& loop, uint16_t what) {
  switch (what) {
    case kLoopIndex:
      computed_ = Value::Int(int64_t{loop.at} + 1);
      break;
    case kLoopFirst:
      computed_ = Value::Bool(loop.at == 0);
      break;
    default:
      computed_ = Value::Bool(loop.at + 1 == loop.size);
      break;
  }
  return computed_;
}

const Value& Run::Look(const Op& op) {
  const uint16_t* field = op.path.data();
  const uint16_t* const past = field + op.path.size();
  const Value* value = &scope_;
  if (const uint16_t slot = *field++; slot != 0) {
    const Loop& loop = loops_[slot];
    if (field != past && *field >= kLoopIndex) return LookAtLoop(loop, *field);
    value = &loop.items[loop.at];
  }
  for (; field != past; ++field) {
    if (value->kind == Kind::kAbsent) return kNothing;
    KB_CHECK(value->kind == Kind::kRecord || value->kind == Kind::kSecret);
    KB_CHECK(*field < value->size);
    value = &value->items[*field];
  }
  return *value;
}

bool Run::Holds(const Op& op) {
  const Value& value = Look(op);
  if (!op.literal.empty()) return value.kind == Kind::kAtom && value.str() == op.literal;
  switch (value.kind) {
    case Kind::kAbsent:
      return false;
    case Kind::kBool:
      return value.number != 0;
    case Kind::kList:
      return value.size != 0;
    default:
      return true;
  }
}

void Run::Write(const Op& op, const Value& value, std::string_view bytes) {
  if (trace_ != nullptr && !bytes.empty()) {
    trace_->push_back({static_cast<uint32_t>(out_.size()), op.span, value.origin});
  }
  const std::string_view why = op.escape(bytes, op.context, out_);
  if (why.empty()) return;
  const std::string_view place = tmpl_.language->describe(op.context);
  Diagnostics::Extra extra;
  if (value.origin.known())
    extra.labels = {{op.span, fmt::format("it is printed here, {}", place)}};
  const Span span = value.origin.known() ? value.origin : op.span;
  result_ = std::unexpected(diags_.Emit(diag::kValueUnwritable, span, std::move(extra), why));
}

// The compiler proved that a value of this class may stand here; another kind would be a scope that
// does not keep what its type promises.
void Run::Hole(const Op& op) {
  const Value& value = Look(op);
  switch (op.holds) {
    case lang::ValueClass::kText:
      KB_CHECK(value.kind == Kind::kText || value.kind == Kind::kAtom);
      return Write(op, value, value.str());
    case lang::ValueClass::kAtom:
      KB_CHECK(value.kind == Kind::kAtom);
      return Write(op, value, value.str());
    case lang::ValueClass::kBool:
      KB_CHECK(value.kind == Kind::kBool);
      return Write(op, value, value.number != 0 ? "true" : "false");
    case lang::ValueClass::kInt: {
      KB_CHECK(value.kind == Kind::kInt);
      char digits[24];
      const auto end = std::to_chars(std::begin(digits), std::end(digits), value.number).ptr;
      return Write(op, value, {digits, static_cast<size_t>(end - digits)});
    }
  }
}

void Run::Literal(const Op& op, std::string_view text) {
  if (trace_ != nullptr && !text.empty()) {
    trace_->push_back({static_cast<uint32_t>(out_.size()), op.span, {}});
  }
  out_ += text;
}

uint32_t Run::Begin(const Op& op, uint32_t pc) {
  const Value& list = Look(op);
  KB_CHECK(list.kind == Kind::kList || list.kind == Kind::kAbsent);
  if (list.size == 0) return op.target;
  loops_[op.slot] = {list.items, list.size, 0};
  return pc + 1;
}

uint32_t Run::Next(const Op& op, uint32_t pc) {
  Loop& loop = loops_[op.slot];
  if (++loop.at == loop.size) return pc + 1;
  Literal(op, op.literal);
  return op.target + 1;
}

Checked<Done> Run::All() {
  const auto past = static_cast<uint32_t>(tmpl_.ops.size());
  for (uint32_t pc = 0; pc < past;) {
    const Op& op = tmpl_.ops[pc];
    switch (op.code) {
      case Op::Code::kLiteral:
        Literal(op, op.literal), ++pc;
        break;
      case Op::Code::kHole:
        Hole(op), ++pc;
        break;
      case Op::Code::kIf:
        pc = Holds(op) != op.negated ? pc + 1 : op.target;
        break;
      case Op::Code::kJump:
        pc = op.target;
        break;
      case Op::Code::kLoop:
        pc = Begin(op, pc);
        break;
      case Op::Code::kNext:
        pc = Next(op, pc);
        break;
    }
  }
  return result_;
}

}  // namespace

Checked<Done> Execute(const Template& tmpl, const Value& scope, std::string& out,
                      std::vector<Segment>* trace, Diagnostics& diags) {
  return Run(tmpl, scope, out, trace, diags).All();
}

}  // namespace kb::tmpl
