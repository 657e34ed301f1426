#include "check/check.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/strings.h"
#include "check/rules.h"
#include "diag/kinds.h"
#include "services/hook.h"

namespace kb::check {
namespace {

// The code that a waiver names, or nothing after a report.
const diag::KindRow* WaivedKind(const model::Waiver& waiver, Diagnostics& diags) {
  const std::string_view text = waiver.code.text;
  const auto number = text.starts_with("KB") ? ParseInt(text.substr(2)) : std::nullopt;
  const diag::KindRow* kind = number ? diag::FindKind(static_cast<uint16_t>(*number)) : nullptr;
  // Only rules can be waived: a topology that cannot be understood cannot be excused.
  if (kind != nullptr && kind->code >= 3000 && kind->code < 4000) return kind;
  diags.Emit(diag::kUnknownWaiver, waiver.code.span, text);
  return nullptr;
}

// Takes the findings that a waiver covers out of `found` and says instead who accepted them.
void Waive(const model::Model& model, Diagnostics& found, Diagnostics& diags) {
  std::vector<Diagnostic> rest = found.all();
  for (const model::Waiver& waiver : model.waivers) {
    const diag::KindRow* kind = WaivedKind(waiver, diags);
    if (kind == nullptr) continue;
    if (!IsDate(waiver.until.text)) {
      diags.Emit(diag::kWrongValue, waiver.until.span, waiver.until.text,
                 "a date such as 2026-06-30");
      continue;
    }
    const std::string subject = fmt::format("`{}`", waiver.subject.text);
    const auto covered = [&](const Diagnostic& d) {
      return d.code == kind->code && d.message.find(subject) != std::string::npos;
    };
    const size_t before = rest.size();
    std::erase_if(rest, covered);
    if (rest.size() == before) {
      diags.Emit(diag::kIdleWaiver, waiver.span, waiver.code.text, waiver.subject.text);
    } else {
      diags.Emit(diag::kWaived, waiver.span, waiver.code.text, waiver.subject.text, waiver.by.text,
                 waiver.until.text, waiver.reason.text);
    }
  }
  found = Diagnostics::Of(std::move(rest));
}

}  // namespace

void CheckRules(const graph::Graph& graph, const Sources& sources, Diagnostics& diags) {
  const Context context{graph, *graph.model, sources};
  Diagnostics found;
#define KB_RULE(function, family) function(context, found);
#include "check/rules.def"
#undef KB_RULE
  for (size_t i = 0; i < graph.services.size(); ++i) {
    const services::Hook* hook = services::FindHook(graph.services[i].manifest->name.text);
    if (hook != nullptr) hook->check(graph, static_cast<int>(i), found);
  }
  Waive(*graph.model, found, diags);
  diags.Append(std::move(found));
}

}  // namespace kb::check
