// Terminal: a live table at the bottom of a terminal; what is worth keeping scrolls away above it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/board.h"
#include "run/table.h"
#include "run/watcher.h"

namespace kb::run {

class Terminal : public Watcher {
 public:
  // Draws on `fd`. `board` must outlive it, and must be shown each event first.
  Terminal(int fd, const Board& board, std::string title, Paint paint);
  // Takes the table away and shows the cursor again.
  ~Terminal() override;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void Show(const Event& event) override;
  std::optional<Time> Pass(Time now) override;

 private:
  void Keep(std::string_view color, std::string text);
  std::string Erase(size_t columns) const;
  void Put(std::string_view bytes) const;

  int fd_;
  const Board& board_;
  std::string title_;
  Paint paint_;
  std::string kept_;              // lines for above the table, not yet drawn
  std::vector<TableLine> drawn_;  // the table that stands there
  Time drawn_at_ = 0;
  bool changed_ = true;
};

}  // namespace kb::run
