// What a reviewer should not have to say: layers, sizes, names that belong elsewhere, and modules
// whose files and declarations fit each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "module/library.h"

namespace kb::test {
namespace {

using Names = std::vector<std::string>;

const std::string kRoot = KBGEN_SOURCE_DIR;
constexpr size_t kColumnsMax = 100;
constexpr size_t kLinesMax = 450;

struct SourceFile {
  std::string path;    // relative to generator/: "graph/resolve.cc"
  std::string folder;  // "graph"
  std::string bytes;
};

const std::vector<SourceFile>& Generator() {
  static const std::vector<SourceFile> files = [] {
    std::vector<SourceFile> found;
    for (const std::string& path : ListTree(kRoot + "/generator").value_or(Names{})) {
      const bool source = path.ends_with(".cc") || path.ends_with(".h") || path.ends_with(".def");
      if (!source) continue;
      found.push_back({path, path.substr(0, path.find('/')),
                       ReadFile(kRoot + "/generator/" + path).value_or("")});
    }
    return found;
  }();
  return files;
}

size_t WidthOf(std::string_view line) {
  return static_cast<size_t>(std::ranges::count_if(line, [](char c) {
    return (static_cast<uint8_t>(c) & 0xC0) != 0x80;  // one a character, not one a byte
  }));
}

// "graph: base diag" → graph may include base and diag.
std::map<std::string, std::set<std::string>, std::less<>> Layers() {
  std::map<std::string, std::set<std::string>, std::less<>> layers;
  const std::string text = ReadFile(kRoot + "/generator/LAYERS").value_or("");
  for (std::string_view line : Split(text, '\n')) {
    const size_t colon = line.find(':');
    if (line.starts_with('#') || colon == std::string_view::npos) continue;
    std::set<std::string>& may = layers[std::string(line.substr(0, colon))];
    for (std::string_view word : Split(line.substr(colon + 1), ' ')) {
      if (!word.empty()) may.emplace(word);
    }
  }
  return layers;
}

// What follows `#include` on each line that has it, brackets or quotes included.
std::vector<std::string_view> IncludesOf(std::string_view bytes) {
  std::vector<std::string_view> includes;
  for (std::string_view line : Split(bytes, '\n')) {
    if (line.starts_with("#include ")) includes.push_back(line.substr(9));
  }
  return includes;
}

// Code without comments: names in prose are welcome.
std::string WithoutComments(std::string_view bytes) {
  std::string code;
  for (std::string_view line : Split(bytes, '\n')) {
    const size_t comment = line.find("//");
    // A `//` inside of a text is not one, but cutting there hides at most the end of an address.
    code.append(line.substr(0, comment)).append("\n");
  }
  return code;
}

bool IsWordPart(char c) { return IsAlnum(c) || c == '_' || c == '-' || c == '/' || c == '.'; }

bool HoldsWord(std::string_view text, std::string_view word) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string_view::npos; ++at) {
    const bool begins = at == 0 || !IsWordPart(text[at - 1]);
    const size_t end = at + word.size();
    if (begins && (end == text.size() || !IsWordPart(text[end]))) return true;
  }
  return false;
}

TEST(Tidy, FoldersIncludeOnlyWhatLayersAllows) {
  const auto layers = Layers();
  for (const SourceFile& file : Generator()) {
    // Tools and probes of the build are no part of kbgen.
    if (file.folder == "embed" || file.folder == "cmake") continue;
    const auto may = layers.find(file.folder);
    ASSERT_NE(may, layers.end()) << file.folder << " is not in LAYERS";
    for (std::string_view include : IncludesOf(file.bytes)) {
      if (!include.starts_with('"')) continue;
      const std::string folder(include.substr(1, include.find('/') - 1));
      const bool allowed =
          folder == file.folder || may->second.contains(folder) || may->second.contains("*");
      EXPECT_TRUE(allowed) << file.path << " includes " << include;
    }
  }
}

TEST(Tidy, LibrariesStayBehindTheirDoors) {
  struct Door {
    std::string_view include;
    std::set<std::string_view> folders;
  };
  for (const Door& door : {Door{"<yaml-cpp/", {"syntax"}},
                           {"<CLI/", {"cli"}},
                           {"<spdlog/", {"cli"}},
                           {"<openssl/", {"base", "secrets"}}}) {
    for (const SourceFile& file : Generator()) {
      for (std::string_view include : IncludesOf(file.bytes)) {
        if (!include.starts_with(door.include)) continue;
        EXPECT_TRUE(door.folders.contains(file.folder)) << file.path << " includes " << include;
      }
    }
  }
}

TEST(Tidy, FilesAndLinesAreShort) {
  for (const SourceFile& file : Generator()) {
    const auto lines = Split(file.bytes, '\n');
    EXPECT_LE(lines.size(), kLinesMax + 1) << file.path << " should be split";
    if (file.path.ends_with(".def")) continue;  // tables are read across
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_LE(WidthOf(lines[i]), kColumnsMax) << file.path << ":" << i + 1;
    }
  }
}

TEST(Tidy, TextFilesEndWithOneNewlineAndHaveNoBlanksAtLineEnds) {
  for (const SourceFile& file : Generator()) {
    EXPECT_TRUE(file.bytes.ends_with('\n') && !file.bytes.ends_with("\n\n")) << file.path;
    for (std::string_view end : {" \n", "\t\n", "\r\n"}) {
      EXPECT_EQ(file.bytes.find(end), std::string::npos) << file.path;
    }
  }
}

class Modules : public testing::Test {
 protected:
  void SetUp() override {
    auto library = module::Library::Load({kRoot + "/templates"}, sources_, diags_);
    ASSERT_TRUE(library.has_value());
    library_ = std::move(*library);
    ASSERT_FALSE(library_.modules().empty());
  }

  // The bytes of every file below a folder of templates/.
  std::string TextBelow(std::string_view folder) const {
    std::string text;
    for (std::string_view path : library_.FilesBelow(folder)) {
      if (path.ends_with(".erb")) text += sources_.Text(library_.File(path));
    }
    return text;
  }

  Sources sources_;
  Diagnostics diags_;
  module::Library library_;
};

TEST_F(Modules, AreNamedInTheCompilerBehindHooksOnly) {
  for (const SourceFile& file : Generator()) {
    // Hooks are for one module each. Languages are called like the programs that read them.
    if (file.folder == "services" || file.folder == "lang") continue;
    const std::string code = WithoutComments(file.bytes);
    for (const module::Manifest& manifest : library_.modules()) {
      EXPECT_FALSE(HoldsWord(code, manifest.name.text))
          << file.path << " names " << manifest.name.text;
    }
  }
}

TEST_F(Modules, HaveAnExampleAndAReadme) {
  for (const module::Manifest& manifest : library_.modules()) {
    for (std::string_view name : {"example.yaml", "README.md"}) {
      EXPECT_TRUE(library_.File(JoinPath(manifest.folder, name)).known())
          << manifest.folder << "/" << name;
    }
  }
}

// What the tests read: a catalogue by its name, or by the program that it is of ("proxysql-").
std::string NativeValidators() {
  const std::string folder = std::string(KBGEN_SOURCE_DIR) + "/tests/native/validators";
  std::string text;
  for (const std::string& name : ListDirectory(folder).value_or(std::vector<std::string>{})) {
    if (name.ends_with(".py")) text += ReadFile(JoinPath(folder, name)).value_or("");
  }
  return text;
}

bool IsCatalogueOf(std::string_view name, std::string_view validators) {
  if (!name.starts_with("keys/") || !name.ends_with(".tsv")) return false;
  name.remove_prefix(5);
  if (validators.find(name) != std::string_view::npos) return true;
  const std::string family = fmt::format("\"{}-*", name.substr(0, name.find('-')));
  return validators.find(family) != std::string_view::npos;
}

TEST_F(Modules, UseEveryTemplateTheyHave) {
  const std::string validators = NativeValidators();
  for (const module::Manifest& manifest : library_.modules()) {
    std::set<std::string> named;
    for (const module::Output& output : manifest.outputs) {
      named.insert(JoinPath(manifest.folder, output.tmpl.text));
    }
    for (const module::Setting& setting : manifest.settings) {
      if (!setting.keys.empty()) named.insert(JoinPath(manifest.folder, setting.keys));
    }
    for (std::string_view path : library_.FilesBelow(manifest.folder + "/")) {
      const std::string_view name = path.substr(manifest.folder.size() + 1);
      const bool known = name == "module.yaml" || name == "README.md" ||
                         name.starts_with("example") || IsCatalogueOf(name, validators);
      EXPECT_TRUE(known || named.contains(std::string(path))) << path << " is used by nothing";
    }
  }
}

TEST_F(Modules, IncludeEveryPartialThatThereIs) {
  const std::string all = TextBelow("");
  for (std::string_view path : library_.FilesBelow("_lib/")) {
    if (!path.ends_with(".erb")) continue;
    const std::string_view inside = path.substr(std::string_view("_lib/").size());
    const size_t name = inside.rfind('/') + 1;
    const std::string_view partial = inside.substr(0, inside.find('.', name));
    EXPECT_TRUE(HoldsWord(all, partial)) << path << " is included by nothing";
  }
}

TEST_F(Modules, ReadEverySettingThatTheyDeclare) {
  std::string hooks;
  for (const SourceFile& file : Generator()) {
    if (file.folder == "services") hooks += file.bytes;
  }
  const std::string partials = TextBelow("_lib/");
  for (const module::Manifest& manifest : library_.modules()) {
    std::string text = TextBelow(manifest.folder + "/") + partials;
    for (const module::Output& output : manifest.outputs) text.append(output.when).append(" ");
    for (const module::Setting& setting : manifest.settings) {
      const std::string path = fmt::format("settings.{}", setting.name.text);
      const std::string word = fmt::format("\"{}\"", setting.name.text);
      const bool read =
          text.find(path) != std::string::npos || hooks.find(word) != std::string::npos;
      EXPECT_TRUE(read) << manifest.folder << ": nothing reads " << path;
    }
  }
}

TEST(Tidy, NoEstateIsKnownToTheCompiler) {
  Names texts;
  for (const std::string& path : ListTree(kRoot + "/templates").value_or(Names{})) {
    texts.push_back("templates/" + path);
  }
  for (const SourceFile& file : Generator()) texts.push_back("generator/" + file.path);
  for (const std::string& path : texts) {
    std::string text = ReadFile(kRoot + "/" + path).value_or("");
    for (char& c : text) c = IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    // Put together, so that this file does not hold them.
    for (const std::string& word : {std::string("key") + "buzz", std::string("10.0.") + "0."}) {
      EXPECT_EQ(text.find(word), std::string::npos) << path << " holds " << word;
    }
  }
}

}  // namespace
}  // namespace kb::test
