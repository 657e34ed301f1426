#include "run/plan.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace kb::run {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 9> kKinds{
    "apply", "validate", "drill", "rollback", "reinit", "cleanup", "gate", "backup", "restore"};
constexpr std::array<std::string_view, 3> kStrategies{"parallel", "rolling", "first"};

// Names become words of a protocol, arguments of ssh and parts of paths.
bool IsName(std::string_view text) {
  return !text.empty() && (IsAlnum(text[0]) || text[0] == '_') &&
         std::ranges::all_of(text,
                             [](char c) { return IsAlnum(c) || c == '_' || c == '-' || c == '.'; });
}

bool IsPrintable(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

bool IsAddress(std::string_view text) {
  return !text.empty() && text[0] != '-' && IsPrintable(text);
}

// "/a/b": absolute, and nothing in it leads elsewhere.
bool IsAbsolutePath(std::string_view text) {
  if (text.size() < 2 || text[0] != '/' || !IsPrintable(text)) return false;
  return std::ranges::none_of(Split(text.substr(1), '/'), [](std::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
}

// Reads members of JSON and remembers the first thing that was wrong. What it gives after that is
// of no use, but never out of bounds, so that callers need to ask only once, at the end.
class Reader {
 public:
  const json& Member(const json& record, const char* key, std::string_view where) {
    static const json kNothing;
    if (!record.is_object()) return Wrong(where, "is not a record"), kNothing;
    const auto found = record.find(key);
    if (found == record.end()) return Wrong(where, fmt::format("has no `{}`", key)), kNothing;
    return *found;
  }
  std::string Text(const json& record, const char* key, std::string_view where) {
    const json& value = Member(record, key, where);
    if (!value.is_string()) return Wrong(where, fmt::format("`{}` is not a text", key)), "";
    return value.get<std::string>();
  }
  // A text for which `good` holds.
  std::string Text(const json& record, const char* key, std::string_view where,
                   bool (*good)(std::string_view)) {
    std::string text = Text(record, key, where);
    if (!good(text)) Wrong(where, fmt::format("`{}` cannot be `{}`", key, text));
    return text;
  }
  int64_t Number(const json& record, const char* key, std::string_view where, int64_t max) {
    const json& value = Member(record, key, where);
    if (!value.is_number_integer())
      return Wrong(where, fmt::format("`{}` is not a number", key)), 0;
    // An unsigned one that is too large for the signed type comes out negative.
    const auto number = value.get<int64_t>();
    if (number < 0 || number > max) Wrong(where, fmt::format("`{}` is out of range", key));
    return number;
  }
  const json::array_t& List(const json& record, const char* key, std::string_view where) {
    static const json::array_t kNothing;
    const json& value = Member(record, key, where);
    if (!value.is_array()) return Wrong(where, fmt::format("`{}` is not a list", key)), kNothing;
    return value.get_ref<const json::array_t&>();
  }
  std::vector<std::string> Texts(const json& record, const char* key, std::string_view where,
                                 bool (*good)(std::string_view)) {
    std::vector<std::string> texts;
    for (const json& value : List(record, key, where)) {
      if (!value.is_string() || !good(value.get_ref<const std::string&>())) {
        Wrong(where, fmt::format("`{}` holds {}", key, Shown(value)));
        break;
      }
      texts.push_back(value.get<std::string>());
    }
    return texts;
  }
  void Wrong(std::string_view where, std::string_view what) {
    if (!error_) error_ = fmt::format("{}: {} {}", kPlanName, where, what);
  }
  bool ok() const { return !error_; }
  std::unexpected<Error> error() const { return Fail(*error_); }

 private:
  static std::string Shown(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 80);
  }
  std::optional<std::string> error_;
};

template <size_t n>
std::optional<size_t> Index(const std::array<std::string_view, n>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<size_t>(found - names.begin());
}

using Names = std::map<std::string, int, std::less<>>;

std::vector<int> Resolve(const std::vector<std::string>& texts, const Names& names, const char* key,
                         std::string_view where, Reader& reader) {
  std::vector<int> found;
  for (const std::string& text : texts) {
    const auto at = names.find(text);
    if (at == names.end()) {
      reader.Wrong(where, fmt::format("`{}` names `{}`, which the plan does not have", key, text));
    } else if (std::ranges::find(found, at->second) != found.end()) {
      reader.Wrong(where, fmt::format("`{}` names `{}` twice", key, text));
    } else {
      found.push_back(at->second);
    }
  }
  return found;
}

Server ReadServer(const json& row, const std::string& where, Reader& reader) {
  Server server{.name = reader.Text(row, "name", where, IsName),
                .address = reader.Text(row, "address", where, IsAddress),
                .ip = reader.Text(row, "ip", where, IsAddress),
                .os = reader.Text(row, "os", where, IsName),
                .mounts = reader.Texts(row, "mounts", where, IsAbsolutePath)};
  for (const json& port : reader.List(row, "ports", where)) {
    server.ports.push_back(
        {.port = static_cast<uint16_t>(reader.Number(port, "port", where, UINT16_MAX)),
         .protocol = reader.Text(port, "protocol", where, IsName),
         .service = reader.Text(port, "service", where, IsName)});
  }
  for (const json& peer : reader.List(row, "peers", where)) {
    server.peers.push_back(
        {.ip = reader.Text(peer, "ip", where, IsAddress),
         .port = static_cast<uint16_t>(reader.Number(peer, "port", where, UINT16_MAX)),
         .service = reader.Text(peer, "service", where, IsName)});
  }
  return server;
}

Step ReadStep(const json& row, int service, const Service& of, const Names& servers,
              const std::string& where, Reader& reader) {
  Step step{.name = reader.Text(row, "name", where, IsName),
            .service = service,
            .script = reader.Text(row, "script", where),
            .help = reader.Text(row, "help", where)};
  const std::string kind = reader.Text(row, "kind", where);
  const std::string strategy = reader.Text(row, "strategy", where);
  const std::string on = reader.Text(row, "on", where);
  const std::string connection = reader.Text(row, "connection", where);
  const auto kind_at = Index(kKinds, kind);
  const auto strategy_at = Index(kStrategies, strategy);
  if (!kind_at) reader.Wrong(where, fmt::format("`kind` cannot be `{}`", kind));
  if (!strategy_at) reader.Wrong(where, fmt::format("`strategy` cannot be `{}`", strategy));
  if (on != "members" && on != "install") {
    reader.Wrong(where, fmt::format("`on` cannot be `{}`", on));
  }
  if (connection != "any" && connection != "new") {
    reader.Wrong(where, fmt::format("`connection` cannot be `{}`", connection));
  }
  if (step.script != fmt::format("{}/{}.sh", of.folder, step.name)) {
    reader.Wrong(where, fmt::format("`script` cannot be `{}`", step.script));
  }
  step.kind = static_cast<StepKind>(kind_at.value_or(0));
  step.strategy = static_cast<Strategy>(strategy_at.value_or(0));
  step.on_install = on == "install";
  step.fresh_connection = connection == "new";
  step.servers =
      Resolve(reader.Texts(row, "hosts", where, IsName), servers, "hosts", where, reader);
  if (step.strategy == Strategy::kFirst && step.servers.size() > 1) {
    step.servers.erase(step.servers.begin() + 1, step.servers.end());
  }
  return step;
}

void ReadSteps(const json& row, int index, const Names& servers, Plan& plan, Reader& reader) {
  Service& service = plan.services[index];
  const auto& rows = reader.List(row, "steps", service.name);
  Names names;
  for (const json& step_row : rows) {
    const std::string where = fmt::format("step {} of `{}`", names.size() + 1, service.name);
    Step step = ReadStep(step_row, index, service, servers, where, reader);
    const int at = static_cast<int>(plan.steps.size());
    if (!names.emplace(step.name, at).second) {
      reader.Wrong(where, fmt::format("is called `{}`, as another one", step.name));
    }
    for (int server : step.servers) {
      if (step.on_install ? server != plan.install
                          : std::ranges::find(service.members, server) == service.members.end()) {
        reader.Wrong(where, fmt::format("runs on `{}`, which is no {}", plan.servers[server].name,
                                        step.on_install ? "install host" : "member"));
      }
    }
    service.steps.push_back(at);
    plan.steps.push_back(std::move(step));
    if (!reader.ok()) return;
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    Step& step = plan.steps[service.steps[i]];
    const std::string where = fmt::format("step `{}` of `{}`", step.name, service.name);
    step.after =
        Resolve(reader.Texts(rows[i], "after", where, IsName), names, "after", where, reader);
  }
}

void ReadService(const json& row, const Names& services, const Names& servers, Service& service,
                 Reader& reader) {
  const std::string& where = service.name;
  service.module = reader.Text(row, "module", where, IsName);
  service.label = reader.Text(row, "label", where, IsName);
  service.folder = reader.Text(row, "folder", where, IsName);
  service.needs =
      Resolve(reader.Texts(row, "needs", where, IsName), services, "needs", where, reader);
  service.members =
      Resolve(reader.Texts(row, "members", where, IsName), servers, "members", where, reader);
  service.survives =
      static_cast<int>(reader.Number(row, "survives", where, std::numeric_limits<int>::max()));
  service.gate = reader.Text(row, "gate", where);
  if (!service.gate.empty() && service.gate != service.folder + "/gate.sh") {
    reader.Wrong(where, fmt::format("`gate` cannot be `{}`", service.gate));
  }
  service.images = reader.Texts(row, "images", where, IsName);
  for (const json& credential : reader.List(row, "credentials", where)) {
    service.credentials.push_back({.name = reader.Text(credential, "name", where),
                                   .file = reader.Text(credential, "file", where, IsName),
                                   .key = reader.Text(credential, "key", where, IsName)});
  }
}

// Some row that is in a circle; -1: there is none.
int FindCircle(size_t size, const std::function<const std::vector<int>&(int)>& before) {
  std::vector<int> waits(size, 0);
  std::vector<std::vector<int>> next(size);
  std::vector<int> free;
  for (size_t i = 0; i < size; ++i) {
    for (int other : before(static_cast<int>(i))) {
      next[other].push_back(static_cast<int>(i));
      ++waits[i];
    }
    if (waits[i] == 0) free.push_back(static_cast<int>(i));
  }
  for (size_t i = 0; i < free.size(); ++i) {
    for (int other : next[free[i]]) {
      if (--waits[other] == 0) free.push_back(other);
    }
  }
  const auto stuck = std::ranges::find_if(waits, [](int count) { return count > 0; });
  return stuck == waits.end() ? -1 : static_cast<int>(stuck - waits.begin());
}

void CheckCircles(const Plan& plan, Reader& reader) {
  const auto needs = [&](int i) -> const std::vector<int>& { return plan.services[i].needs; };
  const auto after = [&](int i) -> const std::vector<int>& { return plan.steps[i].after; };
  if (const int at = FindCircle(plan.services.size(), needs); at >= 0) {
    reader.Wrong(plan.services[at].name, "needs, in a circle, itself");
  }
  if (const int at = FindCircle(plan.steps.size(), after); at >= 0) {
    reader.Wrong(plan.steps[at].name, "comes, in a circle, after itself");
  }
}

}  // namespace

std::string_view Name(StepKind kind) { return kKinds[static_cast<size_t>(kind)]; }
std::string_view Name(Strategy strategy) { return kStrategies[static_cast<size_t>(strategy)]; }

int Plan::FindServer(std::string_view name) const {
  const auto found = std::ranges::find(servers, name, &Server::name);
  return found == servers.end() ? -1 : static_cast<int>(found - servers.begin());
}

int Plan::FindService(std::string_view name) const {
  const auto found = std::ranges::find(services, name, &Service::name);
  return found == services.end() ? -1 : static_cast<int>(found - services.begin());
}

int Plan::FindStep(std::string_view folder, std::string_view step) const {
  for (const Service& service : services) {
    if (service.folder != folder) continue;
    for (int at : service.steps) {
      if (steps[at].name == step) return at;
    }
  }
  return -1;
}

Result<Plan> ParsePlan(std::string_view text) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return Fail(fmt::format("{}: is not JSON", kPlanName));
  Reader reader;
  const std::string_view whole = "the plan";
  if (reader.Number(root, "kbgen", whole, INT32_MAX) != 1) {
    reader.Wrong(whole, "is of a format that this kbgen does not know");
  }
  if (!reader.ok()) return reader.error();
  Plan plan{.topology = reader.Text(root, "topology", whole, IsName),
            .root = reader.Text(root, "root", whole, IsAbsolutePath),
            .credentials = reader.Text(root, "credentials", whole, IsAbsolutePath)};
  Names servers;
  for (const json& row : reader.List(root, "servers", whole)) {
    const std::string where = fmt::format("server {}", servers.size() + 1);
    plan.servers.push_back(ReadServer(row, where, reader));
    const int at = static_cast<int>(plan.servers.size()) - 1;
    if (!servers.emplace(plan.servers.back().name, at).second) {
      reader.Wrong(where, fmt::format("is called `{}`, as another one", plan.servers.back().name));
    }
    if (!reader.ok()) return reader.error();
  }
  if (const std::string install = reader.Text(root, "install", whole); !install.empty()) {
    const auto at = servers.find(install);
    if (at == servers.end()) reader.Wrong(whole, fmt::format("has no server `{}`", install));
    plan.install = at == servers.end() ? -1 : at->second;
  }
  const auto& rows = reader.List(root, "services", whole);
  Names services;
  std::map<std::string, int, std::less<>> folders;
  for (const json& row : rows) {
    const std::string where = fmt::format("service {}", services.size() + 1);
    plan.services.push_back({.name = reader.Text(row, "name", where, IsName)});
    if (!services.emplace(plan.services.back().name, static_cast<int>(services.size())).second) {
      reader.Wrong(where, fmt::format("is called `{}`, as another one", plan.services.back().name));
    }
    if (!reader.ok()) return reader.error();
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    Service& service = plan.services[i];
    ReadService(rows[i], services, servers, service, reader);
    for (int member : service.members) plan.servers[member].services.push_back(static_cast<int>(i));
    if (!folders.emplace(service.folder, 0).second) {
      reader.Wrong(service.name, fmt::format("has the folder `{}` of another one", service.folder));
    }
    ReadSteps(rows[i], static_cast<int>(i), servers, plan, reader);
    if (!reader.ok()) return reader.error();
  }
  CheckCircles(plan, reader);
  if (!reader.ok()) return reader.error();
  return plan;
}

std::vector<std::string> BudgetLines(const Plan& plan, const std::vector<int>& steps) {
  std::vector<bool> touched(plan.services.size(), false);
  for (int at : steps) {
    const Step& step = plan.steps[at];
    if (step.strategy != Strategy::kRolling) continue;
    touched[step.service] = true;
    for (int server : step.servers) {
      for (int service : plan.servers[server].services) {
        if (!plan.services[service].gate.empty()) touched[service] = true;
      }
    }
  }
  std::vector<std::string> lines;
  for (size_t i = 0; i < plan.services.size(); ++i) {
    if (!touched[i]) continue;
    const Service& service = plan.services[i];
    const size_t size = service.members.size();
    std::string line =
        fmt::format("{}: {} {}, ", service.name, size, size == 1 ? "member" : "members");
    line += service.survives > 0 ? fmt::format("{} may be down, ", service.survives)
                                 : std::string("no claim how many may be down, ");
    line += service.survives > 0 ? "this run uses one at a time" : "this run stops one at a time";
    line += service.gate.empty() ? " and asks nobody" : " and asks all of them before and after";
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace kb::run
