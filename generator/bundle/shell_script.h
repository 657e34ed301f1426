// ShellScript: the commands of a shell script and what its variables are given, as far as can be
// told without running it. Made for finding things: a script that bash refuses is read as well.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kb::bundle {

struct ShellWord {
  std::string text;       // without quotes; expansions as they were written
  uint32_t at = 0;        // in the file
  bool literal = false;   // in single quotes as a whole: `$` means nothing
  bool quoted = false;    // some of it
  bool redirect = false;  // follows < or >
};

struct ShellCommand {
  std::vector<ShellWord> words;  // at least one; assignments in front are left out
  std::string function;          // that it is in; empty: none
};

class ShellScript {
 public:
  // `at`: where the text begins in its file.
  ShellScript(std::string_view text, uint32_t at);

  const std::vector<ShellCommand>& commands() const { return commands_; }
  // A variable of the surroundings; what the script itself says is added.
  void Set(const std::string& name, std::string value) {
    values_[name].push_back({.text = std::move(value)});
  }
  // What a variable is given anywhere: by assignments, as an array, as the variable of a loop.
  const std::map<std::string, std::vector<ShellWord>, std::less<>>& values() const {
    return values_;
  }
  const std::vector<std::pair<uint32_t, uint32_t>>& comments() const { return comments_; }

  // The command with its words expanded, once for each way in which it is called: in a function,
  // `$@` and `$1` are what its callers in this script give.
  std::vector<std::vector<ShellWord>> Variants(const ShellCommand& command) const {
    size_t left = 40;  // functions that call each other would have no end
    return Variants(command, left);
  }

  // The words that a word becomes: variables whose values are known are replaced by all of them.
  std::vector<ShellWord> Expand(const ShellWord& word) const { return Expand(word, 0); }

 private:
  struct Heredoc {
    std::string end;
    bool indented = false;
  };

  char Peek(size_t ahead = 0) const {
    return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0';
  }
  bool AtEnd() const { return pos_ >= text_.size(); }
  uint32_t Offset(size_t pos) const { return at_ + static_cast<uint32_t>(pos); }

  void ReadCommands(char closing);
  void ReadRedirect(ShellCommand& command, bool& redirect);
  ShellWord ReadWord();
  void ReadQuoted(std::string& out);
  void ReadDollar(std::string& out);
  void ReadArray(const std::string& name);
  void ReadHeredocs();
  void Keep(ShellCommand& command);
  bool TakeAssignment(const ShellCommand& command, const ShellWord& word);
  std::vector<ShellWord> Expand(const ShellWord& word, int depth) const;
  std::vector<std::vector<ShellWord>> Variants(const ShellCommand& command, size_t& left) const;
  size_t ShiftsOf(std::string_view function) const;
  bool BeginsFunction(const ShellCommand& command) const;

  std::string_view text_;
  uint32_t at_;
  size_t pos_ = 0;
  std::vector<ShellCommand> commands_;
  std::map<std::string, std::vector<ShellWord>, std::less<>> values_;
  std::vector<std::pair<uint32_t, uint32_t>> comments_;
  std::vector<Heredoc> heredocs_;
  std::string function_;
  int braces_ = 0;  // that are open in the function
  bool backquoted_ = false;
  bool array_ = false;  // the word that was read last was an array's
};

// "/usr/bin/curl" → "curl".
std::string_view ProgramOf(std::string_view word);

}  // namespace kb::bundle
