#include "lang/bare.h"
#include "lang/languages.h"

// Text: a file that no program reads, or whose grammar kbgen does not know. Nothing tells where a
// free text would end, so only values that cannot hold a blank are let in.
namespace kb::lang {
namespace {

Fit Admit(Context, ValueClass value) {
  if (value == ValueClass::kText) {
    return {.refusal = "nothing in plain text says where a free text begins and ends"};
  }
  return {.escape = WriteBare};
}

constexpr Language kText = {
    .name = "text",
    .comment = {},
    .advance = [](Context at, std::string_view) { return at; },
    .after_hole = [](Context at) { return at; },
    .admit = Admit,
    .describe = [](Context) -> std::string_view { return "in plain text"; },
    .may_end = [](Context) { return true; },
    .broken = [](Context) -> std::string_view { return {}; },
};

}  // namespace

const Language& Text() { return kText; }

}  // namespace kb::lang
