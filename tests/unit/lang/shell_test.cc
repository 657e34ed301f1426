#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "lang/languages.h"
#include "support/hostile_values.h"
#include "support/process.h"

namespace kb::lang {
namespace {

// The context behind the text before the hole, which is written `@`.
Context At(std::string_view text) { return Shell().advance({}, text.substr(0, text.find('@'))); }

// The text with the value in its hole; what refuses it is appended to `refusals`.
std::string Fill(std::string_view text, std::string_view value, ValueClass type,
                 std::vector<std::string>* refusals) {
  const size_t hole = text.find('@');
  std::string out(text.substr(0, hole));
  const Context at = Shell().advance({}, out);
  const Fit fit = Shell().admit(at, type);
  std::string_view why = fit.refusal;
  if (fit.escape != nullptr) why = fit.escape(value, at, out);
  if (!why.empty() || fit.escape == nullptr) {
    refusals->emplace_back(why);
    return {};
  }
  return out += text.substr(hole + 1);
}

struct Place {
  std::string_view name;
  std::string_view text;         // prints the value of `@` and a NUL
  bool options = false;          // values that begin with '-' are refused
  std::string_view before = "";  // what the template itself puts around the value
  std::string_view after = "";
};

constexpr Place kPlaces[] = {
    {"an argument", "printf '%s\\0' @\n", true},
    {"an argument behind --", "printf -- '%s\\0' @\n"},
    {"behind -- in double quotes", "printf -- '%s\\0' \"@\"\n"},
    {"behind -- in single quotes", "printf -- '%s\\0' '@'\n"},
    {"double quotes", "printf '%s\\0' \"@\"\n", true},
    {"single quotes", "printf '%s\\0' '@'\n", true},
    {"inside a word", "printf '%s\\0' a@b\n", false, "a", "b"},
    {"behind an option's name", "printf '%s\\0' --x=@\n", false, "--x="},
    {"inside double quotes", "printf '%s\\0' \"a @ b\"\n", false, "a ", " b"},
    {"inside single quotes", "printf '%s\\0' 'a @ b'\n", false, "a ", " b"},
    {"between expansions", "y=Y; printf '%s\\0' \"${y}@$y\"\n", false, "Y", "Y"},
    {"behind a substitution", "printf '%s\\0' \"$(printf '%s' \"a)\")@\"\n", false, "a)"},
    {"behind arithmetic", "printf '%s\\0' \"$(( (1 + 2) * 3 ))@\"\n", false, "9"},
    {"behind backquotes", "printf '%s\\0' `printf '%s' a`@\n", false, "a"},
    {"an assignment", "x=@; printf '%s\\0' \"$x\"\n"},
    {"an assignment in double quotes", "x=\"@\"; printf '%s\\0' \"$x\"\n"},
    {"an assignment in single quotes", "x='@'; printf '%s\\0' \"$x\"\n"},
    {"an assignment of a part", "x=a:@:b; printf '%s\\0' \"$x\"\n", false, "a:", ":b"},
    {"an appended assignment", "x=a; x+=@; printf '%s\\0' \"$x\"\n", false, "a"},
    {"an exported assignment", "export x=@; printf '%s\\0' \"$x\"\n"},
    {"an assignment for one command", "x=@ y=2 eval 'printf \"%s\\0\" \"$x\"'\n"},
    {"an array", "x=( @ ); printf '%s\\0' \"${x[@]}\"\n"},
    {"an array over lines", "x=(a\n  @\n  # note\n  b); printf '%s\\0' \"${x[1]}\"\n"},
    {"an array in double quotes", "x=(\"@\"); printf '%s\\0' \"${x[@]}\"\n"},
    {"a subshell", "( printf -- '%s\\0' @ )\n"},
    {"a function", "f() { printf -- '%s\\0' @; }; f\n"},
    {"a loop's list", "for x in @; do printf '%s\\0' \"$x\"; done\n", true},
    {"behind then", "if true; then printf -- '%s\\0' @; fi\n"},
    {"behind a pipe", "true | printf -- '%s\\0' @\n"},
    {"behind &&", "true && printf -- '%s\\0' @\n"},
    {"behind a redirection", "2>/dev/null printf -- '%s\\0' @ </dev/null\n"},
    {"a branch of case", "case a in\n  a|b) printf -- '%s\\0' @ ;;\n  *) ;;\nesac\n"},
    {"the subject of case", "case @ in *) printf '%s\\0' ok ;; esac\n", false, "=ok"},
    {"a pattern in quotes", "case a in \"@\"|*) printf '%s\\0' ok ;; esac\n", false, "=ok"},
    {"a here-string", "IFS= read -r -d '' x <<< @ || true; printf '%s\\0' \"${x%?}\"\n"},
    {"a comment", "printf '%s\\0' ok # @\n", false, "=ok"},
    {"a comment of its own", "# @\nprintf '%s\\0' ok\n", false, "=ok"},
    {"behind a here-document", "cat >/dev/null <<'X'\n' \" $(\nX\nprintf -- '%s\\0' @\n"},
    {"behind a continued line", "printf -- \\\n  '%s\\0' \\\n  @\n"},
};

std::string Expected(const Place& place, const std::string& value) {
  if (place.before.starts_with('=')) return std::string(place.before.substr(1));
  return std::string(place.before) + value + std::string(place.after);
}

std::string Shown(std::string_view value) {
  return value.size() > 80 ? std::string(value.substr(0, 80)) + "…" : std::string(value);
}

void PrintTo(const Place& place, std::ostream* out) { *out << place.name; }

class ShellPlace : public testing::TestWithParam<Place> {};

TEST_P(ShellPlace, GivesEachHostileTextBackFromBash) {
  const Place& place = GetParam();
  std::string script;
  std::vector<std::string> expected;
  for (const std::string& value : test::HostileValues()) {
    std::vector<std::string> refusals;
    const std::string text = Fill(place.text, value, ValueClass::kText, &refusals);
    if (place.options && value.starts_with('-')) {
      EXPECT_EQ(refusals.size(), 1u) << "taken for an option: " << Shown(value);
      continue;
    }
    if (place.name == "an array in double quotes" &&
        value.find_first_of("\x01\x7f") != std::string::npos) {
      EXPECT_EQ(refusals.size(), 1u) << "bash puts a \\x01 before it";
      continue;
    }
    ASSERT_TRUE(refusals.empty()) << refusals[0] << ": " << Shown(value);
    script += text;
    expected.push_back(Expected(place, value));
  }
  ASSERT_GT(expected.size(), 500u);
  const test::TempDir dir;
  const test::Ran ran = test::Run({"bash", dir.Write("script.sh", script)});
  EXPECT_EQ(ran.status, 0) << Shown(ran.err);
  EXPECT_EQ(ran.err, "");
  const std::vector<std::string> read = test::SplitNul(ran.out);
  ASSERT_EQ(read.size(), expected.size());
  for (size_t i = 0; i < read.size(); ++i) {
    ASSERT_EQ(read[i], expected[i]) << "value " << i << ": " << Shown(expected[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(, ShellPlace, testing::ValuesIn(kPlaces), [](const auto& place) {
  std::string name;
  for (char c : place.param.name) name += isalnum(c) ? c : '_';
  return name + "_" + std::to_string(place.index);
});

TEST(Shell, WritesAtomsBareAndBashReadsThemAsThemselves) {
  const char* atoms[] = {"a", "2",           "1..3", "esac", "then", "x@y",
                         "/", "10.0.0.1:80", "do",   "a+b",  ":"};
  constexpr std::string_view kAtomPlaces[] = {"printf '%s\\0' @\n", "printf '%s\\0' \"@\"\n",
                                              "x=@; printf '%s\\0' \"$x\"\n",
                                              "x=(@); printf '%s\\0' \"${x[@]}\"\n"};
  for (const std::string_view place : kAtomPlaces) {
    std::string script;
    std::string expected;
    for (const std::string atom : atoms) {
      std::vector<std::string> refusals;
      const std::string text = Fill(place, atom, ValueClass::kAtom, &refusals);
      ASSERT_TRUE(refusals.empty()) << refusals[0];
      EXPECT_NE(text.find(atom), std::string::npos);
      script += text;
      expected += atom + '\0';
    }
    EXPECT_EQ(test::Run({"bash", "-s"}, script).out, expected) << place;
  }
}

TEST(Shell, MatchesAnAtomAsThePatternOfACaseEvenWhenItIsEsac) {
  for (const std::string atom : {"abc", "esac", "2", "in"}) {
    std::vector<std::string> refusals;
    const std::string text = Fill("case $1 in\n  x) echo no ;;\n  @) echo yes ;;\nesac\n", atom,
                                  ValueClass::kAtom, &refusals);
    ASSERT_TRUE(refusals.empty());
    const test::TempDir dir;
    EXPECT_EQ(test::Run({"bash", dir.Write("s.sh", text), atom}).out, "yes\n") << text;
  }
}

TEST(Shell, LeavesHarmlessTextBareSoThatScriptsStayReadable) {
  struct Case {
    std::string_view value, written;
  };
  for (const Case& c :
       {Case{"plain", "plain"}, Case{"10.0.0.1:6379", "10.0.0.1:6379"}, Case{"50%", "50%"},
        Case{"a b", "'a b'"}, Case{"it's", "'it'\\''s'"}, Case{"", "''"}, Case{"~", "'~'"},
        Case{"a,b", "'a,b'"}, Case{"a=b", "'a=b'"}}) {
    std::vector<std::string> refusals;
    EXPECT_EQ(Fill("echo @", c.value, ValueClass::kText, &refusals),
              "echo " + std::string(c.written));
  }
}

struct Refused {
  std::string_view text, where;
  ValueClass type = ValueClass::kText;
};

TEST(Shell, RefusesHolesWhereAValueWouldBeReadAsSomethingElse) {
  const auto atom = ValueClass::kAtom;
  const Refused cases[] = {
      {"@", "in the place of a command"},
      {"@", "in the place of a command", atom},
      {"x; @", "in the place of a command", atom},
      {"x && @", "in the place of a command", atom},
      {"x | @", "in the place of a command", atom},
      {"x & @", "in the place of a command", atom},
      {"if @", "in the place of a command", atom},
      {"if x; then @", "in the place of a command", atom},
      {"while ! @", "in the place of a command", atom},
      {"{ @", "in the place of a command", atom},
      {"( @", "in the place of a command", atom},
      {"f() { @", "in the place of a command", atom},
      {"X=1 @", "in the place of a command", atom},
      {"X=$(a) @", "in the place of a command", atom},
      {"2>/dev/null @", "in the place of a command", atom},
      {">x @", "in the place of a command", atom},
      {"exec @", "in the place of a command", atom},
      {"command @", "in the place of a command", atom},
      {"case a in a) @", "in the place of a command", atom},
      {"/opt/@/run", "in the name of a command", atom},
      {"\"@\"", "inside double quotes", atom},
      {"\"$X/@\"", "inside double quotes", atom},
      {"x[@]=1", "in a subscript", atom},
      {"x[\"@\"]=1", "inside double quotes", atom},
      {"case a in @)", "in a pattern of `case`"},
      {"echo $(cat @)", "inside `$( )`", atom},
      {"echo \"$(cat \"@\")\"", "inside `$( )`", atom},
      {"echo `cat @`", "inside backquotes", atom},
      {"echo ${x:-@}", "inside `${ }`", atom},
      {"echo $((1 + @))", "inside arithmetic", atom},
      {"(( @ ))", "inside arithmetic", atom},
      {"for (( i = @;;", "inside arithmetic", atom},
      {"f(@", "inside the parentheses of a function", atom},
      {"diff <(cat @)", "inside `$( )`", atom},
      {"echo $@", "behind a `$`", atom},
      {"echo \"$@\"", "behind a `$`", atom},
      {"echo \\@", "behind a backslash", atom},
      {"echo \"\\@\"", "behind a backslash", atom},
      {"echo $x@", "right behind the name of a variable", atom},
      {"echo \"$x@\"", "right behind the name of a variable", atom},
      {"echo $'@'", "inside `$'…'`", atom},
      {"echo {@,b}", "inside brackets that bash may expand", atom},
      {"echo [@]", "inside brackets that bash may expand", atom},
      {"[[ $x =~ @ ]]", "in a regular expression of `[[ ]]`", atom},
      {"[[ $x == @ ]]", "as an argument"},
      {"[[ $x -eq \"@\" ]]", "inside double quotes"},
      {"cat <<@", "as the delimiter of a here-document", atom},
      {"echo >&@", "as the number of a descriptor", atom},
      {"eval @", "as an argument"},
      {"eval \"x @\"", "inside double quotes"},
      {"trap '@' EXIT", "inside single quotes"},
      {"ssh host \"cat @\"", "inside double quotes"},
      {"bash -c 'cat @'", "inside single quotes"},
  };
  for (const Refused& c : cases) {
    EXPECT_EQ(Shell().admit(At(c.text), c.type).escape, nullptr) << c.text;
    EXPECT_EQ(Shell().describe(At(c.text)), c.where) << c.text;
  }
}

TEST(Shell, RefusesNulWhereverItIsMoreThanAComment) {
  for (const Place& place : kPlaces) {
    if (place.text.find('#') < place.text.find('@') && !place.text.starts_with("x=(")) continue;
    std::vector<std::string> refusals;
    Fill(place.text, test::kWithNul, ValueClass::kText, &refusals);
    EXPECT_EQ(refusals.size(), 1u) << place.name;
  }
}

TEST(Shell, GivesUpWhereNothingCanBeProvedAnyMore) {
  for (const std::string_view text : {"cat <<EOF\nbody\n", "cat <<EOF >x", "echo \"${x%'y'}\"",
                                      "`a \"`b`\"`", "echo \"$(\"$(\"$(\"$(\""}) {
    EXPECT_NE(Shell().broken(Shell().advance({}, text)), "") << text;
  }
  const Context behind = Shell().after_hole(At("echo @"));
  EXPECT_NE(Shell().broken(Shell().advance(behind, ">file")), "");
  EXPECT_EQ(Shell().broken(Shell().advance(behind, " >file")), "");
}

constexpr std::string_view kScript = R"bash(#!/usr/bin/env bash
set -Eeuo pipefail  # it's strict
readonly x="a $(printf '%s' "${y:-"b $(( 1 + 2 ))"}") c" z=(1 "2 3" [5]='x')
f() { local a=$1; shift; if [[ $a =~ ^(x|y)$ && -n "$a" ]]; then return 1; fi; }
for (( i = 0; i < 3; i++ )); do echo "$i" >&2; done
case "$x" in
  (a|b*) echo `date` ;;&
  "c d") ( cd / && ls ) & ;;
  *) : ;;
esac 2>/dev/null
while read -r line; do echo "$line"; done < <(sort "$x" <<< 'a b')
X=1 Y="2" exec env | grep -v '#' # done
)bash";

TEST(Shell, ReadsATextTheSameHoweverItIsCut) {
  const Context whole = Shell().advance({}, kScript);
  EXPECT_TRUE(Shell().may_end(whole));
  EXPECT_EQ(Shell().describe(whole), "in the place of a command");
  for (size_t cut = 0; cut <= kScript.size(); ++cut) {
    const Context first = Shell().advance({}, kScript.substr(0, cut));
    ASSERT_EQ(Shell().advance(first, kScript.substr(cut)), whole) << kScript.substr(0, cut);
  }
}

TEST(Shell, EndsOnlyAtRest) {
  for (const std::string_view text : {"", "x", "x\n", "# note", "x='a'\n", "f() { :; }\n"}) {
    EXPECT_TRUE(Shell().may_end(Shell().advance({}, text))) << text;
  }
  for (const std::string_view text : {"x '", "x \"", "x $(", "x `", "x \\", "( x", "x=(", "${x",
                                      "case a in", "case a in a) x;;", "[[ a", "x >"}) {
    EXPECT_FALSE(Shell().may_end(Shell().advance({}, text))) << text;
  }
}

}  // namespace
}  // namespace kb::lang
