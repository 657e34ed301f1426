#include "bundle/commands.h"

#include <algorithm>
#include <span>

#include <fmt/core.h>

#include "base/strings.h"
#include "bundle/installers.h"
#include "bundle/operands.h"
#include "bundle/reference.h"

namespace kb::bundle {
namespace {

void ReportImage(const ShellWord& word, const Report& report) {
  if (IsImage(word.text, true) || IsUnknown(word.text)) {
    report(NeedKind::kImage, word.text, word.at);
  }
}

// ---------------------------------------------------------------- containers

// Docker's own grammar: a long or short option takes a value unless it is one of these.
bool IsSwitch(std::string_view option) {
  return option.find('=') != std::string_view::npos || In(option, {"--rm",
                                                                   "--detach",
                                                                   "-d",
                                                                   "--interactive",
                                                                   "-i",
                                                                   "--tty",
                                                                   "-t",
                                                                   "-it",
                                                                   "-ti",
                                                                   "-dit",
                                                                   "-itd",
                                                                   "-di",
                                                                   "--init",
                                                                   "--privileged",
                                                                   "--read-only",
                                                                   "--publish-all",
                                                                   "-P",
                                                                   "--no-healthcheck",
                                                                   "--oom-kill-disable",
                                                                   "--sig-proxy",
                                                                   "--quiet",
                                                                   "-q",
                                                                   "--disable-content-trust",
                                                                   "--replace",
                                                                   "--use-api-socket"});
}

void RunContainer(Words words, const Report& report) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& text = words[i].text;
    if (words[i].redirect || text.empty()) continue;
    // Several words that are not known here, all options by the habit of those who write arrays.
    if (text.starts_with("${") && text.ends_with("[@]}")) continue;
    if (!IsOption(text)) return ReportImage(words[i], report);
    if (!IsSwitch(text)) ++i;
  }
}

void Container(std::string_view program, Words words, const Report& report) {
  const Operands operands(words, {"-H", "--host", "--context", "-c", "-n", "--namespace", "-a",
                                  "--address", "--log-level", "-l", "--config", "--platform",
                                  "--auth", "--creds", "-f", "--file", "-p", "--project-name"});
  size_t at = 0;
  const auto group = [](std::string_view word) {
    return In(word, {"image", "images", "container", "plugin", "compose", "stack", "i"});
  };
  const std::string_view first = operands.text(0);
  if (group(first)) at = 1;
  const std::string_view verb = operands.text(at);
  if (verb.empty()) return;
  if (first == "compose" && In(verb, {"pull", "up", "build", "run", "create"})) return;  // its file
  if (In(verb, {"pull", "copy", "export", "manifest"}) ||
      (first == "plugin" && verb == "install")) {
    for (const ShellWord* word : operands.from(at + 1)) {
      if (word->text.find("://") == std::string::npos) return ReportImage(*word, report);
    }
  }
  if (verb == "login") {
    const std::string registry(operands.text(at + 1));
    report(NeedKind::kDownload, "registry " + (registry.empty() ? std::string(program) : registry),
           operands[at]->at);
  }
  if (In(verb, {"run", "create"}) || (program == "buildah" && verb == "from")) {
    const auto* begin = operands[at];
    const auto offset = static_cast<size_t>(begin - words.data());
    RunContainer(words.subspan(offset + 1), report);
  }
}

// ---------------------------------------------------------------- the network

void Git(Words words, const Report& report) {
  const Operands operands(words, {"-C", "-c", "--git-dir", "--work-tree", "-b", "--branch",
                                  "--depth", "-o", "--origin", "--remote"});
  const std::string_view verb = operands.text(0);
  if (verb == "submodule") {
    return report(NeedKind::kCheckout, "submodules", operands[0]->at);
  }
  if (!In(verb, {"clone", "fetch", "pull", "ls-remote"})) return;
  const ShellWord* from = operands[1];
  if (from == nullptr) return report(NeedKind::kCheckout, "the remote", operands[0]->at);
  if (!IsPath(from->text)) report(NeedKind::kCheckout, from->text, from->at);
}

void OtherCheckout(std::string_view program, Words words, const Report& report) {
  const Operands operands(words, {"-r", "-b"});
  if (!In(operands.text(0), {"checkout", "co", "export", "clone", "branch", "update"})) return;
  const ShellWord* from = operands[1];
  if (from != nullptr && IsPath(from->text)) return;
  report(NeedKind::kCheckout, from != nullptr ? from->text : std::string(program), operands[0]->at);
}

// Of programs that talk to a host: every word that names one outside, without a scheme too.
void Fetch(Words words, const Inside& inside, const Report& report) {
  for (const ShellWord& word : words) {
    const std::string& text = word.text;
    // URLs are found wherever they stand; here are those without a scheme.
    if (text.find("://") != std::string::npos || IsPath(text) || IsOption(text)) continue;
    if (text.find_first_of(" \t\n") != std::string::npos || IsUnknown(text)) continue;
    const std::string_view host = HostOf(text);
    const bool names = IsPublicName(host, 2) || IsIpv4(host);
    if (names && IsOutside(host, inside)) report(NeedKind::kDownload, text, word.at);
  }
}

void Keys(Words words, const Inside& inside, const Report& report) {
  const bool receives = std::ranges::any_of(words, [](const ShellWord& word) {
    return In(word.text, {"--recv-keys", "--recv-key", "--receive-keys", "--refresh-keys",
                          "--keyserver", "--search-keys", "--locate-keys", "--auto-key-locate"});
  });
  if (receives) report(NeedKind::kDownload, "keys of a key server", words[0].at);
  Fetch(words, inside, report);
}

void Helm(Words words, const Report& report) {
  const Operands operands(words, {"-n", "--namespace", "-f", "--values", "--set", "--version",
                                  "--kube-context", "--repo", "--set-string"});
  const std::string_view verb = operands.text(0);
  const bool fetches = In(verb, {"install", "upgrade", "pull", "template", "fetch", "show"});
  const size_t at = In(verb, {"pull", "fetch", "show"}) ? 1 : 2;
  const ShellWord* chart = operands[at];
  if (fetches && chart != nullptr && !IsPath(chart->text)) {
    report(NeedKind::kDownload, "chart " + chart->text, chart->at);
  }
  if (verb == "repo" && In(operands.text(1), {"add", "update"})) {
    report(NeedKind::kDownload, "chart repository " + std::string(operands.text(2)),
           operands[0]->at);
  }
}

// ---------------------------------------------------------------- a command

// Words that stand before a program and change nothing about what it is.
bool IsPrefix(std::string_view word) {
  return In(word, {"if",      "then",        "else",   "elif",    "do",      "while", "until",
                   "!",       "{",           "sudo",   "exec",    "command", "time",  "nice",
                   "ionice",  "nohup",       "env",    "timeout", "xargs",   "set",   "eval",
                   "attempt", "systemd-run", "chroot", "unshare"});
}

bool Handle(std::string_view program, Words words, const Inside& inside, const Report& report) {
  if (AuditInstaller(program, words, report)) return true;
  if (In(program, {"docker", "podman", "nerdctl", "buildah", "ctr", "crictl", "crane", "skopeo",
                   "oras", "regctl"})) {
    return Container(program, words, report), true;
  }
  if (program == "git") return Git(words, report), true;
  if (In(program, {"svn", "hg", "bzr", "cvs"})) return OtherCheckout(program, words, report), true;
  if (In(program, {"gpg", "gpg2", "apt-key"})) return Keys(words, inside, report), true;
  if (program == "helm") return Helm(words, report), true;
  if (In(program, {"curl", "wget", "aria2c", "axel", "lynx", "w3m", "ftp", "lftp", "sftp", "scp",
                   "rsync", "nc", "ncat", "telnet", "ssh", "fetch", "rclone"})) {
    return Fetch(words, inside, report), true;
  }
  return false;
}

bool IsProvider(std::string_view program) {
  return In(program, {"aws", "gcloud", "gsutil", "az", "hcloud", "doctl", "openstack", "linode-cli",
                      "scw", "oci", "exo", "ibmcloud"});
}

// `--image=x`, `--image x`.
void ImageOptions(Words words, const Report& report) {
  constexpr std::string_view kOption = "--image";
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& text = words[i].text;
    if (text.starts_with("--image=")) {
      const ShellWord value{.text = text.substr(kOption.size() + 1), .at = words[i].at};
      if (IsImage(value.text, false)) report(NeedKind::kImage, value.text, value.at);
    } else if (text == kOption && i + 1 < words.size() && IsImage(words[i + 1].text, false)) {
      report(NeedKind::kImage, words[i + 1].text, words[i + 1].at);
    }
  }
}

void AuditCommand(const std::vector<ShellWord>& words, const Inside& inside, const Report& report);

// A word that is a script for somebody else: `sh -c '…'`, `remote host '…'`, a trap.
void AuditText(const ShellWord& word, const Inside& inside, const Report& report) {
  const bool script = word.quoted && word.text.find_first_of(" \t\n") != std::string::npos;
  if (!script) return;
  const ShellScript inner(word.text, 0);
  for (const ShellCommand& command : inner.commands()) {
    size_t first = 0;
    while (first < command.words.size() && IsPrefix(command.words[first].text)) ++first;
    if (first >= command.words.size()) continue;
    const std::string_view program = ProgramOf(command.words[first].text);
    std::vector<ShellWord> rest;
    for (size_t i = first + 1; i < command.words.size(); ++i) {
      for (ShellWord& one : inner.Expand(command.words[i])) rest.push_back(std::move(one));
    }
    const auto here = [&](NeedKind kind, std::string what, uint32_t) {
      // A sentence that begins like a command ("docker pull of x failed") names nothing whole.
      const bool sure = kind != NeedKind::kImage || IsImage(what, false);
      if (sure) report(kind, std::move(what), word.at);
    };
    Handle(program, rest, inside, here);
  }
}

void AuditCommand(const std::vector<ShellWord>& words, const Inside& inside, const Report& report) {
  bool leading = true;
  bool handled = false;
  for (size_t i = 0; i < words.size() && !handled; ++i) {
    if (words[i].text.find_first_of(" \t\n") != std::string::npos) {
      leading = false;
      continue;
    }
    const std::string_view program = ProgramOf(words[i].text);
    const Words rest = Words(words).subspan(i + 1);
    if (leading && IsProvider(program)) {
      report(NeedKind::kProvider, std::string(program), words[i].at);
      handled = true;
    } else if (!words[i].redirect) {
      handled = Handle(program, rest, inside, report);
    }
    if (!IsPrefix(program) && !IsOption(program)) leading = false;
  }
  ImageOptions(words, report);
  for (const ShellWord& word : words) {
    AuditText(word, inside, report);
    if (!word.text.starts_with("/dev/tcp/") && !word.text.starts_with("/dev/udp/")) continue;
    const std::string_view host = Split(word.text, '/')[3];
    if (IsOutside(host, inside)) report(NeedKind::kDownload, std::string(host), word.at);
  }
}

}  // namespace

void AuditScript(const ShellScript& script, const Inside& inside, const Report& report) {
  for (const ShellCommand& command : script.commands()) {
    for (const auto& words : script.Variants(command)) AuditCommand(words, inside, report);
  }
  for (const auto& [name, values] : script.values()) {
    std::string lower = name;
    for (char& c : lower) c = IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    const bool image = lower == "image" || lower.ends_with("_image");
    for (const ShellWord& value : values) {
      if (image && IsImage(value.text, false)) report(NeedKind::kImage, value.text, value.at);
      AuditText(value, inside, report);
    }
  }
}

}  // namespace kb::bundle
