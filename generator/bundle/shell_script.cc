#include "bundle/shell_script.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace kb::bundle {
namespace {

constexpr int kDepthMax = 6;
constexpr size_t kWordsMax = 2000;
constexpr size_t kVariantsMax = 100;

bool IsNamePart(char c) { return IsAlnum(c) || c == '_'; }

// How many characters of `text` are `NAME=` or `NAME+=`; 0: it begins otherwise.
size_t AssignmentLength(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && IsNamePart(text[i])) ++i;
  if (i == 0 || IsDigit(text[0])) return 0;
  if (i < text.size() && text[i] == '+') ++i;
  return i < text.size() && text[i] == '=' ? i + 1 : 0;
}

std::string NameOfAssignment(std::string_view text, size_t length) {
  std::string name(text.substr(0, length - 1));
  if (name.ends_with('+')) name.pop_back();
  return name;
}

// `$x`, `${x}`, `${x[@]}`, `${x[*]}` as a whole: x. Else nothing.
std::string_view WholeVariable(std::string_view text) {
  if (text.size() < 2 || text[0] != '$') return {};
  std::string_view name = text.substr(1);
  if (name.starts_with('{') && name.ends_with('}')) {
    name = name.substr(1, name.size() - 2);
    if (name.ends_with("[@]") || name.ends_with("[*]")) name.remove_suffix(3);
  }
  const bool good = !name.empty() && !IsDigit(name[0]) && std::ranges::all_of(name, IsNamePart);
  return good ? name : std::string_view();
}

// Words behind which an assignment is still one.
bool LeavesPlace(const ShellWord& word) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "local", "export", "readonly", "declare", "typeset", "{", "if",   "then",
      "else",  "elif",   "do",       "while",   "until",   "!", "time", "(("};
  return std::ranges::find(kWords, word.text) != kWords.end() || word.text.starts_with('-');
}

// `$@`, `$*`, `$1`
bool IsPositional(std::string_view text) {
  return text == "$@" || text == "$*" || (text.size() == 2 && text[0] == '$' && IsDigit(text[1]));
}

// `words` with what a caller gives.
std::vector<ShellWord> Filled(const std::vector<ShellWord>& words,
                              const std::vector<ShellWord>& given, size_t shifts) {
  std::vector<ShellWord> filled;
  for (const ShellWord& word : words) {
    if (word.literal || !IsPositional(word.text)) {
      filled.push_back(word);
    } else if (IsDigit(word.text[1])) {
      const auto index = static_cast<size_t>(word.text[1] - '1');
      filled.push_back(index < given.size() ? given[index] : word);
    } else {
      if (filled.size() + given.size() > kWordsMax) continue;
      const auto rest = static_cast<std::ptrdiff_t>(std::min(shifts, given.size()));
      filled.insert(filled.end(), given.begin() + rest, given.end());
    }
  }
  return filled;
}

}  // namespace

std::string_view ProgramOf(std::string_view word) {
  const size_t slash = word.rfind('/');
  return slash == std::string_view::npos ? word : word.substr(slash + 1);
}

ShellScript::ShellScript(std::string_view text, uint32_t at) : text_(text), at_(at) {
  while (!AtEnd()) {
    ReadCommands('\0');
    if (!AtEnd()) ++pos_;  // a `)` that closes nothing
  }
}

void ShellScript::Keep(ShellCommand& command) {
  auto& words = command.words;
  if (words.size() > 3 && words[0].text == "for" && words[2].text == "in") {
    auto& values = values_[words[1].text];
    values.insert(values.end(), words.begin() + 3, words.end());
  }
  if (!words.empty() && words[0].text == "{" && !function_.empty()) ++braces_;
  const bool closes = !words.empty() && words[0].text == "}";
  command.function = function_;
  if (!words.empty()) commands_.push_back(std::move(command));
  command = {};
  if (closes && !function_.empty() && --braces_ <= 0) function_.clear();
}

// `name()`: what stands behind is its body.
bool ShellScript::BeginsFunction(const ShellCommand& command) const {
  return command.words.size() == 1 && Peek() == '(' && Peek(1) == ')' &&
         std::ranges::all_of(command.words[0].text, [](char c) {
           return IsNamePart(c) || c == '-' || c == ':' || c == '.';
         });
}

bool ShellScript::TakeAssignment(const ShellCommand& command, const ShellWord& word) {
  const bool place = std::ranges::all_of(command.words, LeavesPlace);
  const size_t length = place ? AssignmentLength(word.text) : 0;
  if (length == 0) return false;
  if (array_) return true;
  ShellWord value = word;
  value.text = word.text.substr(length);
  value.at = word.at + static_cast<uint32_t>(length);
  if (!value.text.empty()) values_[NameOfAssignment(word.text, length)].push_back(std::move(value));
  return true;
}

void ShellScript::ReadCommands(char closing) {
  ShellCommand command;
  bool redirect = false;
  while (!AtEnd()) {
    const char c = Peek();
    if (c == closing && closing != '\0') break;
    if (c == ')' && closing != '\0') break;
    if (c == ' ' || c == '\t' || c == '\r') {
      ++pos_;
    } else if (c == '\\' && Peek(1) == '\n') {
      pos_ += 2;
    } else if (c == '#') {
      const size_t begin = pos_;
      pos_ = std::min(text_.find('\n', pos_), text_.size());
      comments_.emplace_back(Offset(begin), Offset(pos_));
    } else if (c == '\n') {
      Keep(command);
      ++pos_;
      ReadHeredocs();
    } else if (BeginsFunction(command)) {
      function_ = command.words[0].text;
      braces_ = 0;
      command = {};
      pos_ += 2;
      while (Peek() == ' ' || Peek() == '\n') ++pos_;
    } else if (c == ';' || c == '&' || c == '|' || c == '(' || c == ')') {
      Keep(command);
      ++pos_;
    } else if (c == '<' || c == '>') {
      ReadRedirect(command, redirect);
    } else {
      ShellWord word = ReadWord();
      word.redirect = std::exchange(redirect, false);
      if (!TakeAssignment(command, word)) command.words.push_back(std::move(word));
    }
  }
  Keep(command);
}

void ShellScript::ReadRedirect(ShellCommand& command, bool& redirect) {
  if (Peek() == '<' && Peek(1) == '<' && Peek(2) != '<') {
    pos_ += 2;
    Heredoc document;
    if (Peek() == '-') document.indented = true, ++pos_;
    while (Peek() == ' ') ++pos_;
    document.end = ReadWord().text;
    if (!document.end.empty()) heredocs_.push_back(std::move(document));
    return;
  }
  if (Peek(1) == '(') {  // <(…): a command of its own
    Keep(command);
    pos_ += 2;
    return;
  }
  redirect = !(Peek() == '<' && Peek(1) == '<');
  while (Peek() == '<' || Peek() == '>' || Peek() == '&' || Peek() == '|') ++pos_;
}

void ShellScript::ReadHeredocs() {
  for (const Heredoc& document : std::exchange(heredocs_, {})) {
    const size_t begin = pos_;
    size_t end = text_.size();
    while (!AtEnd()) {
      const size_t stop = std::min(text_.find('\n', pos_), text_.size());
      std::string_view line = text_.substr(pos_, stop - pos_);
      if (document.indented)
        line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
      const size_t here = pos_;
      pos_ = std::min(stop + 1, text_.size());
      if (line == document.end) {
        end = here;
        break;
      }
    }
    // It may be a script for another shell.
    ShellScript inner(text_.substr(begin, end - begin), Offset(begin));
    std::ranges::move(inner.commands_, std::back_inserter(commands_));
    std::ranges::move(inner.comments_, std::back_inserter(comments_));
  }
}

ShellWord ShellScript::ReadWord() {
  ShellWord word{.at = Offset(pos_)};
  const size_t begin = pos_;
  array_ = false;
  while (!AtEnd()) {
    const char c = Peek();
    if (c == '(' && AssignmentLength(word.text) == word.text.size() && !word.text.empty()) {
      ++pos_;
      ReadArray(NameOfAssignment(word.text, word.text.size()));
      array_ = true;
      break;
    }
    if (std::string_view(" \t\r\n;&|()<>").find(c) != std::string_view::npos) break;
    if (c == '\\') {
      if (Peek(1) != '\n') word.text += Peek(1);
      pos_ = std::min(pos_ + 2, text_.size());
    } else if (c == '\'') {
      const size_t end = std::min(text_.find('\'', pos_ + 1), text_.size());
      word.text += text_.substr(pos_ + 1, end - pos_ - 1);
      word.literal = pos_ == begin;
      word.quoted = true;
      pos_ = std::min(end + 1, text_.size());
    } else if (c == '"') {
      ReadQuoted(word.text);
      word.quoted = true;
      word.literal = false;
    } else if (c == '$') {
      ReadDollar(word.text);
      word.literal = false;
    } else if (c == '`' && backquoted_) {
      break;
    } else if (c == '`') {
      const size_t open = pos_++;
      backquoted_ = true;
      ReadCommands('`');
      backquoted_ = false;
      if (!AtEnd()) ++pos_;
      word.text += text_.substr(open, pos_ - open);
    } else {
      word.text += c;
      ++pos_;
    }
  }
  if (pos_ == begin) ++pos_;  // something always is taken
  return word;
}

void ShellScript::ReadQuoted(std::string& out) {
  ++pos_;
  while (!AtEnd() && Peek() != '"') {
    if (Peek() == '\\') {
      if (Peek(1) != '\n') out += Peek(1);
      pos_ = std::min(pos_ + 2, text_.size());
    } else if (Peek() == '$') {
      ReadDollar(out);
    } else {
      out += text_[pos_++];
    }
  }
  if (!AtEnd()) ++pos_;
}

void ShellScript::ReadDollar(std::string& out) {
  const size_t begin = pos_;
  if (Peek(1) == '(' && Peek(2) != '(') {
    pos_ += 2;
    const auto waiting = std::exchange(heredocs_, {});
    ReadCommands(')');
    heredocs_ = waiting;
    if (!AtEnd()) ++pos_;
  } else if (Peek(1) == '(') {
    pos_ = std::min(text_.find("))", pos_), text_.size());
    pos_ = std::min(pos_ + 2, text_.size());
  } else if (Peek(1) == '{') {
    int depth = 0;
    for (; !AtEnd(); ++pos_) {
      if (Peek() == '\\') {
        ++pos_;
        continue;
      }
      if (Peek() == '{') ++depth;
      if (Peek() == '}' && --depth == 0) break;
    }
    pos_ = std::min(pos_ + 1, text_.size());
  } else {
    ++pos_;
    if (std::string_view("@*#?!$-").find(Peek()) != std::string_view::npos && !AtEnd()) {
      ++pos_;
    } else {
      while (IsNamePart(Peek())) ++pos_;
    }
  }
  pos_ = std::min(pos_, text_.size());
  out += text_.substr(begin, pos_ - begin);
}

void ShellScript::ReadArray(const std::string& name) {
  while (!AtEnd() && Peek() != ')') {
    const char c = Peek();
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++pos_;
    } else if (c == '\\' && Peek(1) == '\n') {
      pos_ += 2;
    } else if (c == '#') {
      const size_t begin = pos_;
      pos_ = std::min(text_.find('\n', pos_), text_.size());
      comments_.emplace_back(Offset(begin), Offset(pos_));
    } else {
      ShellWord word = ReadWord();
      values_[name].push_back(std::move(word));
    }
  }
  if (!AtEnd()) ++pos_;
}

size_t ShellScript::ShiftsOf(std::string_view function) const {
  size_t shifts = 0;
  for (const ShellCommand& command : commands_) {
    size_t at = 0;  // behind `{`, `then` and the like
    while (at + 1 < command.words.size() && LeavesPlace(command.words[at])) ++at;
    if (command.function != function || command.words[at].text != "shift") continue;
    const bool counted = at + 1 < command.words.size();
    const auto count = counted ? ParseUnsigned(command.words[at + 1].text) : 1;
    shifts += count.value_or(1);
  }
  return shifts;
}

std::vector<std::vector<ShellWord>> ShellScript::Variants(const ShellCommand& command,
                                                          size_t& left) const {
  std::vector<ShellWord> words;
  bool positional = false;
  for (const ShellWord& word : command.words) {
    for (ShellWord& one : Expand(word)) {
      positional = positional || (!one.literal && IsPositional(one.text));
      words.push_back(std::move(one));
    }
  }
  if (!positional || command.function.empty() || left == 0) return {words};
  std::vector<std::vector<ShellWord>> variants;
  const size_t shifts = ShiftsOf(command.function);
  for (const ShellCommand& call : commands_) {
    if (call.function == command.function) continue;
    const auto name = std::ranges::find(call.words, command.function, &ShellWord::text);
    if (name == call.words.end() || left == 0) continue;
    --left;
    for (const auto& called : Variants(call, left)) {
      const auto at = std::ranges::find(called, command.function, &ShellWord::text);
      if (at == called.end() || variants.size() >= kVariantsMax) continue;
      variants.push_back(Filled(words, {at + 1, called.end()}, shifts));
    }
  }
  if (variants.empty()) variants.push_back(std::move(words));
  return variants;
}

std::vector<ShellWord> ShellScript::Expand(const ShellWord& word, int depth) const {
  if (word.literal || depth > kDepthMax || word.text.find('$') == std::string::npos) return {word};
  if (const std::string_view name = WholeVariable(word.text); !name.empty()) {
    const auto found = values_.find(name);
    if (found == values_.end()) return {word};
    std::vector<ShellWord> words;
    for (const ShellWord& value : found->second) {
      for (ShellWord& one : Expand(value, depth + 1)) {
        // A value that is another variable whose values nobody knows says nothing new.
        if (words.size() < kWordsMax) words.push_back(std::move(one));
      }
    }
    return words;
  }
  ShellWord replaced = word;
  for (const auto& [name, values] : values_) {
    if (values.size() != 1) continue;
    for (const std::string& form : {"${" + name + "}", "$" + name}) {
      for (size_t at = 0; (at = replaced.text.find(form, at)) != std::string::npos;) {
        const size_t end = at + form.size();
        if (form[1] != '{' && end < replaced.text.size() && IsNamePart(replaced.text[end])) {
          at = end;
          continue;
        }
        const std::string& value = values[0].text;
        replaced.text.replace(at, form.size(), value);
        at += value.size();
        if (replaced.text.size() > 4096) return {word};
      }
    }
  }
  return {replaced};
}

}  // namespace kb::bundle
