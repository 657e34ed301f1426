// App: the grammar of the command line. The only header that knows CLI11; help, completions and the
// manual page are all made from what it builds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/commands.h"

namespace kb::cli {

struct App {
  CLI::App parser;
  Options options;
  Status (*chosen)(const Options&) = nullptr;  // what the command line asks for
};

// Borrowed by the parser it holds, so it stays where it is.
std::unique_ptr<App> BuildApp();

// What a command or an option is called, what may follow it, and what it is for.
struct OptionText {
  std::string names;               // "-m, --model"
  std::vector<std::string> words;  // "-m", "--model"; none: an argument
  std::string value;               // "FILE", "text|json"; empty: a flag
  std::string help;
};
struct CommandText {
  std::string name;
  std::string help;
  std::string examples;             // lines, not indented
  std::vector<OptionText> options;  // arguments first
};
std::vector<CommandText> DescribeCommands(const CLI::App& app);

// Scripts for bash, zsh and fish; empty for another shell.
std::string CompletionScript(const CLI::App& app, const std::string& shell);

// The manual page, as man(7) has it.
std::string ManualPage(const CLI::App& app);

}  // namespace kb::cli
