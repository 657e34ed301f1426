#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/app.h"

namespace kb::cli {
namespace {

using Commands = std::vector<CommandText>;

bool IsFile(const OptionText& option) { return option.value.starts_with("FILE"); }
bool IsFolder(const OptionText& option) { return option.value == "DIR"; }
bool IsChoice(const OptionText& option) { return option.value.find('|') != std::string::npos; }

// "text|json" as "text json".
std::string Choices(const OptionText& option) {
  std::string words = option.value;
  std::ranges::replace(words, '|', ' ');
  return words;
}

std::string Names(const Commands& commands) {
  std::string names;
  for (const CommandText& command : commands) names += (names.empty() ? "" : " ") + command.name;
  return names;
}

// The words of a command's flags and options.
std::string Words(const CommandText& command) {
  std::string words;
  for (const OptionText& option : command.options) {
    for (const std::string& word : option.words) words += (words.empty() ? "" : " ") + word;
  }
  return words;
}

std::string BashValue(const OptionText& option) {
  if (IsFolder(option)) return "COMPREPLY=($(compgen -d -- \"$cur\"))";
  if (IsFile(option)) return "COMPREPLY=($(compgen -f -- \"$cur\"))";
  if (IsChoice(option))
    return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$cur\"))", Choices(option));
  return "COMPREPLY=()";
}

std::string BashCommand(const CommandText& command) {
  std::string values;
  std::string argument;
  for (const OptionText& option : command.options) {
    if (option.words.empty() && argument.empty()) argument = BashValue(option);
    if (option.words.empty() || option.value.empty()) continue;
    values +=
        fmt::format("        {}) {}; return ;;\n", fmt::join(option.words, "|"), BashValue(option));
  }
  std::string out = fmt::format("    {})\n", command.name);
  if (!values.empty()) out += fmt::format("      case $prev in\n{}      esac\n", values);
  if (argument.empty())
    return out +
           fmt::format("      COMPREPLY=($(compgen -W '{}' -- \"$cur\")) ;;\n", Words(command));
  out += fmt::format("      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '{}' -- \"$cur\"))\n",
                     Words(command));
  return out + fmt::format("      else {}; fi ;;\n", argument);
}

std::string Bash(const Commands& commands) {
  std::string out = fmt::format(
      "# bash completion for kbgen. Made by `kbgen completion bash`.\n"
      "_kbgen() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W '{} --help --version' -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n",
      Names(commands));
  for (const CommandText& command : commands) out += BashCommand(command);
  return out + "  esac\n}\ncomplete -o filenames -F _kbgen kbgen\n";
}

// Within '…' of zsh, and not the brackets and colons of _arguments.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string ZshAction(const OptionText& option) {
  if (IsFolder(option)) return ":folder:_files -/";
  if (IsFile(option)) return ":file:_files";
  if (IsChoice(option)) return fmt::format(":word:({})", Choices(option));
  return option.value.empty() ? "" : fmt::format(":{}: ", ZshText(option.value));
}

std::string ZshCommand(const CommandText& command) {
  std::string out = fmt::format("    {})\n      _arguments", command.name);
  for (const OptionText& option : command.options) {
    for (const std::string& word : option.words) {
      out += fmt::format(" \\\n        '*{}[{}]{}'", word, ZshText(option.help), ZshAction(option));
    }
    if (option.words.empty()) out += fmt::format(" \\\n        '{}'", ZshAction(option));
  }
  return out + " ;;\n";
}

std::string Zsh(const Commands& commands) {
  std::string out =
      "#compdef kbgen\n# Made by `kbgen completion zsh`.\n_kbgen() {\n"
      "  if ((CURRENT == 2)); then\n    local -a commands=(\n";
  for (const CommandText& command : commands) {
    out += fmt::format("      '{}:{}'\n", command.name, ZshText(command.help));
  }
  out +=
      "    )\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n"
      "  shift words\n  ((CURRENT--))\n  case $command in\n";
  for (const CommandText& command : commands) out += ZshCommand(command);
  return out + "  esac\n}\ncompdef _kbgen kbgen\n";
}

std::string FishText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string FishOption(const CommandText& command, const OptionText& option) {
  std::string out =
      fmt::format("complete -c kbgen -n '__fish_seen_subcommand_from {}'", command.name);
  for (const std::string& word : option.words) {
    out += word.starts_with("--") ? " -l " + word.substr(2) : " -s " + word.substr(1);
  }
  const std::string_view argument = option.words.empty() ? "" : " -x";
  if (IsFolder(option)) {
    out += fmt::format("{} -a '(__fish_complete_directories)'", argument);
  } else if (IsFile(option)) {
    out += option.words.empty() ? " -F" : " -r -F";
  } else if (IsChoice(option)) {
    out += fmt::format("{} -a '{}'", argument, Choices(option));
  } else if (!option.value.empty()) {
    out += argument;
  }
  return out + fmt::format(" -d '{}'\n", FishText(option.help));
}

std::string Fish(const Commands& commands) {
  std::string out =
      "# fish completion for kbgen. Made by `kbgen completion fish`.\ncomplete -c kbgen -f\n";
  for (const CommandText& command : commands) {
    out += fmt::format("complete -c kbgen -n __fish_use_subcommand -a {} -d '{}'\n", command.name,
                       FishText(command.help));
    for (const OptionText& option : command.options) out += FishOption(command, option);
  }
  return out;
}

}  // namespace

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  const Commands commands = DescribeCommands(app);
  if (shell == "bash") return Bash(commands);
  if (shell == "zsh") return Zsh(commands);
  if (shell == "fish") return Fish(commands);
  return "";
}

}  // namespace kb::cli
