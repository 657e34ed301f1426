#include "bundle/installers.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/core.h>

#include "bundle/operands.h"

namespace kb::bundle {
namespace {

void Apt(Words words, const Report& report) {
  const Operands operands(words, {"-o", "-t", "-c", "-a", "--option", "--target-release",
                                  "--config-file", "--host-architecture"});
  const std::string_view what = operands.text(0);
  if (In(what, {"upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade"})) {
    report(NeedKind::kSource, std::string(kUpgrades), operands[0]->at);
  }
  if (!In(what, {"install", "reinstall", "download", "source", "build-dep", "satisfy"})) return;
  for (const ShellWord* word : operands.from(1)) {
    if (!IsPath(word->text)) report(NeedKind::kPackage, word->text, word->at);
  }
}

void OtherPackages(std::string_view program, Words words, const Report& report) {
  const Operands operands(words, {"-c", "--repo", "--enablerepo", "-t", "--repository", "-X"});
  size_t begin = 1;
  if (program == "pacman") {
    const bool syncs = std::ranges::any_of(
        words, [](const ShellWord& word) { return word.text.starts_with("-S"); });
    if (!syncs) return;
    begin = 0;
  } else if (!In(operands.text(0), {"install", "add", "localinstall", "groupinstall", "in"})) {
    return;
  }
  for (const ShellWord* word : operands.from(begin)) {
    if (!IsPath(word->text)) report(NeedKind::kPackage, word->text, word->at);
  }
}

// ---------------------------------------------------------------- languages

struct Installer {
  std::string_view program;
  Names verbs;
};

const std::array<Installer, 26> kInstallers = {{
    {"pip", {"install", "download", "wheel"}},
    {"pipx", {"install", "run", "inject"}},
    {"uv", {"add", "sync"}},
    {"poetry", {"install", "add", "update"}},
    {"conda", {"install", "create", "update"}},
    {"mamba", {"install", "create", "update"}},
    {"easy_install", {}},
    {"npm", {"install", "i", "ci", "add", "update", "exec"}},
    {"pnpm", {"install", "i", "add", "update", "dlx"}},
    {"yarn", {"install", "add", "dlx"}},
    {"bun", {"install", "add", "x"}},
    {"npx", {}},
    {"go", {"get", "install", "mod"}},
    {"gem", {"install", "update", "fetch"}},
    {"bundle", {"install", "update"}},
    {"cargo", {"install", "add", "fetch", "update"}},
    {"composer", {"install", "require", "update", "create-project"}},
    {"luarocks", {"install", "download"}},
    {"cpan", {}},
    {"cpanm", {}},
    {"mix", {"deps.get", "local.hex"}},
    {"mvn", {}},
    {"ansible-galaxy", {"install", "collection", "role"}},
    {"terraform", {"init", "get"}},
    {"vagrant", {"box", "up"}},
    {"dotnet", {"add", "restore", "tool"}},
}};

void Install(std::string_view called, Names verbs, Words words, const Report& report) {
  const auto local = [](const ShellWord& word) {
    return word.text == "--no-index" || word.text == "--offline" || word.text == "--local";
  };
  if (words.empty() || std::ranges::any_of(words, local)) return;
  const Operands operands(words, {"-i", "--index-url", "--extra-index-url", "-t", "--target",
                                  "--prefix", "-c", "--constraint", "-f", "--find-links", "-C"});
  size_t begin = 0;
  if (verbs.size() > 0) {
    if (!In(operands.text(0), verbs)) return;
    begin = 1;
  }
  bool named = false;
  for (const ShellWord* word : operands.from(begin)) {
    named = true;
    if (!IsPath(word->text)) {
      report(NeedKind::kLibrary, fmt::format("{}: {}", called, word->text), word->at);
    }
  }
  // What a file of the project lists.
  if (!named) report(NeedKind::kLibrary, fmt::format("{}: its list", called), words[0].at);
}

bool IsPip(std::string_view program) {
  return program.starts_with("pip") && program.find_first_not_of("0123456789.", 3) == program.npos;
}

// `python3 -m pip install x`: the words behind `pip`.
Words BehindModule(Words words) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i].text == "-m" && IsPip(words[i + 1].text)) return words.subspan(i + 2);
  }
  return {};
}

}  // namespace

bool AuditInstaller(std::string_view program, Words words, const Report& report) {
  if (In(program, {"apt-get", "apt", "aptitude"})) return Apt(words, report), true;
  if (In(program, {"dnf", "yum", "zypper", "apk", "microdnf", "pacman", "tdnf"})) {
    return OtherPackages(program, words, report), true;
  }
  if (In(program, {"add-apt-repository", "apt-add-repository"})) {
    const Operands operands(words, {});
    if (operands.size() > 0)
      report(NeedKind::kSource, std::string(operands.text(0)), operands[0]->at);
    return true;
  }
  if (In(program, {"snap", "flatpak", "brew"})) {
    const Operands operands(words, {});
    const bool gets = In(operands.text(0), {"install", "refresh", "download", "update"});
    if (gets && operands.size() > 1) {
      report(NeedKind::kDownload, fmt::format("{}: {}", program, operands.text(1)),
             operands[1]->at);
    }
    return gets;
  }
  if (IsPip(program)) return Install("pip", {"install", "download", "wheel"}, words, report), true;
  if (program.starts_with("python")) {
    const Words behind = BehindModule(words);
    Install("pip", {"install", "download", "wheel"}, behind, report);
    return !behind.empty();
  }
  if (program == "uv" && !words.empty() && words[0].text == "pip") {
    return Install("pip", {"install", "sync"}, words.subspan(1), report), true;
  }
  for (const Installer& installer : kInstallers) {
    if (installer.program == program) return Install(program, installer.verbs, words, report), true;
  }
  return false;
}

}  // namespace kb::bundle
