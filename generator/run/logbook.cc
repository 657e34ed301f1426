#include "run/logbook.h"

#include <fcntl.h>

#include <cerrno>

#include <fmt/core.h>

#include "base/files.h"
#include "run/record.h"
#include "run/show.h"
#include "run/validation.h"
#include "write/posix.h"

namespace kb::run {

std::string Logbook::PathOf(int step) const {
  const Step& row = board_.plan().steps[static_cast<size_t>(step)];
  const Service& service = board_.plan().services[static_cast<size_t>(row.service)];
  const bool test = row.kind == StepKind::kValidate || row.kind == StepKind::kDrill;
  return JoinPath(folder_, fmt::format("module_{}_{}.log", ModuleNumber(service.label),
                                       test ? "test" : "install"));
}

// Group may read, as logs are read; a script's output is not for everybody.
std::FILE* Logbook::Open(const std::string& path) {
  const auto found = files_.find(path);
  if (found != files_.end()) return found->second.get();
  write::Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  std::FILE* file = fd.ok() ? fdopen(fd.get(), "a") : nullptr;
  if (file) fd.Release();
  if (!file && trouble_.empty()) trouble_ = write::SystemError("write", path).error().message;
  return files_.emplace(path, file).first->second.get();
}

void Logbook::Show(const Event& event) {
  if (event.step < 0) return;
  std::string text;
  switch (event.kind) {
    case EventKind::kOutput:
      text = Printable(event.text);
      break;
    case EventKind::kStepBegin:
      text = "begins";
      break;
    case EventKind::kStepEnd:
      text = event.result == Outcome::kOk ? fmt::format("done in {}", Span(event.took))
                                          : fmt::format("FAILED ({}) after {}: {}", event.status,
                                                        Span(event.took), Printable(event.text));
      break;
    default:
      return;
  }
  std::FILE* file = Open(PathOf(event.step));
  if (!file) return;
  const std::string line =
      fmt::format("{} {} {} {}\n", UtcNow(), board_.ServerOf(event),
                  board_.plan().steps[static_cast<size_t>(event.step)].name, text);
  const bool written = std::fwrite(line.data(), 1, line.size(), file) == line.size();
  if (!written && trouble_.empty()) {
    trouble_ = write::SystemError("write", PathOf(event.step)).error().message;
  }
  dirty_ = true;
}

// Once a round, not once a line: a step that talks much must not wait for the disk.
std::optional<Time> Logbook::Pass(Time) {
  if (!dirty_) return std::nullopt;
  dirty_ = false;
  for (const auto& [path, file] : files_) {
    if (file && std::fflush(file.get()) != 0 && trouble_.empty()) {
      trouble_ = write::SystemError("write", path).error().message;
    }
  }
  return std::nullopt;
}

}  // namespace kb::run
