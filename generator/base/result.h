// Result: a value, or the reason why the environment did not give one.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace kb {

// What went wrong outside of the author's text: a file, a process, the system. `Within` adds
// what was being done as the error climbs, so that the message reads outside in.
struct Error {
  std::string message;

  Error Within(std::string_view doing) && {
    message.insert(0, ": ").insert(0, doing);
    return std::move(*this);
  }
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> Fail(std::string message) {
  return std::unexpected(Error{std::move(message)});
}

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error, please report it: %s\n", file, line, condition);
  std::abort();
}

}  // namespace kb

// A mistake of ours, never of the input: stops at once, in every build.
#define KB_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::kb::CheckFailed(#condition, __FILE__, __LINE__))

#define KB_CONCAT_(a, b) a##b
#define KB_CONCAT(a, b) KB_CONCAT_(a, b)
#define KB_TRY_(tmp, name, expr)                            \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  auto name = std::move(tmp).value()
// Names the value of `expr`, or returns its error as it is.
#define KB_TRY(name, expr) KB_TRY_(KB_CONCAT(kb_try_, __LINE__), name, expr)
