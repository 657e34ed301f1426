// Logbook: the logs of an installation where its operators look for them, one file a module.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "run/board.h"
#include "run/watcher.h"

namespace kb::run {

class Logbook : public Watcher {
 public:
  // Appends to <folder>/module_<N>_install.log; _test.log for what changes nothing. `board` must
  // outlive it.
  Logbook(std::string folder, const Board& board) : folder_(std::move(folder)), board_(board) {}

  void Show(const Event& event) override;
  std::optional<Time> Pass(Time now) override;

  // The first reason why something could not be written; empty: there is none.
  const std::string& trouble() const { return trouble_; }
  // Where the lines of a step went.
  std::string PathOf(int step) const;

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::FILE* Open(const std::string& path);

  std::string folder_;
  const Board& board_;
  std::map<std::string, std::unique_ptr<std::FILE, CloseFile>> files_;
  std::string trouble_;
  bool dirty_ = false;
};

}  // namespace kb::run
