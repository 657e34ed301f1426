// Tree: makes an output folder equal to what was rendered, atomically, touching only what changed.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "diag/diagnostic.h"

namespace kb::write {

// One line of MANIFEST.json, without the digest. Views point into what the source is made of.
struct Item {
  std::string path;         // in the tree, "servers/db-01/03-postgres/etc/patroni/patroni.yml"
  std::string_view server;  // empty: no single one
  std::string_view service;
  std::string_view module;
  std::string_view step;    // scripts: the step's name
  std::string host_path;    // where it lands; empty: nowhere by itself
  std::string_view owner;   // "999:999"
  uint32_t host_mode = 0;   // as it must be on the host; 0: not on a host
  bool executable = false;  // its mode in the tree: 0755 or 0644
};

// What shall stand in the tree. Implementations are thread-safe; they may be asked for the same
// item several times and must give the same bytes.
class Source {
 public:
  virtual ~Source() = default;
  virtual size_t size() const = 0;
  virtual Item Describe(size_t index) const = 0;
  virtual std::string PathOf(size_t index) const = 0;  // as Describe().path, cheaper
  virtual bool IsExecutable(size_t index) const = 0;   // as Describe().executable, cheaper
  // Appends the bytes to `out`. Problems of the values are reported; false if there was one.
  virtual bool Render(size_t index, std::string& out, Diagnostics& diags) const = 0;
};

// Asked once everything is rendered, before anything is changed; what it reports stops the run.
using Inspect = std::function<void(std::span<const Sha256> digests, Diagnostics& diags)>;

struct Options {
  std::string root;  // the output folder, "out"
  unsigned threads = 1;
  std::string header;  // JSON members that open MANIFEST.json ("\"topology\": \"x\",")
  Inspect inspect = nullptr;
};

enum class ChangeKind : uint8_t { kCreate, kUpdate, kDelete };
struct Change {
  ChangeKind kind;
  std::string path;
};

// MANIFEST.json counts and is listed as the files of the source are.
struct Outcome {
  bool fresh = false;                // there was no tree: all is created, and `changes` stays empty
  std::vector<Change> changes;       // by path
  std::vector<std::string> foreign;  // files in the tree that kbgen does not own, by path
  size_t files = 0;                  // that stand in the tree now
  uint64_t bytes = 0;                // of those
};

// Renders everything first; only when that went without an error is anything written. Files are
// replaced by rename, a tree that does not exist yet is made beside and renamed as a whole, and
// MANIFEST.json comes last, so that an interrupted run is healed by the next one. Files that the
// previous manifest lists and nobody renders any more are deleted; others are reported as foreign
// and left alone. Two runs on one tree: the second is an Error. Memory does not grow with the
// bytes rendered. Nothing is synced: what a power cut loses, the next run compares and writes.
Result<Checked<Outcome>> Apply(const Source& source, const Options& options, Diagnostics& diags);

// What Apply would do, without doing it.
Result<Checked<Outcome>> Compare(const Source& source, const Options& options, Diagnostics& diags);

// The text of MANIFEST.json. Renders everything for its digest.
Checked<std::string> ManifestText(const Source& source, const Options& options, Diagnostics& diags);

}  // namespace kb::write
