// Oracle: writes hostile values through a real template, has an independent reader of the language
// read them, and expects that every value came back or was refused.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/hostile_values.h"
#include "support/process.h"
#include "tmpl/template.h"

namespace kb::tmpl::test {

// A template with the hole `<%= v %>`.
class Hole {
 public:
  Hole(std::string_view language, std::string_view text, TypeRef type = TextType())
      : scope_(RecordOf({{"v", std::move(type), {}}})),
        template_(Compile(
            sources_.Add("t", std::string(text)), "t", *lang::Find(language), *scope_,
            [](std::string_view) { return Span{}; }, sources_, diags_)) {}

  bool ok() const { return template_.has_value(); }

  // Why it does not compile, or the empty text.
  std::string report() const {
    std::string text;
    for (const Diagnostic& diag : diags_.Sorted()) text += diag.message + " | " + diag.help + "\n";
    return text;
  }

  // What it renders with that value; nothing if the value was refused.
  std::optional<std::string> Fill(std::string_view value) const {
    const Kind kind = scope_->fields[0].type->kind;
    return Render(kind == Kind::kAtom ? Value::Atom(value) : Value::Text(value));
  }
  std::optional<std::string> Render(Value value) const {
    if (!ok()) return std::nullopt;
    Arena arena;
    const Value scope = RecordBuilder(*scope_, arena).Set("v", value).Finish();
    std::string out;
    Diagnostics diags;
    if (!Execute(*template_, scope, out, nullptr, diags)) return std::nullopt;
    return out;
  }

 private:
  Sources sources_;
  Diagnostics diags_;
  TypeRef scope_;
  Checked<Template> template_;
};

// What stands at the hole's place when it is pasted, as a tool without escaping does.
inline std::string Paste(std::string_view text, std::string_view value) {
  constexpr std::string_view kHole = "<%= v %>";
  std::string pasted(text);
  pasted.replace(pasted.find(kHole), kHole.size(), value);
  return pasted;
}

struct Place {
  std::string_view text;    // the template
  std::string_view before;  // what the reader finds around the value
  std::string_view after;
  std::string_view accepts;  // must not be refused
  std::string_view breaks;   // must not come back when it is pasted; empty: not tried
};

// Reads documents and gives back the text at the place under test; nothing where that fails.
using Reading = std::vector<std::optional<std::string>>;
using Reader = std::function<Reading(const std::vector<std::string>& documents)>;

inline std::string Shown(const std::optional<std::string>& text) {
  if (!text) return "(nothing)";
  return testing::PrintToString(text->size() > 300 ? text->substr(0, 300) + "…" : *text);
}

inline void ExpectReadBack(std::string_view language, const Place& place,
                           const std::vector<std::string>& values, const Reader& read,
                           const TypeRef& type = TextType()) {
  SCOPED_TRACE(std::string(language) + ": " + std::string(place.text));
  const Hole hole(language, place.text, type);
  ASSERT_TRUE(hole.ok()) << hole.report();
  EXPECT_TRUE(hole.Fill(place.accepts).has_value()) << place.accepts;
  if (type->kind == Kind::kText) {
    EXPECT_FALSE(hole.Fill(kb::test::kWithNul).has_value());
  }

  std::vector<std::string> documents;
  std::vector<std::string> kept;
  for (const std::string& value : values) {
    std::optional<std::string> written = hole.Fill(value);
    if (!written) continue;
    documents.push_back(*std::move(written));
    kept.push_back(value);
  }
  ASSERT_GT(kept.size(), 10u) << "nearly everything was refused";
  const Reading got = read(documents);
  ASSERT_EQ(got.size(), kept.size());
  int shown = 0;
  for (size_t i = 0; i < kept.size() && shown < 10; ++i) {
    const std::string expected = std::string(place.before) + kept[i] + std::string(place.after);
    if (got[i] == expected) continue;
    ++shown;
    ADD_FAILURE() << "value   " << Shown(kept[i]) << "\nwritten " << Shown(documents[i])
                  << "\nread    " << Shown(got[i]);
  }

  if (place.breaks.empty()) return;
  const Reading pasted = read({Paste(place.text, place.breaks)});
  const std::string intact =
      std::string(place.before) + std::string(place.breaks) + std::string(place.after);
  EXPECT_TRUE(pasted.empty() || pasted[0] != intact) << "this test cannot fail";
}

// A reader that is a Python program with a function `read_all(texts)`, which gives a list of as
// many texts or None.
inline Reader PythonBatch(std::string program, std::string python = "python3") {
  return [program = std::move(program),
          python = std::move(python)](const std::vector<std::string>& documents) {
    std::string input;
    for (const std::string& document : documents) (input += document) += '\0';
    const kb::test::TempDir dir;
    const std::string main = dir.Write("reader.py", program + R"(
import sys
texts = [t.decode() for t in sys.stdin.buffer.read().split(b'\0')[:-1]]
for answer in read_all(texts):
    sys.stdout.buffer.write(b'!\0' if answer is None else b'=' + answer.encode() + b'\0')
)");
    const kb::test::Ran ran = kb::test::Run({python, main}, input);
    EXPECT_EQ(ran.status, 0) << ran.err;
    Reading reading;
    for (const std::string& answer : kb::test::SplitNul(ran.out)) {
      if (answer.starts_with('=')) {
        reading.emplace_back(answer.substr(1));
      } else {
        reading.emplace_back(std::nullopt);
      }
    }
    return reading;
  };
}

// The same with a function `read(text)`; what it raises means that the text cannot be read.
inline Reader PythonReader(const std::string& program, const std::string& python = "python3") {
  return PythonBatch(program + R"(
def read_all(texts):
    def attempt(text):
        try:
            answer = read(text)
            return answer if isinstance(answer, str) else None
        except Exception:
            return None
    return [attempt(text) for text in texts]
)",
                     python);
}

// Values that are atoms: what every reader must find where an atom stands bare or quoted.
inline const std::vector<std::string>& HostileAtoms() {
  static const std::vector<std::string> atoms = {"x",
                                                 "no",
                                                 "yes",
                                                 "on",
                                                 "null",
                                                 "true",
                                                 "1e3",
                                                 "0755",
                                                 "12:30",
                                                 "12:30:45",
                                                 "0x1F",
                                                 ".5",
                                                 "+1",
                                                 "1.0",
                                                 "1_000",
                                                 "..",
                                                 ".inf",
                                                 ".nan",
                                                 "x:",
                                                 ":x",
                                                 "2024-01-01",
                                                 "10.0.0.1",
                                                 "10.0.0.0/16",
                                                 "7.2.5-alpine",
                                                 "redis:7.2.5-alpine",
                                                 "@x",
                                                 "a@b.c",
                                                 "/etc/x",
                                                 "/",
                                                 "_x_",
                                                 "y",
                                                 "N",
                                                 "012",
                                                 "0o7",
                                                 "5m",
                                                 "10Gi",
                                                 "3d",
                                                 "a--b",
                                                 "1-2",
                                                 "host:6379",
                                                 "fe80::1",
                                                 "::1",
                                                 "a+b",
                                                 "1/2",
                                                 "...",
                                                 "1.2.3"};
  return atoms;
}

}  // namespace kb::tmpl::test
