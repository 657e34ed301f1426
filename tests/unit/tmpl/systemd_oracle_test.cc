#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "unit/tmpl/oracle.h"

// Reads units and environment files with systemd itself: a manager in namespaces of its own starts
// them, and programs that they run write down what they were given.
namespace kb::tmpl::test {
namespace {

std::string NoSystemd() {
  if (access("/lib/systemd/systemd", X_OK) != 0) return "systemd is not installed";
  if (geteuid() != 0) return "a systemd of its own needs root";
  if (kb::test::Run({"unshare", "-mpf", "--mount-proc", "true"}).status != 0) {
    return "namespaces are not allowed here";
  }
  return {};
}

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Starts units/v.service, if it is there, and runs `after` when it is done; @ stands for the
// directory.
void RunUnits(const kb::test::TempDir& dir, std::string_view after) {
  dir.Write("units/kb.target",
            "[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\nWants=v.service kb-done.service\n");
  dir.Write("units/kb-done.service",
            "[Unit]\nDefaultDependencies=no\nAfter=v.service\n[Service]\nType=oneshot\n"
            "ExecStart=/usr/bin/touch " +
                dir.path() + "/done\n");
  std::string script = R"(
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user || exit 1
export PATH=/usr/bin:/bin XDG_RUNTIME_DIR=/run/user SYSTEMD_UNIT_PATH=@/units
/lib/systemd/systemd --user --unit=kb.target </dev/null >@/log 2>&1 &
for i in $(seq 300); do [ -e @/done ] && break; sleep 0.1; done
)";
  script += after;
  for (size_t at; (at = script.find('@')) != std::string::npos;) script.replace(at, 1, dir.path());
  const kb::test::Ran ran = kb::test::Run(
      {"unshare", "-mpf", "--mount-proc", "--kill-child", "env", "-i", "bash", "-c", script});
  EXPECT_TRUE(std::filesystem::exists(dir.path() + "/done"))
      << ran.err << Slurp(dir.path() + "/log");
}

// The second argument of each command between the words `begin` and `end`.
Reading ReadCommands(const std::vector<std::string>& lines) {
  const kb::test::TempDir dir;
  std::filesystem::create_directory(dir.path() + "/units");
  std::string unit =
      "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nStandardOutput=append:" +
      dir.path() + "/out\n";
  for (const std::string& line : lines) unit += line;
  dir.Write("units/v.service", unit);
  RunUnits(dir, "");

  Reading reading(lines.size());
  std::vector<std::string> words;
  size_t next = 0;
  for (std::string& word : kb::test::SplitNul(Slurp(dir.path() + "/out"))) {
    if (word == "begin") words.clear();
    words.push_back(std::move(word));
    if (words.back() != "end" || next == reading.size()) continue;
    if (words.size() == 3) reading[next] = words[1];
    ++next;
  }
  return reading;
}

// `V=` of the i-th text is renamed, so that one process can have them all.
std::string Numbered(const std::string& text, size_t number) {
  std::string numbered = text;
  numbered.replace(numbered.find("V="), 1, "V" + std::to_string(number));
  return numbered;
}

Reading ReadVariables(const kb::test::TempDir& dir, size_t count) {
  dir.Write("units/v.service", Slurp(dir.path() + "/units/v.service") + "StandardOutput=append:" +
                                   dir.path() + "/out\nExecStart=/usr/bin/env -0\n");
  RunUnits(dir, "");
  Reading reading(count);
  for (const std::string& entry : kb::test::SplitNul(Slurp(dir.path() + "/out"))) {
    const size_t equals = entry.find('=');
    if (!entry.starts_with('V') || equals == std::string::npos || equals < 2) continue;
    const std::string digits = entry.substr(1, equals - 1);
    if (digits.find_first_not_of("0123456789") != std::string::npos) continue;
    const size_t number = std::stoul(digits);
    if (number < count) reading[number] = entry.substr(equals + 1);
  }
  return reading;
}

Reading ReadEnvironment(const std::vector<std::string>& lines) {
  const kb::test::TempDir dir;
  std::filesystem::create_directory(dir.path() + "/units");
  std::string unit = "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n";
  for (size_t i = 0; i < lines.size(); ++i) unit += Numbered(lines[i], i);
  dir.Write("units/v.service", unit);
  return ReadVariables(dir, lines.size());
}

Reading ReadEnvironmentFile(const std::vector<std::string>& lines) {
  const kb::test::TempDir dir;
  std::filesystem::create_directory(dir.path() + "/units");
  std::string file;
  for (size_t i = 0; i < lines.size(); ++i) file += Numbered(lines[i], i);
  dir.Write("v.env", file);
  dir.Write("units/v.service",
            "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nEnvironmentFile=" +
                dir.path() + "/v.env\n");
  return ReadVariables(dir, lines.size());
}

// The property `Description` of each unit.
Reading ReadDescriptions(const std::vector<std::string>& units) {
  const kb::test::TempDir dir;
  std::filesystem::create_directory(dir.path() + "/units");
  for (size_t i = 0; i < units.size(); ++i) {
    dir.Write("units/v" + std::to_string(i) + ".service", units[i]);
  }
  RunUnits(dir,
           "cd @/units && systemctl --user show -p Id -p Description v?*.service >@/out 2>&1\n");
  Reading reading(units.size());
  std::ifstream out(dir.path() + "/out", std::ios::binary);
  std::string id;
  for (std::string line; std::getline(out, line);) {
    if (line.starts_with("Id=v")) id = line.substr(4);
    if (line.starts_with("Description=") && !id.empty()) reading[std::stoul(id)] = line.substr(12);
  }
  return reading;
}

// No process can be given a string of 128 KiB.
std::vector<std::string> ShortValues() {
  std::vector<std::string> kept;
  std::ranges::copy_if(kb::test::HostileValues(), std::back_inserter(kept),
                       [](const std::string& value) { return value.size() < 64 * 1024; });
  return kept;
}

TEST(SystemdOracle, GivesEachArgumentBack) {
  if (const std::string why = NoSystemd(); !why.empty()) GTEST_SKIP() << why;
  const Place places[] = {
      {"ExecStart=-/usr/bin/printf %%s\\\\0 begin <%= v %> end\n", "", "", "a'b\"c $HOME %h\n",
       "%h"},
      {"ExecStart=-/usr/bin/printf %%s\\\\0 begin \"x <%= v %>\" end\n", "x ", "", "a\nb",
       "${HOME}"},
      {"ExecStart=-/usr/bin/printf %%s\\\\0 begin '<%= v %>' \\\n  end\n", "", "", "it's", "'"},
      {"ExecStart=-/usr/bin/printf %%s\\\\0 begin --opt=<%= v %> end\n", "--opt=", "", "-a b",
       "a b"},
  };
  for (const Place& place : places) ExpectReadBack("systemd", place, ShortValues(), ReadCommands);
}

TEST(SystemdOracle, GivesEachVariableBack) {
  if (const std::string why = NoSystemd(); !why.empty()) GTEST_SKIP() << why;
  const Place places[] = {
      {"Environment=V=<%= v %>\n", "", "", "a'b\"c $HOME %h", "a b"},
      {"Environment=A=1 \"V=<%= v %>\" B=2\n", "", "", "a'b\"c $HOME %h", "\""},
      {"Environment=V='x <%= v %> y'\n", "x ", " y", "it's", "%h"},
  };
  for (const Place& place : places)
    ExpectReadBack("systemd", place, ShortValues(), ReadEnvironment);
}

TEST(SystemdOracle, GivesEachDescriptionBack) {
  if (const std::string why = NoSystemd(); !why.empty()) GTEST_SKIP() << why;
  constexpr std::string_view kRest =
      "\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/true\n";
  const std::string whole = "[Unit]\nDescription=<%= v %>" + std::string(kRest);
  const std::string part = "[Unit]\n# <%= v %>\nDescription=Redis (<%= v %>)" + std::string(kRest);
  ExpectReadBack("systemd", {whole, "", "", "it's 100%, \"so\" $X", "%h"}, ShortValues(),
                 ReadDescriptions);
  ExpectReadBack("systemd", {part, "Redis (", ")", "it's 100%, \"so\" $X", ""}, ShortValues(),
                 ReadDescriptions);
}

TEST(SystemdOracle, GivesEachValueOfAnEnvironmentFileBack) {
  if (const std::string why = NoSystemd(); !why.empty()) GTEST_SKIP() << why;
  const Place places[] = {
      {"# <%= v %>\nV=<%= v %>\n", "", "", "a'b\"c $HOME\nd", ""},
      {"V=<%= v %>\n", "", "", "a'b\"c $HOME\nd", "a\\b"},
      {"V=\"x <%= v %>\"\n", "x ", "", "a'b\"c $HOME\nd", "\""},
      {"V='<%= v %>'\n", "", "", "a b $HOME", "'"},
  };
  for (const Place& place : places) {
    ExpectReadBack("env", place, ShortValues(), ReadEnvironmentFile);
  }
}

// What systemd reads, a shell that sources the file reads alike.
TEST(SystemdOracle, WritesEnvironmentFilesThatAShellReadsAlike) {
  const Reader bash = [](const std::vector<std::string>& files) {
    std::string script;
    for (const std::string& file : files) script += file + "printf '=%s\\0' \"$V\"\n";
    Reading reading;
    for (const std::string& v : kb::test::SplitNul(kb::test::Run({"bash"}, script).out)) {
      reading.emplace_back(v.substr(1));
    }
    reading.resize(files.size());
    return reading;
  };
  ExpectReadBack("env", {"V=<%= v %>\n", "", "", "a'b\"c $HOME\nd", "$HOME"}, ShortValues(), bash);
}

TEST(SystemdOracle, RefusesHolesThatCouldChangeTheStructure) {
  for (const std::string_view text :
       {"[<%= v %>]\n", "<%= v %>=x\n", "[Service]\nExecStart=<%= v %> x\n",
        "[Service]\nExecStart=/bin/x \\<%= v %>\n", "[Service]\nExecStart=/bin/x $<%= v %>\n",
        "[Service]\nExecStart=/bin/x ${<%= v %>}\n", "[Service]\nExecStart=/bin/x %<%= v %>\n",
        "[Service]\nEnvironment=<%= v %>=1\n", "[Service]\nEnvironment=\"A=<%= v %>\n"}) {
    EXPECT_FALSE(Hole("systemd", text).ok()) << text;
  }
  for (const std::string_view text : {"<%= v %>=1\n", "A=x<%= v %>\n", "A=<%= v %><%= v %>\n"}) {
    EXPECT_FALSE(Hole("env", text).ok()) << text;
  }
}

// A setting whose grammar is not known gets words that every grammar reads alike.
TEST(SystemdOracle, WritesOnlyPlainWordsIntoOtherSettings) {
  const Hole hole("systemd", "[Unit]\nAfter=x.service <%= v %>\n");
  EXPECT_EQ(hole.Fill("a.service"), "[Unit]\nAfter=x.service a.service\n");
  for (const std::string_view value : {"a b", "", "%h", "a\"", "-x", "a\\", "~x", "$x"}) {
    EXPECT_FALSE(hole.Fill(value).has_value()) << value;
  }
}

}  // namespace
}  // namespace kb::tmpl::test
