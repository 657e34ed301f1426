#include <fmt/core.h>

#include "cli/app.h"
#include "cli/version.h"

namespace kb::cli {
namespace {

// What roff would take for its own. A dot or a quote counts only at a line's start.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
      out += c;
    }
  }
  return out;
}

std::string OptionsText(const CommandText& command) {
  std::string out;
  for (const OptionText& option : command.options) {
    const std::string value = option.value.empty() || option.words.empty()
                                  ? ""
                                  : fmt::format(" \\fI{}\\fR", Escaped(option.value));
    out +=
        fmt::format(".TP\n\\fB{}\\fR{}\n{}.\n", Escaped(option.names), value, Escaped(option.help));
  }
  return out;
}

std::string SynopsisOf(const CommandText& command) {
  std::string out = fmt::format("\\fBkbgen {}\\fR [\\fIoptions\\fR]", command.name);
  for (const OptionText& option : command.options) {
    if (option.words.empty()) out += fmt::format(" \\fI{}\\fR", Escaped(option.names));
  }
  return out;
}

}  // namespace

std::string ManualPage(const CLI::App& app) {
  std::string out = fmt::format(
      ".TH KBGEN 1 \"\" \"kbgen {}\" \"User Commands\"\n"
      ".SH NAME\nkbgen \\- compile a topology model into reviewable infrastructure artifacts\n"
      ".SH SYNOPSIS\n.B kbgen\n\\fIcommand\\fR [\\fIoptions\\fR]\n"
      ".SH DESCRIPTION\n"
      "Reads one small model of an infrastructure and writes a tree of scripts, units, "
      "configuration "
      "files and documents that people review as code. The same input gives the same bytes on "
      "every "
      "machine.\n"
      ".PP\nResults go to standard output, progress and diagnostics to standard error; diagnostics "
      "in a format for tools are results.\n"
      ".SH COMMANDS\n",
      kVersion);
  for (const CommandText& command : DescribeCommands(app)) {
    out += fmt::format(".SS {}\n{}\n.PP\n{}.\n", command.name, SynopsisOf(command),
                       Escaped(command.help));
    out += OptionsText(command);
    out += fmt::format(".PP\n.nf\n{}.fi\n", Escaped(command.examples));
  }
  out +=
      ".SH EXIT STATUS\n"
      ".TP\n0\nDone.\n"
      ".TP\n1\nFindings: errors in the model, differences, failed validations.\n"
      ".TP\n2\nThe command line cannot be understood.\n"
      ".TP\n3\nThe environment failed: a file, a process, the system.\n"
      ".SH ENVIRONMENT\n"
      ".TP\nNO_COLOR\nWhen set and not empty, \\fB\\-\\-color auto\\fR means never.\n"
      ".SH FILES\n"
      ".TP\nmodel/topology.yaml\nThe topology, unless \\fB\\-\\-model\\fR names another.\n"
      ".TP\nmodel/freeze.lock\nServices that are finished; beside the topology.\n"
      ".TP\nout\nThe output tree, unless \\fB\\-\\-out\\fR names another.\n"
      ".TP\nout/MANIFEST.json\nEvery file of the tree with its digest.\n";
  return out;
}

}  // namespace kb::cli
