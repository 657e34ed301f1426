// Names: what a path means at one place of a template, and what is known there about its presence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.h"
#include "tmpl/type.h"

namespace kb::tmpl {

using Path = std::vector<uint16_t>;

// What a path leads to. No type: it leads nowhere, which has been reported.
struct Resolved {
  Path path;
  const Type* type = nullptr;
  bool may_be_absent = false;  // it, or a record on the way to it
  std::string read;            // the path with loop variables spelt out: "members.name"
};

// "a text", "an enumeration", for messages.
std::string_view Describe(const Type& type);

class Names {
 public:
  // Borrows both; `scope` is the record that templates see.
  Names(const Type& scope, Diagnostics& diags) : scope_(scope), diags_(diags) {}

  // `span` is where the path is written. Reports what leads nowhere.
  Resolved Resolve(std::string_view path, Span span);

  // Inside a loop its variable is known. No type: the list leads nowhere, so nothing is said of it.
  void OpenLoop(std::string_view variable, const Type* element, std::string list);
  void CloseLoop() { loops_.pop_back(); }
  size_t loops() const { return loops_.size(); }
  bool IsTaken(std::string_view name) const;

  // What an `if` has found to be there, until Forget of an earlier Mark.
  void Assume(Path path) { present_.push_back(std::move(path)); }
  size_t Mark() const { return present_.size(); }
  void Forget(size_t mark) { present_.resize(mark); }

  std::vector<std::string> Reads() const;  // sorted, unique

 private:
  struct Loop {
    std::string_view variable;
    const Type* element;
    std::string list;
  };
  Resolved Begin(std::string_view name, Span span);
  Resolved LoopField(std::string_view field, Span span);
  void Enter(Resolved& at, std::string_view field, Span span);
  void Arrive(Resolved& at) const;
  bool IsPresent(const Path& path) const;

  const Type& scope_;
  Diagnostics& diags_;
  std::vector<Loop> loops_;
  std::vector<Path> present_;
  std::vector<std::string> reads_;
};

}  // namespace kb::tmpl
