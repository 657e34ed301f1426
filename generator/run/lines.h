// Lines: a run for a pipe or a file: what ended, what failed, what takes long; nothing that moves.
#pragma once

#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "run/board.h"
#include "run/watcher.h"

namespace kb::run {

class Lines : public Watcher {
 public:
  enum class Detail : uint8_t { kTrouble, kEnds, kEverything };

  // `board` must outlive it, and must be shown each event first.
  Lines(std::FILE* file, const Board& board, Detail detail)
      : file_(file), board_(board), detail_(detail) {}

  void Show(const Event& event) override;
  std::optional<Time> Pass(Time now) override;

 private:
  void Print(const std::string& text);

  std::FILE* file_;
  const Board& board_;
  Detail detail_;
  std::map<int, Time> reminded_;  // by server, when it was last said that something runs there
};

// One JSON object a line for each event, for programs.
class JsonLines : public Watcher {
 public:
  JsonLines(std::FILE* file, const Board& board) : file_(file), board_(board) {}

  void Show(const Event& event) override;
  std::optional<Time> Pass(Time) override { return std::nullopt; }

 private:
  std::FILE* file_;
  const Board& board_;
};

}  // namespace kb::run
