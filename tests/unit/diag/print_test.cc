#include "diag/print.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "diag/kinds.h"

namespace kb {
namespace {

class Printing : public testing::Test {
 protected:
  Span Part(Span file, std::string_view word) const {
    const uint32_t begin = file.begin + static_cast<uint32_t>(sources_.Text(file).find(word));
    return {begin, begin + static_cast<uint32_t>(word.size())};
  }
  std::string Show(DiagFormat format, PrintOptions options = {}) const {
    return Print(diags_.Sorted(), sources_, format, options);
  }

  Sources sources_;
  Diagnostics diags_;
};

constexpr DiagKind<std::string_view> kBad{9001, Severity::kError, "{}"};
constexpr DiagKind<std::string_view> kOdd{9002, Severity::kWarning, "{}"};
constexpr DiagKind<std::string_view> kNews{9003, Severity::kInfo, "{}"};

TEST_F(Printing, ShowsLineCaretLabelsAndHelp) {
  std::string text;
  for (int i = 1; i < 12; ++i) text += "#\n";
  const Span file = sources_.Add("model/topology.yaml", text + "  prot: 5432 # prot\n");
  const Span other = sources_.Add("model/other.yaml", "a: 1\nport: 1\n");
  diags_.Emit(kBad, Part(file, "prot"),
              {.labels = {{Part(other, "port"), "first declared here"}, {{}, "and nowhere"}},
               .help = "did you mean `port`?\nor not",
               .source = "RULES.md: keys"},
              "the key `prot` is not known here");
  EXPECT_EQ(Show(DiagFormat::kText), R"(error[KB9001]: the key `prot` is not known here
  --> model/topology.yaml:12:3
   |
12 |   prot: 5432 # prot
   |   ^^^^
  ::: model/other.yaml:2:1
   |
 2 | port: 1
   | ---- first declared here
   = note: and nowhere
   = rule: RULES.md: keys
   = help: did you mean `port`?
           or not
   = explain: kbgen explain KB9001

1 error
)");
}

TEST_F(Printing, CountsInTheLastLine) {
  for (const char* what : {"a", "b"}) {
    diags_.Emit(kBad, {}, what);
    diags_.Emit(kNews, {}, what);
  }
  diags_.Emit(kOdd, {}, "c");
  EXPECT_TRUE(Show(DiagFormat::kText).ends_with("\n\n2 errors, 1 warning, 2 infos\n"));
}

TEST_F(Printing, SaysNothingAboutNothing) {
  EXPECT_EQ(Show(DiagFormat::kText), "");
  EXPECT_EQ(Show(DiagFormat::kGithub), "");
  EXPECT_EQ(
      Show(DiagFormat::kJson),
      "{\n  \"version\": 1,\n  \"diagnostics\": [],\n  \"errors\": 0,\n  \"warnings\": 0\n}\n");
}

// The source line and the line of carets below it.
struct CaretCase {
  std::string text, part, source, carets;
};

TEST_F(Printing, PutsCaretsUnderWhatIsMeant) {
  for (const CaretCase& c : {
           CaretCase{"a\tb\tc\n", "b", "a    b    c", "     ^"},
           CaretCase{"a\t\t\tb\n", "b", "a            b", "             ^"},
           CaretCase{"\t\n", "\t", "    ", "^^^^"},
           CaretCase{"日本: x\n", "x", "日本: x", "      ^"},
           CaretCase{"日本\n", "本", "日本", "  ^^"},
           CaretCase{"ñ\u0301 e\n", "e", "ñ\u0301 e", "  ^"},
           CaretCase{"one\ntwo\n", "ne\ntwo", "one", " ^^"},
           CaretCase{"x\x1B[31m y\n", "y", "x␛[31m y", "       ^"},
           CaretCase{"a\u202E b\n", "b", "a\uFFFD b", "   ^"},
           CaretCase{"\xFF\xFE x\n", "x", "\uFFFD\uFFFD x", "   ^"},
       }) {
    Sources sources;
    const Span file = sources.Add("f", c.text);
    const uint32_t begin = file.begin + static_cast<uint32_t>(c.text.find(c.part));
    Diagnostics diags;
    diags.Emit(kBad, {begin, begin + static_cast<uint32_t>(c.part.size())}, "x");
    const std::string shown = PrintText(diags.all()[0], sources, {});
    EXPECT_NE(shown.find("\n1 | " + c.source + "\n  | " + c.carets + "\n"), std::string::npos)
        << shown;
  }
}

TEST_F(Printing, PutsACaretBehindTheLineForWhatIsMissing) {
  const Span file = sources_.Add("f", "abc");
  diags_.Emit(kBad, {file.end, file.end}, "x");
  EXPECT_NE(Show(DiagFormat::kText).find("1 | abc\n  |    ^\n"), std::string::npos);
}

TEST_F(Printing, CutsALongLineAroundThePart) {
  const std::string side(400, 'x');
  const Span file = sources_.Add("f", side + "HERE" + side);
  diags_.Emit(kBad, Part(file, "HERE"), "x");
  const std::string cut = std::string(78, 'x');
  EXPECT_NE(Show(DiagFormat::kText)
                .find("1 | …" + cut + "HERE" + cut + "…\n  | " + std::string(79, ' ') + "^^^^\n"),
            std::string::npos)
      << Show(DiagFormat::kText);
}

TEST_F(Printing, StaysOnTheScreenWhenThePartDoesNotFit) {
  const Span file = sources_.Add("f", "x: " + std::string(1000, 'y'));
  diags_.Emit(kBad, Part(file, std::string(1000, 'y')), "x");
  EXPECT_NE(
      Show(DiagFormat::kText).find("\n  | " + std::string(1, ' ') + std::string(160, '^') + "\n"),
      std::string::npos)
      << Show(DiagFormat::kText);
}

TEST_F(Printing, ColoursOnlyWhenAsked) {
  const Span file = sources_.Add("f", "abc");
  diags_.Emit(kOdd, file, {.help = "h"}, "x");
  EXPECT_EQ(Show(DiagFormat::kText).find('\x1B'), std::string::npos);
  const std::string colored = Show(DiagFormat::kText, {.color = true});
  EXPECT_NE(colored.find("\x1B[1;33mwarning[KB9002]\x1B[0m"), std::string::npos) << colored;
  EXPECT_NE(colored.find("\x1B[1;33m^^^\x1B[0m"), std::string::npos) << colored;
  EXPECT_NE(colored.find("\x1B[1;36mhelp:\x1B[0m h"), std::string::npos) << colored;
}

TEST_F(Printing, LetsNoInputDrawOnTheTerminal) {
  const Span file = sources_.Add("na\x1B[2Jme", "a\x07");
  diags_.Emit(kBad, file, {.labels = {{file, "\x1B]0;x"}}, .help = "\x1B[A"}, "key `\x1B[2J`");
  const std::string shown = Show(DiagFormat::kText);
  EXPECT_EQ(shown.find_first_of("\x1B\x07"), std::string::npos) << shown;
}

TEST_F(Printing, GivesJsonThatLacksNoKey) {
  const Span file = sources_.Add("f.yaml", "é: 1\nb: 2\n");
  diags_.Emit(kBad, Part(file, "1\nb"), {.labels = {{Part(file, "é"), "here"}}, .help = "h"}, "m");
  diags_.Emit(kOdd, {}, {.source = "RULES.md: x"}, "byte \xFF");
  EXPECT_EQ(Show(DiagFormat::kJson), R"({
  "version": 1,
  "diagnostics": [
    {
      "code": "KB9002",
      "severity": "warning",
      "message": "byte )"
                                     "\uFFFD"
                                     R"(",
      "path": null,
      "line": null,
      "column": null,
      "end_line": null,
      "end_column": null,
      "labels": [],
      "help": null,
      "rule": "RULES.md: x"
    },
    {
      "code": "KB9001",
      "severity": "error",
      "message": "m",
      "path": "f.yaml",
      "line": 1,
      "column": 4,
      "end_line": 2,
      "end_column": 2,
      "labels": [
        {
          "message": "here",
          "path": "f.yaml",
          "line": 1,
          "column": 1,
          "end_line": 1,
          "end_column": 2
        }
      ],
      "help": "h",
      "rule": null
    }
  ],
  "errors": 1,
  "warnings": 1
}
)");
}

TEST_F(Printing, GivesWorkflowCommandsThatGithubReadsBack) {
  const Span file = sources_.Add("a,b:c%.yaml", "abc\ndef\n");
  diags_.Emit(kBad, Part(file, "bc"), {.help = "one\ntwo"}, "100% of `x`");
  diags_.Emit(kOdd, Part(file, "c\nd"), {.labels = {{Part(file, "def"), "here"}}}, "wide");
  diags_.Emit(kNews, {}, "news");
  EXPECT_EQ(Show(DiagFormat::kGithub),
            "::notice title=KB9003::news\n"
            "::error file=a%2Cb%3Ac%25.yaml,line=1,col=2,endColumn=3,title=KB9001::"
            "100%25 of `x`%0Ahelp: one%0Atwo\n"
            "::warning file=a%2Cb%3Ac%25.yaml,line=1,endLine=2,title=KB9002::"
            "wide%0Ahere: a,b:c%25.yaml:2:1\n");
}

TEST_F(Printing, GivesSarifWithARuleForEachCode) {
  const Span file = sources_.Add("a b/é.yaml", "é: 1\n");
  diags_.Emit(diag::kYamlDuplicateKey, Part(file, "é"),
              {.labels = {{Part(file, "1"), "first"}}, .help = "h"}, "é");
  diags_.Emit(kBad, {}, "nowhere");
  const auto log = nlohmann::json::parse(Show(DiagFormat::kSarif, {.tool_version = "1.2.3"}));
  const auto& run = log["runs"][0];
  EXPECT_EQ(run["tool"]["driver"]["version"], "1.2.3");
  EXPECT_EQ(run["columnKind"], "unicodeCodePoints");
  EXPECT_EQ(run["tool"]["driver"]["rules"][0]["id"], "KB1015");
  EXPECT_EQ(run["tool"]["driver"]["rules"][0]["name"], "YamlDuplicateKey");
  EXPECT_EQ(run["tool"]["driver"]["rules"][0]["shortDescription"]["text"],
            "the key `…` stands here a second time");
  EXPECT_EQ(run["results"][0]["ruleId"], "KB9001");
  EXPECT_EQ(run["results"][0]["ruleIndex"], 1);
  EXPECT_EQ(run["results"][0]["locations"].size(), 0u);
  EXPECT_EQ(run["results"][1], nlohmann::json::parse(R"({
    "ruleId": "KB1015", "ruleIndex": 0, "level": "error",
    "message": {"text": "the key `é` stands here a second time\nhelp: h"},
    "locations": [{"physicalLocation": {
      "artifactLocation": {"uri": "a%20b/%C3%A9.yaml"},
      "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}}}],
    "relatedLocations": [{"id": 0, "message": {"text": "first"}, "physicalLocation": {
      "artifactLocation": {"uri": "a%20b/%C3%A9.yaml"},
      "region": {"startLine": 1, "startColumn": 4, "endLine": 1, "endColumn": 5}}}]})"));
}

}  // namespace
}  // namespace kb
