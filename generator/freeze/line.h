// Line: one thing that a service renders, as freeze.lock has it. The text is canonical: two things
// are the same when their lines are.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "module/manifest.h"

namespace kb::freeze {

// A file of the output tree. A file that lands on no host by itself has no owner and no host_path.
struct FileFacts {
  std::string_view path;    // in the tree
  std::string_view sha256;  // in hex
  std::string_view owner;
  uint32_t mode = 0;  // on the host, else in the tree
  std::string_view host_path;
};

std::string ServerLine(std::string_view server);
// `number` is the step's place in its module, from 1; `install` the server for steps that run
// there.
std::string StepLine(const module::Step& step, size_t number, std::string_view install);
std::string FileLine(const FileFacts& file);

// Why a text is none of these lines.
struct Mistake {
  std::string_view expected;  // "expected …"
  std::string_view part;      // of the text: what is wrong
};
std::optional<Mistake> MistakeIn(std::string_view line);

// What a line speaks of, and the order of lines: servers, steps, files; each by name.
struct Subject {
  enum class Kind : uint8_t { kServer, kStep, kFile } kind = Kind::kServer;
  std::string_view name;  // of a file: its path as the line has it
  auto operator<=>(const Subject&) const = default;
};
Subject SubjectOf(std::string_view line);
// The name as it is outside of the lock.
std::string NameOf(std::string_view line);
// The digest of a file's line, in hex.
std::string_view DigestOf(std::string_view line);

// How two lines of one subject differ, for people: "content, mode 0640 → 0600".
std::string DescribeChange(std::string_view was, std::string_view now);

}  // namespace kb::freeze
