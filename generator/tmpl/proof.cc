#include <algorithm>
#include <array>

#include "diag/kinds.h"
#include "tmpl/draft.h"

// The proof follows contexts along all ways through the ops until nothing new arrives anywhere.
// Ways may bring several contexts to one place as long as the text behind it makes them one again:
// a word that one branch began and the other did not is over at the next blank. Only where it
// matters, at a hole, at the end of a partial and at the end of the file, they must agree.
namespace kb::tmpl {
namespace {

using lang::Context;
using lang::Fit;

// More than a handful of contexts at one place is a template that does not keep to its language.
constexpr size_t kContextsMax = 8;

class ContextSet {
 public:
  // Whether it was new and there was room.
  bool Add(Context at) {
    if (Has(at) || size_ == kContextsMax) return false;
    items_[size_++] = at;
    return true;
  }
  bool Has(Context at) const { return std::ranges::find(items(), at) != items().end(); }
  std::span<const Context> items() const { return {items_.data(), size_}; }
  bool full() const { return size_ == kContextsMax; }

 private:
  std::array<Context, kContextsMax> items_ = {};
  size_t size_ = 0;
};

class Proof {
 public:
  Proof(Draft& draft, Span source, const Sources& sources, Diagnostics& diags)
      : draft_(draft),
        ops_(draft.tmpl.ops),
        language_(*draft.tmpl.language),
        source_(source),
        sources_(sources),
        diags_(diags),
        reached_(ops_.size() + 1) {}

  void Run();

 private:
  void Arrive(uint32_t op, Context at);
  void Pass(uint32_t op, Context at);
  void Read(uint32_t op, Context at, std::string_view text, uint32_t next);
  void CheckHole(uint32_t index);
  void CheckPartial(const Included& partial);
  void CheckEnd();
  const Meeting* FindMeeting(uint32_t op) const;
  void ReportMeeting(uint32_t op, Span where);
  std::string_view PathText(const Op& op) const;

  Draft& draft_;
  std::vector<Op>& ops_;
  const lang::Language& language_;
  Span source_;
  const Sources& sources_;
  Diagnostics& diags_;
  std::vector<ContextSet> reached_;  // by op, and the end of the file
  std::vector<std::pair<uint32_t, Context>> work_;
  std::vector<Span> reported_;
  bool lost_ = false;
};

void Proof::Arrive(uint32_t op, Context at) {
  if (reached_[op].Add(at)) work_.emplace_back(op, at);
}

void Proof::Read(uint32_t op, Context at, std::string_view text, uint32_t next) {
  const Context then = language_.advance(at, text);
  const std::string_view why = language_.broken(then);
  if (why.empty()) return Arrive(next, then);
  lost_ = true;
  const Span span = ops_[op].span;
  diags_.Emit(diag::kProofLost, {span.end - 1, span.end}, why);
}

void Proof::Pass(uint32_t index, Context at) {
  const Op& op = ops_[index];
  switch (op.code) {
    case Op::Code::kLiteral:
      return Read(index, at, op.literal, index + 1);
    case Op::Code::kHole:
      return Arrive(index + 1, language_.after_hole(at));
    case Op::Code::kJump:
      return Arrive(op.target, at);
    case Op::Code::kIf:
    case Op::Code::kLoop:
      Arrive(op.target, at);
      return Arrive(index + 1, at);
    case Op::Code::kNext:
      Arrive(index + 1, at);
      return Read(index, at, op.literal, op.target + 1);
  }
}

void Proof::Run() {
  Arrive(0, {});
  while (!work_.empty()) {
    const auto [op, at] = work_.back();
    work_.pop_back();
    if (op < ops_.size()) Pass(op, at);
  }
  for (uint32_t op = 0; op < ops_.size(); ++op) {
    if (ops_[op].code == Op::Code::kHole) CheckHole(op);
    if (reached_[op].full()) ReportMeeting(op, ops_[op].span);
  }
  for (const Included& partial : draft_.partials) CheckPartial(partial);
  if (!lost_) CheckEnd();
}

std::string_view Proof::PathText(const Op& op) const {
  std::string_view text = sources_.Text(op.span);
  text.remove_prefix(std::min(text.size(), text.find_first_not_of("<%= \t\n")));
  return text.substr(0, text.find_first_of("% \t\n"));
}

void Proof::CheckHole(uint32_t index) {
  Op& op = ops_[index];
  const std::span<const Context> contexts = reached_[index].items();
  if (op.path.empty() || contexts.empty()) return;
  const Fit fit = language_.admit(contexts[0], op.holds);
  for (const Context at : contexts.subspan(1)) {
    const bool same = language_.admit(at, op.holds).escape == fit.escape;
    if (!same || at.indent != contexts[0].indent) return ReportMeeting(index, op.span);
  }
  op.escape = fit.escape;
  op.context = contexts[0];
  if (fit.escape != nullptr) return;
  diags_.Emit(diag::kHoleRefused, op.span, {.help = std::string(fit.refusal)}, PathText(op),
              language_.describe(op.context));
}

// The nearest meeting before `op` that brought more than one context.
const Meeting* Proof::FindMeeting(uint32_t op) const {
  const Meeting* nearest = nullptr;
  for (const Meeting& meeting : draft_.meetings) {
    if (meeting.op > op || reached_[meeting.op].items().size() < 2) continue;
    if (nearest == nullptr || meeting.op > nearest->op) nearest = &meeting;
  }
  return nearest;
}

void Proof::ReportMeeting(uint32_t op, Span where) {
  const Meeting* meeting = FindMeeting(op);
  if (meeting == nullptr || std::ranges::find(reported_, meeting->statement) != reported_.end())
    return;
  reported_.push_back(meeting->statement);
  const std::span<const Context> met = reached_[op].items();
  Diagnostics::Extra extra;
  extra.labels = {{where, fmt::format("the text before this ends {} or {}",
                                      language_.describe(met[0]), language_.describe(met[1]))}};
  if (meeting->kind == Meeting::Kind::kLoop) {
    diags_.Emit(diag::kLoopMoves, meeting->statement, std::move(extra));
  } else {
    diags_.Emit(diag::kBranchesDiffer, meeting->statement, std::move(extra));
  }
}

// A partial is read on its own, so it should be whole on its own.
void Proof::CheckPartial(const Included& partial) {
  for (const Context at : reached_[partial.past].items()) {
    if (language_.may_end(at) || reached_[partial.first].Has(at)) continue;
    diags_.Emit(diag::kPartialEndsOpen, partial.statement, partial.name, language_.describe(at));
    return;
  }
}

void Proof::CheckEnd() {
  const auto past = static_cast<uint32_t>(ops_.size());
  const Span end{source_.end == source_.begin ? source_.begin : source_.end - 1, source_.end};
  const std::span<const Context> contexts = reached_[past].items();
  const auto closed = std::ranges::count_if(contexts, language_.may_end);
  if (closed == std::ssize(contexts)) return;
  if (closed > 0) return ReportMeeting(past, end);
  diags_.Emit(diag::kEndsOpen, end, language_.describe(contexts[0]));
}

}  // namespace

void Prove(Draft& draft, Span source, const Sources& sources, Diagnostics& diags) {
  Proof(draft, source, sources, diags).Run();
}

}  // namespace kb::tmpl
