#include "run/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "run/show.h"
#include "write/posix.h"

namespace kb::run {
namespace {

// No eye needs more, and a slow line carries it.
constexpr Time kRedrawGap = 100;
// Elapsed times go on even when nothing happens.
constexpr Time kSecond = 1000;

constexpr std::string_view kHideCursor = "\x1b[?25l";
constexpr std::string_view kShowCursor = "\x1b[?25h";
// A line that is as wide as the terminal must not begin another one.
constexpr std::string_view kWrapOff = "\x1b[?7l";
constexpr std::string_view kWrapOn = "\x1b[?7h";

winsize SizeOf(int fd) {
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    size.ws_col = 80;
    size.ws_row = 24;
  }
  return size;
}

}  // namespace

Terminal::Terminal(int fd, const Board& board, std::string title, Paint paint)
    : fd_(fd), board_(board), title_(std::move(title)), paint_(paint) {
  Put(kHideCursor);
}

Terminal::~Terminal() { Put(fmt::format("{}{}{}", Erase(SizeOf(fd_).ws_col), kept_, kShowCursor)); }

void Terminal::Keep(std::string_view color, std::string text) {
  const bool colored = paint_ == Paint::kColors && !color.empty();
  kept_ += colored ? fmt::format("{}{}\x1b[0m\n", color, text) : text + "\n";
}

void Terminal::Show(const Event& event) {
  changed_ = true;
  const std::string server = board_.ServerOf(event);
  const std::string text = Printable(event.text);
  switch (event.kind) {
    case EventKind::kBudget:
    case EventKind::kTorn:
      return Keep("", text);
    case EventKind::kServerLost:
      return Keep("\x1b[33m", fmt::format("{}: {}; trying again", server, text));
    case EventKind::kEnrolled:
      return Keep("", fmt::format("{}: {}", server, text));
    case EventKind::kServerFailed:
      return Keep("\x1b[1;31m", fmt::format("{}: {}", server, text));
    case EventKind::kStepEnd:
      if (event.result == Outcome::kOk) return;
      return Keep("\x1b[1;31m", fmt::format("{}: {} FAILED ({}): {}", server, board_.StepOf(event),
                                            event.status, text));
    case EventKind::kGateClosed:
      return Keep("\x1b[33m", fmt::format("{} must wait: {}", server, text));
    case EventKind::kStopping:
      return Keep("\x1b[33m", "nothing new begins, what runs is finished");
    default:
      return;
  }
}

std::optional<Time> Terminal::Pass(Time now) {
  const Time due = drawn_at_ + (changed_ ? kRedrawGap : kSecond);
  if (now < due) return due;
  const winsize size = SizeOf(fd_);
  // The line with the cursor is one of the terminal's, too.
  const size_t lines = size.ws_row > 1 ? size.ws_row - 1U : 1U;
  std::string frame = Erase(size.ws_col);
  frame += std::exchange(kept_, {});
  drawn_ = DrawTable(board_, title_, now, size.ws_col, lines, paint_);
  frame += kWrapOff;
  for (const TableLine& line : drawn_) frame.append(line.text).append("\x1b[K\n");
  frame += kWrapOn;
  Put(frame);
  drawn_at_ = now;
  changed_ = false;
  return now + kSecond;
}

// Back to where the table begins. A terminal that was made narrower has broken its lines.
std::string Terminal::Erase(size_t columns) const {
  size_t rows = 0;
  for (const TableLine& line : drawn_) {
    rows += std::max<size_t>(1, (line.columns + columns - 1) / columns);
  }
  return rows == 0 ? "\r\x1b[J" : fmt::format("\r\x1b[{}A\x1b[J", rows);
}

// A terminal that is gone is no reason to leave what runs.
void Terminal::Put(std::string_view bytes) const { static_cast<void>(write::WriteAll(fd_, bytes)); }

}  // namespace kb::run
