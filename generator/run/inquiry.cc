#include "run/inquiry.h"

#include <poll.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/files.h"
#include "run/link.h"
#include "run/signals.h"
#include "write/manifest.h"

namespace kb::run {
namespace {

using Json = nlohmann::json;

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

struct Visit {
  Sight sight;
  std::unique_ptr<Link> link;
};

// Rows of each service with files on a server.
std::map<int, std::string> RowsOf(const std::vector<PlacedFile>& files, int server) {
  std::map<int, std::string> rows;
  for (const PlacedFile& file : files) {
    if (file.server != server) continue;
    rows[file.service] += fmt::format("{} {} {}\n", file.mode, file.owner, file.path);
  }
  return rows;
}

void Note(Visit& visit, const Report& report, const std::vector<PlacedFile>& files) {
  Sight& sight = visit.sight;
  if (const Hello* hello = std::get_if<Hello>(&report)) {
    sight.hello = *hello;
    for (auto& [service, rows] : RowsOf(files, sight.server)) {
      visit.link->Drift(service, std::move(rows));
    }
  } else if (const Lost* lost = std::get_if<Lost>(&report)) {
    sight.reason = lost->reason;
  } else if (const Refused* refused = std::get_if<Refused>(&report)) {
    sight.reason = refused->reason;
  }
}

// Whether the server has nothing more to say.
bool Over(const Visit& visit) {
  if (visit.link->has_heard()) return false;
  return !visit.sight.reason.empty() || (visit.sight.hello && !visit.link->busy());
}

}  // namespace

Result<std::vector<PlacedFile>> ReadPlacedFiles(const Tree& tree) {
  KB_TRY(bytes, ReadFile(JoinPath(tree.root, write::kManifestName)));
  if (Hex(Digest(bytes)) != tree.id) return Fail("MANIFEST.json was changed while it was used");
  const Json manifest = Json::parse(bytes, nullptr, false);
  std::vector<PlacedFile> files;
  if (!manifest.is_object() || !manifest.contains("files")) return files;
  for (const Json& file : manifest["files"]) {
    PlacedFile placed = {.server = tree.plan.FindServer(TextOf(file, "server")),
                         .service = tree.plan.FindService(TextOf(file, "service")),
                         .path = TextOf(file, "host_path"),
                         .mode = TextOf(file, "host_mode"),
                         .owner = TextOf(file, "owner")};
    // Scripts are run where they were shipped; they are placed nowhere.
    const bool script = !TextOf(file, "step").empty();
    if (placed.server < 0 || placed.service < 0 || placed.path.empty() || script) continue;
    files.push_back(std::move(placed));
  }
  return files;
}

std::vector<Sight> Inquire(const Errand& errand, const std::vector<int>& servers,
                           const std::vector<PlacedFile>& files) {
  const Signals signals;
  const std::vector<Task> no_tasks;
  std::vector<Visit> visits;
  for (int server : servers) {
    visits.push_back({.sight = {.server = server, .hello = {}, .reason = {}, .drift = {}},
                      .link = std::make_unique<Link>(errand, no_tasks, server)});
    visits.back().link->Connect();
  }
  std::vector<pollfd> watched;
  bool stopped = false;
  const auto busy = [&] { return !stopped && !std::ranges::all_of(visits, Over); };
  while (busy()) {
    watched.assign(1, {.fd = signals.fd(), .events = POLLIN, .revents = 0});
    for (Visit& visit : visits) visit.link->Watch(watched);
    const bool heard =
        std::ranges::any_of(visits, [](const Visit& visit) { return visit.link->has_heard(); });
    poll(watched.data(), watched.size(), heard ? 0 : -1);
    stopped = signals.Take() != 0;
    for (Visit& visit : visits) {
      visit.link->Serve(watched);
      for (Heard& line : visit.link->TakeHeard()) {
        if (const Report* report = std::get_if<Report>(&line)) {
          Note(visit, *report, files);
        } else if (Event& event = std::get<Event>(line); event.service >= 0) {
          visit.sight.drift.push_back({event.service, std::move(event.text)});
        }
      }
    }
  }
  std::vector<Sight> sights;
  for (Visit& visit : visits) {
    if (stopped && !Over(visit)) visit.sight.reason = "it was interrupted";
    visit.link->Close();
    sights.push_back(std::move(visit.sight));
  }
  return sights;
}

}  // namespace kb::run
