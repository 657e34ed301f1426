// Freezing, from one end to the other: what may still change, what may not, and what is said of it.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <string>

#include "estate.h"
#include "write/replace.h"

namespace kb::cli {
namespace {

using nlohmann::json;

const std::string kLock = "model/freeze.lock";
const std::string kScript = "servers/a-01/90-echo/etc/echo.sh";

class FreezeTest : public EstateTest {
 protected:
  FreezeTest() {
    Edit("modules/90-echo/module.yaml", "artifacts:\n",
         "images:\n  tool: {help: A tool.}\n"
         "artifacts:\n"
         "  - {template: recap.md.erb, in: docs, path: README.md}\n"
         "  - {template: Dockerfile.erb, in: images, path: tool/Dockerfile}\n");
    Put("modules/90-echo/module.yaml",
        Get("modules/90-echo/module.yaml") +
            "steps:\n"
            "  - {name: install, template: install.sh.erb, strategy: rolling, help: Installs.}\n"
            "  - {name: look, template: look.sh.erb, on: install, kind: validate, help: Looks.}\n");
    Put("modules/90-echo/recap.md.erb", "# What it says\n\n`<%= settings.word %>`\n");
    Put("modules/90-echo/Dockerfile.erb", "FROM debian:12.5\n");
    Put("modules/90-echo/install.sh.erb", "#!/bin/bash\necho install\n");
    Put("modules/90-echo/look.sh.erb", "#!/bin/bash\necho look\n");
    Put("model/versions.yaml",
        "images:\n  tool: {ref: \"tool:1.2.3\", build: true}\npackages: {}\n");
  }

  static void Edit(const std::string& path, std::string_view before, std::string_view after) {
    std::string text = Get(path);
    const size_t at = text.find(before);
    ASSERT_NE(at, std::string::npos) << path << " does not hold " << before;
    Put(path, text.replace(at, before.size(), after));
  }

  static Ran Freeze(std::vector<std::string> services = {"echo"}) {
    services.insert(services.begin(), "freeze");
    services.insert(services.end(), {"--by", "M. Okafor", "--why", "done", "--on", "2026-03-01"});
    return KbgenHere(services);
  }
  static Ran Thaw(const std::string& service = "echo") {
    return Kbgen({"thaw", service, "--by", "R. Chen", "--why", "new words", "--on", "2026-04-02"});
  }

  // Every file of the tree with its bytes, mode, inode and time of change.
  static std::vector<std::string> Stamps(const std::string& root) {
    std::vector<std::string> stamps;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      struct stat status{};
      stat(entry.path().c_str(), &status);
      stamps.push_back(entry.path().string() + " " + std::to_string(status.st_mode) + " " +
                       std::to_string(status.st_ino) + " " + std::to_string(status.st_ctim.tv_sec) +
                       "." + std::to_string(status.st_ctim.tv_nsec) + " " +
                       (entry.is_regular_file() ? Get(entry.path()) : ""));
    }
    std::ranges::sort(stamps);
    return stamps;
  }

  // A render that must be refused: by all three commands, with the same diagnostic, and with
  // nothing written. Gives what render said.
  static Ran Refused(const std::string& code) {
    const bool tree = PathExists("out");
    const auto before = tree ? Stamps("out") : std::vector<std::string>{};
    const std::string lock = Get(kLock);
    const Ran ran = KbgenHere({"render", "--color", "never"});
    const Ran check = KbgenHere({"render", "--check", "--color", "never"});
    const Ran model = KbgenHere({"check", "--color", "never"});
    for (const Ran* one : {&ran, &check, &model}) {
      EXPECT_EQ(one->status, 1);
      EXPECT_EQ(one->err, ran.err);
    }
    EXPECT_EQ(check.out, ran.out);
    EXPECT_NE(ran.err.find("error[" + code + "]"), std::string::npos) << ran.err;
    EXPECT_EQ(PathExists("out"), tree);
    EXPECT_EQ(tree ? Stamps("out") : before, before) << "something was written";
    EXPECT_EQ(Get(kLock), lock);
    return ran;
  }

  static void ExpectSays(const Ran& ran, std::initializer_list<std::string_view> texts) {
    for (const std::string_view text : texts) {
      EXPECT_NE((ran.err + ran.out).find(text), std::string::npos)
          << "does not say " << text << ":\n"
          << ran.err << ran.out;
    }
  }
  static void ExpectFine() {
    for (const Ran& ran :
         {KbgenHere({"check"}), KbgenHere({"render"}), KbgenHere({"render", "--check"})}) {
      EXPECT_EQ(ran.status, 0) << ran.err << ran.out;
    }
  }
};

TEST_F(FreezeTest, WritesAReviewableLockBesideTheTopology) {
  const Ran ran = Freeze();
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, kLock + ": frozen echo, 7 files on 2 servers\n");
  std::string lock = Get(kLock);
  for (size_t at; (at = lock.find("  file ")) != std::string::npos;) {
    lock.replace(at, 7 + 64, "  FILE …");  // digests have their own test
  }
  const size_t seal = lock.find("  seal ");
  ASSERT_EQ(lock.size(), seal + 7 + 64 + 1) << lock;
  EXPECT_EQ(lock.substr(lock.find("kbgen 1"), seal - lock.find("kbgen 1")),
            "kbgen 1\ntopology test\n\nservice echo\n  on 2026-03-01\n  by M. Okafor\n  why done\n"
            "  server a-01\n  server b-01\n"
            "  step install 1 apply rolling members -\n"
            "  step look 2 validate parallel install:a-01 -\n"
            "  FILE … 0644 - docs/90-echo/README.md\n"
            "  FILE … 0644 0:0 images/tool/Dockerfile /opt/test/images/tool/Dockerfile\n"
            "  FILE … 0755 0:0 modules/90-echo/look.sh /opt/test/modules/90-echo/look.sh\n"
            "  FILE … 0755 0:0 servers/a-01/90-echo/etc/echo.sh\n"
            "  FILE … 0755 0:0 servers/a-01/90-echo/install.sh /opt/test/90-echo/install.sh\n"
            "  FILE … 0755 0:0 servers/b-01/90-echo/etc/echo.sh\n"
            "  FILE … 0755 0:0 servers/b-01/90-echo/install.sh /opt/test/90-echo/install.sh\n");
}

TEST_F(FreezeTest, WritesTheSameLockWhateverTheThreadsAndTheTree) {
  Freeze();
  const std::string lock = Get(kLock);
  KbgenHere({"render"});
  for (const std::string jobs : {"1", "2", "7"}) {
    std::filesystem::remove(kLock);
    KbgenHere({"freeze", "echo", "--by", "M. Okafor", "--why", "done", "--on", "2026-03-01",
               "--jobs", jobs});
    EXPECT_EQ(Get(kLock), lock) << jobs;
  }
}

TEST_F(FreezeTest, LetsARenderPassThatChangesNothing) {
  KbgenHere({"render"});
  Freeze();
  const auto before = Stamps("out");
  ExpectFine();
  EXPECT_EQ(Stamps("out"), before);
  std::filesystem::remove_all("out");
  ExpectFine();  // a tree that is not there yet may be made
}

TEST_F(FreezeTest, RefusesAChangeAndShowsItWithItsCause) {
  KbgenHere({"render"});
  Freeze();
  Edit("model/topology.yaml", "word: bonjour", "word: salut");
  const Ran ran = Refused("KB5107");
  EXPECT_EQ(ran.err,
            "error[KB5107]: `echo` is frozen (on 2026-03-01 by M. Okafor: done), and this would "
            "change it: 3 files changed\n"
            "  --> model/freeze.lock:6:9\n"
            "   |\n"
            " 6 | service echo\n"
            "   |         ^^^^\n"
            "  ::: model/topology.yaml:14:13\n"
            "   |\n"
            "14 |       word: salut\n"
            "   |             ----- feeds 3 changed lines, the first is "
            "`docs/90-echo/README.md:3`\n"
            "  ::: inventory.tsv:2:18\n"
            "   |\n" +
                ran.err.substr(ran.err.find(" 2 | prod"),
                               ran.err.find("   = note: changed") - ran.err.find(" 2 | prod")) +
                "   = note: changed: `docs/90-echo/README.md`: content\n"
                "   = note: changed: `servers/a-01/90-echo/etc/echo.sh`: content\n"
                "   = note: changed: `servers/b-01/90-echo/etc/echo.sh`: content\n"
                "   = help: take the change back, or `kbgen thaw echo --by … --why … --on …` on "
                "purpose; nothing was written\n"
                "   = explain: kbgen explain KB5107\n"
                "\n"
                "1 error\n");
  ExpectSays(ran, {"modules/90-echo/echo.sh.erb:3:6", "writes 2 changed lines",
                   "--- a/" + kScript + "\n+++ b/" + kScript +
                       "\n@@ -1,3 +1,3 @@\n #!/bin/bash\n # A comment.\n"
                       "-echo bonjour a-01\n+echo salut a-01\n"});
}

TEST_F(FreezeTest, ReportsToToolsInTheirFormats) {
  KbgenHere({"render"});
  Freeze();
  Edit("model/topology.yaml", "word: bonjour", "word: salut");
  const std::vector<std::vector<std::string>> commands = {
      {"render"}, {"render", "--check"}, {"check"}};
  for (auto words : commands) {
    words.insert(words.end(), {"--format", "json"});
    const Ran ran = KbgenHere(words);
    EXPECT_EQ(ran.status, 1);
    EXPECT_EQ(ran.err, "");
    const json said = json::parse(ran.out);
    EXPECT_EQ(said["diagnostics"][0]["code"], "KB5107");
    const json& frozen = said["result"]["frozen"][0];
    EXPECT_EQ(frozen["service"], "echo");
    EXPECT_EQ(frozen["by"], "M. Okafor");
    EXPECT_EQ(frozen["on"], "2026-03-01");
    EXPECT_EQ(frozen["why"], "done");
    EXPECT_EQ(frozen["changes"][1],
              (json{{"kind", "changed"}, {"what", "file"}, {"name", kScript}, {"how", "content"}}));
    EXPECT_NE(said["result"]["diff"].get<std::string>().find("+echo salut a-01"),
              std::string::npos);
  }
  const json sarif = json::parse(KbgenHere({"check", "--format", "sarif"}).out);
  EXPECT_EQ(sarif["runs"][0]["results"][0]["ruleId"], "KB5107");
  const Ran github = KbgenHere({"render", "--format", "github"});
  EXPECT_TRUE(github.out.starts_with("::error file=model/freeze.lock,line=6,col=9,")) << github.out;
  EXPECT_EQ(KbgenHere({"render", "--quiet"}).out, "");
}

TEST_F(FreezeTest, ThawLetsTheChangePassAndRemembersWhoDidIt) {
  KbgenHere({"render"});
  Freeze();
  Edit("model/topology.yaml", "word: bonjour", "word: salut");
  const Ran thawed = Thaw();
  EXPECT_EQ(thawed.status, 0) << thawed.err;
  EXPECT_EQ(thawed.out, kLock + ": thawed echo\n");
  const std::string history =
      "\nthawed echo\n  on 2026-04-02\n  by R. Chen\n  why new words\n"
      "  frozen on 2026-03-01\n  frozen by M. Okafor\n  frozen why done\n";
  EXPECT_TRUE(Get(kLock).ends_with("topology test\n" + history)) << Get(kLock);
  ExpectFine();
  EXPECT_NE(Get("out/" + kScript).find("salut"), std::string::npos);
  EXPECT_EQ(Freeze().status, 0);
  EXPECT_EQ(Thaw().status, 0);
  EXPECT_TRUE(Get(kLock).ends_with("topology test\n" + history + history)) << "both are kept";
}

TEST_F(FreezeTest, GuardsAFirstRenderToo) {
  Freeze();
  Edit("model/topology.yaml", "word: bonjour", "word: salut");
  const Ran ran = Refused("KB5107");
  ExpectSays(ran, {"`out` does not hold what was frozen of `docs/90-echo/README.md`"});
  EXPECT_EQ(ran.out.find("@@"), std::string::npos) << ran.out;
}

TEST_F(FreezeTest, SaysOfWhichFileTheOldTextIsGone) {
  KbgenHere({"render"});
  Freeze();
  Put("out/" + kScript, "by hand\n");
  Edit("model/topology.yaml", "word: bonjour", "word: salut");
  const Ran ran = Refused("KB5107");
  ExpectSays(ran, {"does not hold what was frozen of `" + kScript + "`: the old text",
                   "+++ b/servers/b-01/90-echo/etc/echo.sh"});
  EXPECT_EQ(ran.out.find("by hand"), std::string::npos) << ran.out;
}

TEST_F(FreezeTest, GuardsMoreThanBytes) {
  struct Case {
    std::string file, before, after;
    std::vector<std::string> said;
  };
  const std::string manifest = "modules/90-echo/module.yaml";
  for (const Case& c : std::vector<Case>{
           {manifest,
            "mode: \"0755\"",
            "mode: \"0700\"",
            {"2 files changed", "`" + kScript + "`: mode 0755 → 0700", "decides how"}},
           {manifest, "mode: \"0755\"", "mode: \"0755\", owner: \"9:9\"", {"owner 0:0 → 9:9"}},
           {manifest,
            "path: /etc/echo.sh",
            "path: /etc/say.sh",
            {"2 files added, 2 files removed", "renders `servers/a-01/90-echo/etc/say.sh`",
             "does not render `" + kScript + "` any more", "deleted file mode 100755",
             "new file mode 100755"}},
           {manifest,
            "strategy: rolling",
            "strategy: parallel",
            {"1 step changed", "step `install`: strategy rolling → parallel", "declares the step",
             "-step install 1 apply rolling members -\n+step install 1 apply parallel"}},
           {manifest,
            "kind: validate, help",
            "kind: validate, after: [install], help",
            {"step `look`: after - → install"}},
           {manifest, "label: \"90\"", "label: \"91\"", {"6 files added, 6 files removed"}},
           {"model/topology.yaml",
            "root: /opt/test",
            "root: /opt/other",
            {"lands at /opt/test/90-echo/install.sh → /opt/other/90-echo/install.sh",
             "model/topology.yaml:7:29"}},
           {"model/topology.yaml", "host: a-01", "host: b-01", {"on install:a-01 → install:b-01"}},
           {"modules/90-echo/Dockerfile.erb",
            "12.5",
            "12.6",
            {"changed: `images/tool/Dockerfile`: content", "modules/90-echo/Dockerfile.erb:1:1"}},
           {"modules/90-echo/echo.sh.erb",
            "# A comment.\n",
            "",
            {"of lines that are only taken away"}},
       }) {
    std::filesystem::remove_all("out");
    std::filesystem::remove(kLock);
    KbgenHere({"render"});
    ASSERT_EQ(Freeze().status, 0);
    const std::string old = Get(c.file);
    Edit(c.file, c.before, c.after);
    const Ran ran = Refused("KB5107");
    for (const std::string& said : c.said) ExpectSays(ran, {said});
    Put(c.file, old);
    ExpectFine();
  }
}

TEST_F(FreezeTest, GuardsTheServers) {
  KbgenHere({"render"});
  Freeze();
  const std::string inventory = Get("inventory.tsv"), topology = Get("model/topology.yaml");
  Put("inventory.tsv",
      inventory +
          "prod\t203.0.113.3\tc-01\t10.0.0.3\tc-01.example.com\troot\tp\tr\ts\tnone\tyes\tx\n");
  Edit("model/topology.yaml", "expect: 2", "expect: 3");
  ExpectSays(Refused("KB5107"),
             {"1 server added, 2 files added", "added: server `c-01`", "`echo` has this server now",
              "+server c-01\n", "new file mode 100755"});

  Put("inventory.tsv", inventory.substr(0, inventory.find("prod\t203.0.113.2")));
  Edit("model/topology.yaml", "expect: 3", "expect: 1");
  ExpectSays(Refused("KB5106"), {"on servers that it no longer has: `b-01`"});

  Put("inventory.tsv", inventory), Put("model/topology.yaml", topology);
  ExpectFine();
}

TEST_F(FreezeTest, OfAServiceThatIsGoneIsAnErrorUntilItIsThawed) {
  Freeze();
  Edit("model/topology.yaml", "  echo:\n", "  says:\n");
  ExpectSays(Refused("KB5104"), {"`echo` is frozen (on 2026-03-01 by M. Okafor: done)"});
  EXPECT_EQ(Thaw().status, 0);
  ExpectFine();
}

TEST_F(FreezeTest, NeedsNoTopologyToThaw) {
  Freeze();
  Put("model/topology.yaml", "{ broken");
  EXPECT_EQ(Thaw().status, 0);
  EXPECT_EQ(Get(kLock).find("service echo"), std::string::npos);
}

TEST_F(FreezeTest, LeavesAloneWhatIsNoPartOfTheService) {
  Put("modules/_lib/host/tool.sh", "#!/bin/bash\n");
  Edit("model/topology.yaml", "  echo:\n",
       "  other: {module: talk, nodes: {name: a-01}}\n  echo:\n");
  std::filesystem::copy("modules/90-echo", "modules/91-talk",
                        std::filesystem::copy_options::recursive);
  Put("modules/91-talk/module.yaml",
      "kbgen: 1\nmodule: talk\nlabel: \"91\"\nsummary: Talks.\n"
      "artifacts: [{template: echo.sh.erb, path: /etc/talk.sh}]\n"
      "settings: {word: {type: name, default: hello, help: What it says.}}\n");
  KbgenHere({"render"});
  ASSERT_EQ(Freeze().status, 0);
  Put("modules/_lib/host/tool.sh", "#!/bin/bash\n# The libraries are the estate's.\n");
  Edit("model/topology.yaml", "module: talk,", "module: talk, settings: {word: other},");
  ExpectFine();
  EXPECT_NE(Get("out/lib/tool.sh").find("estate's"), std::string::npos);
  EXPECT_NE(Get("out/servers/a-01/91-other/etc/talk.sh").find("other"), std::string::npos);
}

TEST_F(FreezeTest, CountsAnImageThatServicesShareToEachOfThem) {
  Edit("modules/90-echo/module.yaml", "owns: [firewall, host]\n", "");
  Put("modules/80-base/module.yaml",
      "kbgen: 1\nmodule: base\nlabel: \"80\"\nsummary: Owns.\nowns: [firewall, host]\n"
      "artifacts: [{template: x.sh.erb, path: /etc/x.sh}]\n");
  Put("modules/80-base/x.sh.erb", "#!/bin/bash\n");
  Edit("model/topology.yaml", "services:\n",
       "services:\n  base: {module: base, nodes: {all: true}}\n"
       "  first:\n    module: echo\n    nodes: {name: a-01}\n");
  Edit("model/topology.yaml", "nodes: {all: true, expect: 2}", "nodes: {name: b-01}");
  KbgenHere({"render"});
  ASSERT_EQ(Freeze().status, 0) << Freeze().err;
  EXPECT_NE(Get(kLock).find(" images/tool/Dockerfile "), std::string::npos) << Get(kLock);
  const std::string topology = Get("model/topology.yaml");
  Edit("model/topology.yaml", "  first:\n    module: echo\n    nodes: {name: a-01}\n", "");
  ExpectFine();  // the image is the second one's as much as it was the first one's
  Put("model/topology.yaml", topology);
  Edit("modules/90-echo/Dockerfile.erb", "12.5", "12.6");
  ExpectSays(Refused("KB5107"), {"changed: `images/tool/Dockerfile`: content"});
}

TEST_F(FreezeTest, NoticesAHandInTheLock) {
  KbgenHere({"render"});
  Freeze();
  const std::string lock = Get(kLock);
  Edit(kLock, "by M. Okafor", "by R. Chen");
  ExpectSays(Refused("KB5102"),
             {"the block of `echo` was edited by hand", "model/freeze.lock:21:3"});
  EXPECT_EQ(Thaw().status, 1) << "what is thawed must be what was frozen";
  Put(kLock, lock);
  Edit(kLock, "server b-01", "server b 01");
  ExpectSays(Refused("KB5101"), {"expected `server NAME`"});
  EXPECT_EQ(Freeze().status, 1);
  Put(kLock, "");
  ExpectSays(Refused("KB5101"), {"expected `kbgen 1`"});
  Put(kLock, lock);
  ExpectFine();
}

TEST_F(FreezeTest, BelongsToOneTopology) {
  Freeze();
  Put("model/lab.yaml", Get("model/topology.yaml"));
  Edit("model/lab.yaml", "name: test", "name: lab");
  const Ran ran = KbgenHere({"check", "-m", "model/lab.yaml"});
  EXPECT_EQ(ran.status, 1);
  ExpectSays(ran, {"error[KB5105]"});
  Thaw();
  EXPECT_EQ(KbgenHere({"check", "-m", "model/lab.yaml"}).status, 0) << "nothing is frozen any more";
}

TEST_F(FreezeTest, RefusesWhatCannotBeFrozenOrThawed) {
  const Ran unknown = Freeze({"ecko"});
  EXPECT_EQ(unknown.status, 1);
  ExpectSays(unknown, {"no service is called `ecko`; did you mean `echo`?"});
  EXPECT_FALSE(PathExists(kLock)) << "nothing was frozen";
  EXPECT_EQ(Thaw().status, 1) << "there is no lock";
  EXPECT_FALSE(PathExists(kLock));
  Freeze({"echo", "echo"});
  const std::string lock = Get(kLock);
  const Ran twice = Freeze();
  EXPECT_EQ(twice.status, 1);
  ExpectSays(twice, {"`echo` is frozen already, on 2026-03-01 by M. Okafor: done; thaw it first"});
  ExpectSays(Thaw("ecko"), {"`ecko` is not frozen; did you mean `echo`?"});
  EXPECT_EQ(Get(kLock), lock);
}

TEST_F(FreezeTest, WantsToKnowWhoAndWhyAndWhen) {
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"echo"},
      {"echo", "--by", "x", "--why", "y"},
      {"echo", "--by", "x", "--on", "2026-03-01"},
      {"--by", "x", "--why", "y", "--on", "2026-03-01"},
      {"echo", "--by", "x", "--why", "y", "--on", "2026-02-30"},
      {"echo", "--by", "x", "--why", "y", "--on", "today"},
      {"echo", "--by", "", "--why", "y", "--on", "2026-03-01"},
      {"echo", "--by", "x", "--why", " ", "--on", "2026-03-01"},
      {"echo", "--by", "x", "--why", "two\nlines", "--on", "2026-03-01"}};
  for (const std::string command : {"freeze", "thaw"}) {
    for (auto words : mistakes) {
      words.insert(words.begin(), command);
      const Ran ran = KbgenHere(words);
      EXPECT_EQ(ran.status, 2) << testing::PrintToString(words);
      EXPECT_NE(ran.err, "") << testing::PrintToString(words);
    }
  }
  EXPECT_FALSE(PathExists(kLock));
}

TEST_F(FreezeTest, WaitsForNobodyWhoIsFreezing) {
  const auto other = write::HoldFile(kLock);
  ASSERT_TRUE(other.has_value());
  for (const Ran& ran : {Freeze(), Thaw()}) {
    EXPECT_EQ(ran.status, 3);
    ExpectSays(ran, {"another kbgen is writing `model/freeze.lock`"});
  }
  EXPECT_FALSE(PathExists(kLock));
}

TEST_F(FreezeTest, AnswersToolsInJson) {
  const Ran frozen = KbgenHere(
      {"freeze", "echo", "--by", "x", "--why", "y", "--on", "2026-03-01", "--format", "json"});
  EXPECT_EQ(json::parse(frozen.out)["result"]["frozen"][0],
            (json{{"service", "echo"}, {"files", 7}, {"servers", 2}}));
  const Ran thawed =
      Kbgen({"thaw", "echo", "--by", "x", "--why", "y", "--on", "2026-03-01", "--format", "json"});
  EXPECT_EQ(json::parse(thawed.out)["result"]["thawed"], json::array({"echo"}));
  EXPECT_EQ(
      Kbgen({"thaw", "-m", "nowhere/t.yaml", "x", "--by", "x", "--why", "y", "--on", "2026-03-01"})
          .status,
      3);
}

}  // namespace
}  // namespace kb::cli
