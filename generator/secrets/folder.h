// Folder: where the env files lie, 0700 and its owner's alone.
#pragma once

#include <string>

#include "base/result.h"
#include "secrets/env_file.h"
#include "write/posix.h"

namespace kb::secrets {

// Why something is not read or written as it is, and what to do about it.
struct Distrust {
  std::string reason;  // empty: none
  std::string remedy;

  explicit operator bool() const { return !reason.empty(); }
};

struct Found {
  bool there = false;
  Distrust distrust;  // then nothing was read
  EnvFile content;
};

class Folder {
 public:
  // Opens the folder; one that is not there is an empty one.
  static Result<Folder> Open(const std::string& path);
  // Makes it first when it is not there.
  static Result<Folder> Make(const std::string& path);

  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view name) const { return path_ + "/" + std::string(name); }
  const Distrust& distrust() const { return distrust_; }

  // One run that writes at a time; frees what runs that died left behind.
  Result<void> Lock();

  Result<Found> Read(const std::string& name) const;
  // Whenever the run or the machine dies, the old bytes stand there or the new ones; when this
  // returns, the new ones do for good. Never readable for others, not even for a moment.
  Result<void> Replace(const std::string& name, const Secret& bytes) const;
  Result<void> Remove(const std::string& name) const;

 private:
  std::string path_;
  write::Fd folder_;  // not ok: not there
  Distrust distrust_;
};

}  // namespace kb::secrets
