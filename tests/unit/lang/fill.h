// Fill: writes one value into the hole of a text, which is written `<v>`, as a template would.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "lang/language.h"

namespace kb::lang::test {

// What comes out; or "! " and why nothing does.
inline std::string Fill(std::string_view name, std::string_view text, std::string_view value,
                        ValueClass type) {
  constexpr std::string_view kHole = "<v>";
  const Language& language = *Find(name);
  const size_t hole = text.find(kHole);
  const std::string_view rest = text.substr(hole + kHole.size());
  std::string out(text.substr(0, hole));
  const Context at = language.advance({}, out);
  const auto refused = [](std::string_view why) { return "! " + std::string(why); };
  if (const auto why = language.broken(at); !why.empty()) return refused(why);
  const Fit fit = language.admit(at, type);
  if (fit.escape == nullptr) return refused(fit.refusal);
  if (const auto why = fit.escape(value, at, out); !why.empty()) return refused(why);
  const Context end = language.advance(language.after_hole(at), rest);
  if (const auto why = language.broken(end); !why.empty()) return refused(why);
  if (!language.may_end(end)) return refused("it may not end here");
  return out += rest;
}

struct Case {
  std::string_view text;
  std::string_view value;
  std::string_view want;  // "!…": refused, for a reason that begins so
  ValueClass type = ValueClass::kText;
};

inline void ExpectFilled(std::string_view language, std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    const std::string got = Fill(language, c.text, c.value, c.type);
    if (c.want.starts_with('!')) {
      EXPECT_EQ(got.substr(0, c.want.size()), c.want) << c.text << " with " << c.value;
    } else {
      EXPECT_EQ(got, c.want) << c.text << " with " << c.value;
    }
  }
}

}  // namespace kb::lang::test
