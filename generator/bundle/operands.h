// Operands: the words of a command line that are neither options nor their values.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "bundle/shell_script.h"

namespace kb::bundle {

using Words = std::span<const ShellWord>;
using Names = std::initializer_list<std::string_view>;

inline bool In(std::string_view word, Names names) {
  return std::ranges::find(names, word) != names.end();
}

inline bool IsOption(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

inline bool IsPath(std::string_view word) {
  return word.starts_with('/') || word.starts_with("./") || word.starts_with("../") ||
         word == "." || word.starts_with("file:");
}

inline bool IsUnknown(std::string_view word) { return word.find('$') != std::string_view::npos; }

// Where an operand stands that has the value of an option before it: `-o x`.
class Operands {
 public:
  // `takes`: the options that are followed by a value.
  Operands(Words words, Names takes) {
    bool only_operands = false;
    for (size_t i = 0; i < words.size(); ++i) {
      const std::string& text = words[i].text;
      if (words[i].redirect || text.empty()) continue;
      if (!only_operands && text == "--") {
        only_operands = true;
      } else if (!only_operands && IsOption(text)) {
        if (In(text, takes)) ++i;
      } else {
        all_.push_back(&words[i]);
      }
    }
  }
  const ShellWord* operator[](size_t i) const { return i < all_.size() ? all_[i] : nullptr; }
  std::string_view text(size_t i) const {
    return i < all_.size() ? all_[i]->text : std::string_view();
  }
  size_t size() const { return all_.size(); }
  std::span<const ShellWord* const> from(size_t i) const {
    return std::span(all_).subspan(std::min(i, all_.size()));
  }

 private:
  std::vector<const ShellWord*> all_;
};

}  // namespace kb::bundle
