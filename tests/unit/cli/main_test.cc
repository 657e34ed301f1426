#include <nlohmann/json.hpp>
#include <string>

#include "cli/app.h"
#include "estate.h"

namespace kb::cli {
namespace {

using nlohmann::json;

TEST_F(EstateTest, MistakesOnTheCommandLineAreUsage) {
  const std::vector<std::vector<std::string>> mistakes = {{},
                                                          {"rendr"},
                                                          {"render", "--nonsense"},
                                                          {"diff", "a"},
                                                          {"check", "--format", "xml"},
                                                          {"render", "--jobs", "many"},
                                                          {"completion", "ksh"},
                                                          {"explain", "KB0000"},
                                                          {"why", "no-line"},
                                                          {"dump"}};
  for (const auto& words : mistakes) {
    const Ran ran = Kbgen(words);
    EXPECT_EQ(ran.status, 2) << testing::PrintToString(words);
    EXPECT_NE(ran.err, "") << testing::PrintToString(words);
    EXPECT_EQ(ran.out, "") << testing::PrintToString(words);
  }
}

TEST_F(EstateTest, HelpAndVersionAreResults) {
  EXPECT_EQ(Kbgen({"--help"}).status, 0);
  EXPECT_TRUE(Kbgen({"--version"}).out.starts_with("kbgen "));
  for (const CommandText& command : DescribeCommands(BuildApp()->parser)) {
    const Ran ran = Kbgen({command.name, "--help"});
    EXPECT_EQ(ran.status, 0);
    EXPECT_NE(ran.out.find("Examples:\n  "), std::string::npos) << command.name;
  }
}

TEST_F(EstateTest, WhatCannotBeReadIsTheEnvironment) {
  EXPECT_EQ(Kbgen({"check", "-m", "nowhere.yaml"}).status, 3);
  EXPECT_EQ(Kbgen({"diff", "nowhere", "here"}).status, 3);
  EXPECT_EQ(Kbgen({"check", "--modules", "nowhere"}).status, 3);
  Put("file", "x\n");
  const Ran ran = KbgenHere({"render", "-o", "file/out"});
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.err.find("file/out"), std::string::npos) << ran.err;
}

TEST_F(EstateTest, CheckCountsAndWritesNothing) {
  const Ran ran = KbgenHere({"check"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("2 servers, 1 services"), std::string::npos) << ran.out;
  EXPECT_FALSE(PathExists("out"));
}

TEST_F(EstateTest, AMistakeInTheModelIsAFindingInEveryFormat) {
  Put("model/versions.yaml", "images: {}\npackage: {}\n");
  const Ran text = KbgenHere({"check", "--color", "never"});
  EXPECT_EQ(text.status, 1);
  EXPECT_EQ(text.out, "");
  EXPECT_NE(text.err.find("error[KB2001]"), std::string::npos) << text.err;
  EXPECT_EQ(text.err.find('\x1b'), std::string::npos);

  const Ran as_json = KbgenHere({"render", "--format", "json"});
  EXPECT_EQ(as_json.status, 1);
  EXPECT_EQ(as_json.err, "");
  EXPECT_EQ(json::parse(as_json.out)["diagnostics"][0]["code"], "KB2001");
  EXPECT_TRUE(json::accept(KbgenHere({"check", "--format", "sarif"}).out));
  EXPECT_TRUE(KbgenHere({"check", "--format", "github"}).out.starts_with("::error "));
  EXPECT_NE(KbgenHere({"check", "--color", "always"}).err.find('\x1b'), std::string::npos);
}

TEST_F(EstateTest, RenderListsWhatItChangedAndASecondRunNothing) {
  const Ran first = KbgenHere({"render"});
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.out.find(" 0 updated, 0 deleted, 0 unchanged\n"), std::string::npos) << first.out;
  EXPECT_EQ(Get("out/servers/a-01/90-echo/etc/echo.sh"),
            "#!/bin/bash\n# A comment.\necho bonjour a-01\n");
  EXPECT_EQ(json::parse(Get("out/MANIFEST.json"))["topology"], "test");

  Put("inventory.tsv",
      Get("inventory.tsv") +
          "prod\t203.0.113.3\tc-01\t10.0.0.3\tc-01.example.com\troot\tp\tr\ts\tnone\tyes\tx\n");
  Put("model/topology.yaml",
      Get("model/topology.yaml")
          .replace(Get("model/topology.yaml").find("expect: 2"), 9, "expect: 3"));
  Put("out/notes.txt", "mine\n");
  const Ran second = KbgenHere({"render"});
  EXPECT_NE(second.out.find("+ servers/c-01/90-echo/etc/echo.sh\n"), std::string::npos)
      << second.out;
  EXPECT_NE(second.out.find("? notes.txt "), std::string::npos) << second.out;
  const Ran third = KbgenHere({"render", "--format", "json"});
  EXPECT_EQ(json::parse(third.out)["result"]["changes"].size(), 0u) << third.out;
  EXPECT_EQ(KbgenHere({"render", "--quiet"}).out, "");
}

TEST_F(EstateTest, RenderCheckShowsTheDifferenceThatRenderWouldMake) {
  EXPECT_EQ(KbgenHere({"render", "--check"}).status, 1) << "there is no tree";
  KbgenHere({"render"});
  EXPECT_EQ(KbgenHere({"render", "--check"}).status, 0);
  const std::string path = "servers/a-01/90-echo/etc/echo.sh";
  Put("out/" + path, "#!/bin/bash\n# A comment.\necho by hand\n");
  const Ran ran = KbgenHere({"render", "--check", "--color", "never"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.out.find("--- a/" + path + "\n+++ b/" + path +
                         "\n@@ -1,3 +1,3 @@\n #!/bin/bash\n"
                         " # A comment.\n-echo by hand\n+echo bonjour a-01\n"),
            std::string::npos)
      << ran.out;
  EXPECT_EQ(Get("out/" + path), "#!/bin/bash\n# A comment.\necho by hand\n");
}

TEST_F(EstateTest, RenderCheckShowsTheManifestWhenNothingElseDiffers) {
  KbgenHere({"render"});
  Put("out/MANIFEST.json", "{}\n");
  const Ran ran = KbgenHere({"render", "--check"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.out.find("--- a/MANIFEST.json"), std::string::npos) << ran.out;
}

TEST_F(EstateTest, DiffIsSilentAboutEqualTrees) {
  Put("x/f", "1\n"), Put("y/f", "1\n");
  const Ran same = Kbgen({"diff", "x", "y"});
  EXPECT_EQ(same.status, 0);
  EXPECT_EQ(same.out, "");
  Put("y/f", "2\n");
  const Ran differs = Kbgen({"diff", "x", "y"});
  EXPECT_EQ(differs.status, 1);
  EXPECT_EQ(differs.out, "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+2\n");
  EXPECT_EQ(
      json::parse(Kbgen({"diff", "x", "y", "--format", "json"}).out)["result"]["files"][0]["path"],
      "f");
}

TEST_F(EstateTest, WhyShowsTheTemplateAndTheModelOfALine) {
  KbgenHere({"render"});
  const std::string answer =
      "artifact out/servers/a-01/90-echo/etc/echo.sh:3\n"
      "    3 | echo bonjour a-01\n"
      "template modules/90-echo/echo.sh.erb:3:6\n"
      "    3 | echo <%= settings.word %> <%= self.name %>\n"
      "      |      ^^^^^^^^^^^^^^^^^^^^\n"
      "model model/topology.yaml:14:13\n"
      "   14 |       word: bonjour\n"
      "      |             ^^^^^^^\n"
      "template modules/90-echo/echo.sh.erb:3:27\n"
      "    3 | echo <%= settings.word %> <%= self.name %>\n"
      "      |                           ^^^^^^^^^^^^^^^^\n"
      "model inventory.tsv:2:18\n";
  const std::string inside = "servers/a-01/90-echo/etc/echo.sh:3";
  for (const std::string& place :
       {"out/" + inside, inside, "./out/" + inside, dir_.path() + "/out/" + inside}) {
    const Ran ran = KbgenHere({"why", place});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.out.substr(0, answer.size()), answer) << place;
    EXPECT_EQ(ran.out.find("note:"), std::string::npos);
  }
}

TEST_F(EstateTest, WhySaysSoWhenTheFileIsNotWhatIsRendered) {
  const Ran ran = KbgenHere({"why", "servers/a-01/90-echo/etc/echo.sh:2"});
  EXPECT_EQ(
      ran.out,
      "artifact out/servers/a-01/90-echo/etc/echo.sh:2\n"
      "    2 | # A comment.\n"
      "template modules/90-echo/echo.sh.erb:2:1\n"
      "    2 | # A comment.\n"
      "note: `out/servers/a-01/90-echo/etc/echo.sh` is not what kbgen render gives now; the line "
      "is that of a fresh render\n");
  EXPECT_TRUE(
      json::parse(KbgenHere({"why", "--format", "json", "servers/a-01/90-echo/etc/echo.sh:2"})
                      .out)["result"]["stale"]);
}

TEST_F(EstateTest, WhyTellsADefaultFromWhatSomebodyWrote) {
  std::string topology = Get("model/topology.yaml");
  Put("model/topology.yaml", topology.erase(topology.find("    settings:")));
  const Ran ran = KbgenHere({"why", "servers/a-01/90-echo/etc/echo.sh:3"});
  EXPECT_NE(ran.out.find("default modules/90-echo/module.yaml:7:31\n"), std::string::npos)
      << ran.out << ran.err;
}

TEST_F(EstateTest, WhyHelpsWithAWrongPlace) {
  const Ran path = KbgenHere({"why", "servers/a-01/90-echo/etc/ecko.sh:1"});
  EXPECT_EQ(path.status, 1);
  EXPECT_NE(path.err.find("did you mean `servers/a-01/90-echo/etc/echo.sh`?"), std::string::npos)
      << path.err;
  const Ran line = KbgenHere({"why", "servers/a-01/90-echo/etc/echo.sh:4"});
  EXPECT_EQ(line.status, 1);
  EXPECT_NE(line.err.find("has 3 lines"), std::string::npos) << line.err;
}

TEST_F(EstateTest, WhyKnowsFilesThatNoTemplateMakes) {
  const Ran plan = KbgenHere({"why", "PLAN.json:1"});
  EXPECT_EQ(plan.status, 0) << plan.err;
  EXPECT_NE(plan.out.find("kbgen itself makes this file"), std::string::npos) << plan.out;
}

TEST_F(EstateTest, ExplainListsEveryCodeAndKnowsEach) {
  const Ran all = Kbgen({"explain"});
  EXPECT_EQ(all.status, 0);
  EXPECT_NE(all.out.find("KB2001  error    UnknownKey"), std::string::npos);
  for (const std::string code : {"KB2001", "kb2001", "2001"}) {
    EXPECT_EQ(Kbgen({"explain", code}).out, Kbgen({"explain", "KB2001"}).out);
  }
}

TEST_F(EstateTest, InitWritesATopologyThatRendersAndOverwritesNothing) {
  EXPECT_EQ(Kbgen({"init", "fresh"}).status, 0);
  std::filesystem::current_path("fresh");
  const Ran rendered = Kbgen({"render"});
  EXPECT_EQ(rendered.status, 0) << rendered.err;
  EXPECT_EQ(Kbgen({"render", "--check"}).status, 0);
  Put("model/versions.yaml", "mine\n");
  const Ran again = Kbgen({"init"});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("is there already"), std::string::npos) << again.err;
  EXPECT_EQ(Get("model/versions.yaml"), "mine\n");
}

TEST_F(EstateTest, SchemasAreJsonAndKnowTheSettingsOfEachModule) {
  for (const std::string name : {"topology", "versions", "credentials", "module"}) {
    const Ran ran = Kbgen({"schema", name});
    EXPECT_EQ(ran.status, 0);
    EXPECT_TRUE(json::accept(ran.out)) << name;
  }
  const json schema = json::parse(KbgenHere({"schema"}).out);
  const json& service = schema["properties"]["services"]["additionalProperties"];
  bool found = false;
  for (const json& one : service["allOf"]) {
    if (one["if"]["properties"]["module"]["const"] != "echo") continue;
    found = one["then"]["properties"]["settings"]["anyOf"][0]["properties"].contains("word");
  }
  EXPECT_TRUE(found) << service.dump(1);
}

TEST_F(EstateTest, DumpPrintsEveryStageAsJson) {
  struct Case {
    std::string stage;
    json::json_pointer where;
    json what;
  };
  const Case cases[] = {{"model", json::json_pointer("/servers/1/name"), "b-01"},
                        {"graph", json::json_pointer("/services/0/members/0"), "a-01"},
                        {"plan", json::json_pointer("/artifacts/0/path"), "PLAN.json"}};
  for (const Case& c : cases) {
    const Ran ran = KbgenHere({"dump", "--stage", c.stage});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(json::parse(ran.out)[c.where], c.what) << c.stage;
  }
}

TEST_F(EstateTest, SelfcheckNamesWhatAModuleForgot) {
  Put("modules/90-echo/stray.sh.erb", "#!/bin/bash\n");
  const Ran ran = KbgenHere({"selfcheck"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.err.find("uses the template `stray.sh.erb`"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("the module has no file `example.yaml`"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace kb::cli
