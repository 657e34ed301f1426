#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "diag/kinds.h"
#include "tmpl/draft.h"
#include "tmpl/lexer.h"
#include "tmpl/names.h"
#include "tmpl/statement.h"

namespace kb::tmpl {
namespace {

constexpr uint32_t kUnset = UINT32_MAX;
constexpr size_t kPartialsMax = 16;  // that include each other

// An `if` or a `for` that waits for its `end`.
struct Block {
  Meeting::Kind kind = Meeting::Kind::kBranches;
  Span statement;
  uint32_t op = kUnset;              // the kLoop; the kIf whose else part is to come
  std::vector<uint32_t> exits = {};  // jumps from the ends of branches
  size_t outside = 0;                // Names::Mark before the block
  size_t branch = 0;                 // Names::Mark before the current condition
  Path absent_else = {};             // what is known to be there where the condition does not hold
  bool has_else = false;
};

class Compiler {
 public:
  Compiler(Draft& draft, const Type& scope, const FindPartial& partial, const Sources& sources,
           Diagnostics& diags)
      : draft_(draft),
        ops_(draft.tmpl.ops),
        names_(scope, diags),
        partial_(partial),
        sources_(sources),
        diags_(diags) {}

  void Text(Span source);
  std::vector<std::string> Reads() const { return names_.Reads(); }
  // Whether all tags and blocks are there: else a proof would speak of another text.
  bool whole() const { return whole_; }

 private:
  void Literal(const Token& token);
  void Hole(const Token& token);
  void Run(const Statement& statement);
  Resolved Look(const Statement& statement);
  void For(const Statement& statement);
  void If(const Statement& statement);
  void Condition(const Statement& statement, Block& block);
  void CheckChoice(const Statement& statement, const Resolved& at);
  void Elif(const Statement& statement);
  void Else(const Statement& statement);
  void End(const Statement& statement);
  void Include(const Statement& statement);

  Block* OpenIf(const Statement& statement);
  void CloseBranch(Block& block);
  bool IsPrintable(std::string_view path, const Resolved& at, Span span);
  std::string_view Separator(std::string_view written);
  Op& Emit(Op::Code code, Span span);
  uint32_t here() const { return static_cast<uint32_t>(ops_.size()); }

  Draft& draft_;
  std::vector<Op>& ops_;
  Names names_;
  const FindPartial& partial_;
  const Sources& sources_;
  Diagnostics& diags_;
  std::vector<Block> blocks_;
  size_t floor_ = 0;  // blocks below were opened by whoever includes this text
  std::vector<Span> texts_;
  bool whole_ = true;
};

Op& Compiler::Emit(Op::Code code, Span span) {
  Op& op = ops_.emplace_back();
  op.code = code;
  op.span = span;
  return op;
}

void Compiler::Text(Span source) {
  const size_t outer_floor = std::exchange(floor_, blocks_.size());
  texts_.push_back(source);
  const size_t errors = diags_.errors();
  const std::vector<Token> tokens = Lex(sources_.Text(source), source.begin, diags_);
  if (diags_.errors() > errors) whole_ = false;
  ops_.reserve(ops_.size() + tokens.size() + tokens.size() / 4);
  for (const Token& token : tokens) {
    switch (token.kind) {
      case Token::Kind::kLiteral:
        Literal(token);
        break;
      case Token::Kind::kHole:
        Hole(token);
        break;
      case Token::Kind::kStatement:
        if (const auto statement = ParseStatement(token, diags_)) {
          Run(*statement);
        } else {
          whole_ = false;
        }
        break;
    }
  }
  while (blocks_.size() > floor_) {
    whole_ = false;
    const bool loop = blocks_.back().kind == Meeting::Kind::kLoop;
    diags_.Emit(diag::kTmplUnclosedBlock, blocks_.back().statement, loop ? "for" : "if");
    End({.span = blocks_.back().statement});
  }
  texts_.pop_back();
  floor_ = outer_floor;
}

void Compiler::Literal(const Token& token) {
  Emit(Op::Code::kLiteral, token.span).literal = token.text;
  if (blocks_.empty()) draft_.tmpl.literal_bytes += token.text.size();
}

bool Compiler::IsPrintable(std::string_view path, const Resolved& at, Span span) {
  if (at.type->kind == Kind::kSecret) {
    std::string help;
    for (const Field& field : at.type->fields) {
      help += fmt::format("{} `{}.{}`", help.empty() ? "its place can be:" : ",", path, field.name);
    }
    diags_.Emit(diag::kTmplSecretPrinted, span, {.help = std::move(help)}, path);
    return false;
  }
  if (at.type->kind == Kind::kList || at.type->kind == Kind::kRecord ||
      at.type->kind == Kind::kAbsent) {
    diags_.Emit(
        diag::kTmplNotPrintable, span,
        {.help = at.type->kind == Kind::kList ? "write a `for` over it" : "name one of its fields"},
        path, Describe(*at.type));
    return false;
  }
  if (at.may_be_absent) {
    diags_.Emit(diag::kTmplMayBeAbsent, span,
                {.help = fmt::format("print it inside `<% if {} %>`", path)}, path);
  }
  return !at.may_be_absent;
}

lang::ValueClass ClassOf(Kind kind) {
  switch (kind) {
    case Kind::kAtom:
      return lang::ValueClass::kAtom;
    case Kind::kInt:
      return lang::ValueClass::kInt;
    case Kind::kBool:
      return lang::ValueClass::kBool;
    default:
      return lang::ValueClass::kText;
  }
}

// A hole that leads nowhere has no path; for the proof it still is a hole.
void Compiler::Hole(const Token& token) {
  const auto path = ParsePath(token, diags_);
  Resolved at = path ? names_.Resolve(path->text, path->span) : Resolved{};
  Op& op = Emit(Op::Code::kHole, token.span);
  if (at.type == nullptr || !IsPrintable(path->text, at, path->span)) return;
  op.holds = ClassOf(at.type->kind);
  op.path = std::move(at.path);
}

void Compiler::Run(const Statement& statement) {
  switch (statement.kind) {
    case Statement::Kind::kFor:
      return For(statement);
    case Statement::Kind::kIf:
      return If(statement);
    case Statement::Kind::kElif:
      return Elif(statement);
    case Statement::Kind::kElse:
      return Else(statement);
    case Statement::Kind::kInclude:
      return Include(statement);
    case Statement::Kind::kEnd:
      if (blocks_.size() > floor_) return End(statement);
      whole_ = false;
      diags_.Emit(diag::kTmplStrayStatement, statement.span, "end", "if` or `for");
  }
}

// What was written between the quotes; with escapes it stands in no source and is kept aside.
std::string_view Compiler::Separator(std::string_view written) {
  if (!written.contains('\\')) return written;
  std::string text;
  for (size_t i = 0; i < written.size(); ++i) {
    if (written[i] != '\\') {
      text += written[i];
      continue;
    }
    const char escaped = written[++i];
    text += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
  }
  return *draft_.tmpl.separators.emplace_back(std::make_unique<const std::string>(std::move(text)));
}

// A statement that was not understood has no path.
Resolved Compiler::Look(const Statement& statement) {
  if (statement.path.text.empty()) return {};
  return names_.Resolve(statement.path.text, statement.path.span);
}

void Compiler::For(const Statement& statement) {
  Resolved list = Look(statement);
  if (list.type != nullptr && list.type->kind != Kind::kList) {
    diags_.Emit(diag::kTmplNotList, statement.path.span, statement.path.text, Describe(*list.type));
    list.type = nullptr;
  }
  if (names_.IsTaken(statement.variable.text)) {
    diags_.Emit(diag::kTmplHiddenName, statement.variable.span, statement.variable.text);
  }
  if (names_.loops() == kLoopsMax) {
    diags_.Emit(diag::kTmplTooDeep, statement.span, "loops", int64_t{kLoopsMax});
  }
  blocks_.push_back({.kind = Meeting::Kind::kLoop,
                     .statement = statement.span,
                     .op = here(),
                     .outside = names_.Mark()});
  Op& op = Emit(Op::Code::kLoop, statement.span);
  op.slot = static_cast<uint8_t>(names_.loops() + 1);
  op.literal = Separator(statement.separator);
  op.path = std::move(list.path);
  names_.OpenLoop(statement.variable.text,
                  list.type == nullptr ? nullptr : list.type->element.get(), std::move(list.read));
  draft_.meetings.push_back({Meeting::Kind::kLoop, here(), statement.span});
}

void Compiler::CheckChoice(const Statement& statement, const Resolved& at) {
  const std::vector<std::string>& choices = at.type->choices;
  if (choices.empty()) {
    diags_.Emit(diag::kTmplNotEnumeration, statement.path.span, statement.path.text,
                Describe(*at.type));
    return;
  }
  if (std::ranges::find(choices, statement.choice.text) != choices.end()) return;
  diags_.Emit(diag::kTmplUnknownChoice, statement.choice.span,
              {.help = fmt::format("it is one of `{}`", Join(choices, "`, `"))},
              statement.path.text, statement.choice.text);
}

// Emits the kIf and takes in what its branch may rely on.
void Compiler::Condition(const Statement& statement, Block& block) {
  Resolved at = Look(statement);
  if (at.type != nullptr && !statement.choice.text.empty()) {
    CheckChoice(statement, at);
  } else if (at.type != nullptr) {
    const bool asks = at.type->optional || at.may_be_absent || at.type->kind == Kind::kBool ||
                      at.type->kind == Kind::kList;
    if (!asks) {
      diags_.Emit(diag::kTmplNotCondition, statement.path.span, statement.path.text,
                  Describe(*at.type));
    }
  }
  block.op = here();
  Op& op = Emit(Op::Code::kIf, statement.span);
  op.negated = statement.negated;
  op.literal = statement.choice.text;
  op.path = at.path;
  block.absent_else.clear();
  if (at.type == nullptr || at.path.empty()) return;
  if (statement.negated) {
    block.absent_else = std::move(at.path);
  } else {
    names_.Assume(std::move(at.path));
  }
}

void Compiler::If(const Statement& statement) {
  Block& block = blocks_.emplace_back();
  block.statement = statement.span;
  block.outside = block.branch = names_.Mark();
  Condition(statement, block);
}

Block* Compiler::OpenIf(const Statement& statement) {
  const bool open = blocks_.size() > floor_ && blocks_.back().kind == Meeting::Kind::kBranches &&
                    !blocks_.back().has_else;
  if (open) return &blocks_.back();
  whole_ = false;
  diags_.Emit(diag::kTmplStrayStatement, statement.span,
              statement.kind == Statement::Kind::kElse ? "else" : "elif", "if");
  return nullptr;
}

// Ends a branch and begins what holds where its condition does not.
void Compiler::CloseBranch(Block& block) {
  block.exits.push_back(here());
  Emit(Op::Code::kJump, block.statement);
  ops_[block.op].target = here();
  block.op = kUnset;
  names_.Forget(block.branch);
  if (!block.absent_else.empty()) names_.Assume(std::move(block.absent_else));
  block.absent_else.clear();
}

// A chain is an `if` in the else part of another, closed by the same `end`; what a condition before
// it has ruled out still holds.
void Compiler::Elif(const Statement& statement) {
  Block* block = OpenIf(statement);
  if (block == nullptr) return;
  CloseBranch(*block);
  block->branch = names_.Mark();
  Condition(statement, *block);
}

void Compiler::Else(const Statement& statement) {
  Block* block = OpenIf(statement);
  if (block == nullptr) return;
  CloseBranch(*block);
  block->has_else = true;
}

void Compiler::End(const Statement& statement) {
  Block block = std::move(blocks_.back());
  blocks_.pop_back();
  names_.Forget(block.outside);
  if (block.kind == Meeting::Kind::kLoop) {
    names_.CloseLoop();
    Op& next = Emit(Op::Code::kNext, statement.span);
    next.slot = ops_[block.op].slot;
    next.literal = ops_[block.op].literal;
    next.target = block.op;
  }
  if (block.op != kUnset) ops_[block.op].target = here();
  for (const uint32_t exit : block.exits) ops_[exit].target = here();
  draft_.meetings.push_back({block.kind, here(), block.statement});
}

void Compiler::Include(const Statement& statement) {
  const std::string_view name = statement.path.text;
  if (name.empty()) return;
  const Span source = partial_ ? partial_(name) : Span{};
  if (!source.known()) {
    diags_.Emit(diag::kTmplUnknownPartial, statement.path.span, name);
    return;
  }
  if (std::ranges::find(texts_, source) != texts_.end()) {
    diags_.Emit(diag::kTmplPartialCycle, statement.path.span, name);
    return;
  }
  if (texts_.size() > kPartialsMax) {
    diags_.Emit(diag::kTmplTooDeep, statement.span, "partials", int64_t{kPartialsMax});
    return;
  }
  const uint32_t first = here();
  Text(source);
  draft_.partials.push_back({name, first, here(), statement.span});
}

}  // namespace

Checked<Template> Compile(Span source, std::string_view name, const lang::Language& language,
                          const Type& scope, const FindPartial& partial, const Sources& sources,
                          Diagnostics& diags) {
  Diagnostics found;
  Draft draft;
  draft.tmpl.name = name;
  draft.tmpl.language = &language;
  Compiler compiler(draft, scope, partial, sources, found);
  compiler.Text(source);
  draft.tmpl.reads = compiler.Reads();
  if (compiler.whole()) Prove(draft, source, sources, found);
  const Checked<Done> clean = found.Gate();
  diags.Append(std::move(found));
  if (!clean) return std::unexpected(clean.error());
  return std::move(draft.tmpl);
}

}  // namespace kb::tmpl
